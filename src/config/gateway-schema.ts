import * as z from 'zod';
import { hasReference } from '../core/index.ts';
import { envName, headersSchema, isHttpUrl } from './providers-schema.ts';

/** `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT`. */
const LISTEN = /^(?:(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):)?\d{1,5}$/;

const upstreamSchema = z
  .strictObject({
    url: z
      .string()
      .refine((text) => text === 'sim' || hasReference(text) || isHttpUrl(text), { error: 'must be an http:// or https:// URL, or sim for the simulated provider' })
      .optional()
      .describe("Base URL as that provider's SDKs take it (with /v1 for openai and openrouter), or sim for the simulated provider. The provider's own by default."),
    kind: z
      .enum(['openai', 'azure', 'anthropic', 'gemini', 'ollama', 'openrouter'])
      .optional()
      .describe("What its API looks like. The upstream's name where that is one of these, openai otherwise."),
    apiKeyEnv: envName.optional().describe("Environment variable with a key that the gateway puts in place of the caller's. Left out, the caller's own key passes through."),
    headers: headersSchema.optional(),
  })
  .describe('A provider that requests are forwarded to.');

export const gatewaySchema = z
  .strictObject({
    listen: z
      .string()
      .regex(LISTEN, { error: 'must be HOST:PORT, e.g. 127.0.0.1:4100' })
      .default('127.0.0.1:4100')
      .describe('Address that `assay gateway` listens on. Beyond 127.0.0.1 and ::1 tokens are needed.'),
    tokens: z
      .array(z.string().refine((text) => hasReference(text), { error: 'must be a ${ENV} reference: tokens do not stand in the configuration' }))
      .default([])
      .describe('Tokens of which a request must bring one, as ${ENV} references.'),
    upstreams: z
      .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be a plain name: letters, digits, dot, dash, underscore' }), upstreamSchema)
      .default({})
      .describe('Providers by name. openai, anthropic, gemini, ollama and openrouter are there without being named.'),
    longestWaitSeconds: z.number().nonnegative().default(30).describe('Longest time a request waits for a limit before it is answered with 429 and retry-after.'),
    maxBodyMb: z.number().positive().max(1_024).default(64).describe('Largest request body, in MiB.'),
    requestTimeoutSeconds: z.number().positive().default(60).describe("Longest time for a request's head and body to arrive."),
    idleTimeoutSeconds: z.number().positive().default(300).describe('Longest silence of an upstream, or of a client that does not read.'),
  })
  .describe('Settings of `assay gateway` and of the gateway that `assay exec` starts.');
