import { aiSdk } from './ai-sdk.ts';
import { anthropic } from './anthropic.ts';
import { axios } from './axios.ts';
import type { ClientProgram } from './contract.ts';
import { builtinFetch } from './fetch.ts';
import { googleGenAi } from './google-genai.ts';
import { langchain } from './langchain.ts';
import { mem0 } from './mem0.ts';
import { nodeHttp } from './node-http.ts';
import { ollama } from './ollama.ts';
import { openai4 } from './openai-4.ts';
import { openai } from './openai.ts';
import { undici } from './undici.ts';

/** What is done with each client library, by a name of it. */
export const programs: Readonly<Record<string, ClientProgram>> = {
  openai,
  'openai 4': openai4,
  anthropic,
  'ai sdk': aiSdk,
  langchain,
  mem0,
  undici,
  axios,
  fetch: builtinFetch,
  'node:http': nodeHttp,
  'google genai': googleGenAi,
  ollama,
};
