import type { IncomingHttpHeaders } from 'node:http';
import { anthropicCountTokens, anthropicMessages } from './anthropic-messages.ts';
import type { WireFormat } from './format.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';
import type { Dialect, Problem } from './problem.ts';

/** Where a request goes. */
export type Route =
  | { readonly to: 'format'; readonly format: WireFormat; readonly dialect: Dialect; readonly modelInPath: string | undefined }
  | { readonly to: 'models'; readonly dialect: Dialect; readonly model: string | undefined }
  | { readonly to: 'nowhere'; readonly dialect: Dialect; readonly problem: Problem };

const OPENAI_FORMATS: Readonly<Record<string, WireFormat>> = {
  'chat/completions': openaiChat,
  responses: openaiResponses,
  embeddings: openaiEmbeddings,
};

const ANTHROPIC_FORMATS: Readonly<Record<string, WireFormat>> = {
  messages: anthropicMessages,
  'messages/count_tokens': anthropicCountTokens,
};

/**
 * Finds the endpoint of a request: OpenAI's under `/v1`, Azure's under `/openai` (deployments with `api-version`, or
 * `/openai/v1`), Anthropic's messages under `/v1/messages`.
 *
 * @param url path and query as requested
 */
export function findRoute(method: string, url: string, headers: IncomingHttpHeaders): Route {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const route = path.startsWith('/openai/') ? azureRoute(path, queryAt === -1 ? '' : url.slice(queryAt)) : openRoute(path, headers);
  const wanted = route.to === 'models' ? 'GET' : 'POST';
  if (route.to === 'nowhere' || method === wanted) return route;
  return { to: 'nowhere', dialect: route.dialect, problem: { kind: 'method_not_allowed', method } };
}

function openRoute(path: string, headers: IncomingHttpHeaders): Route {
  // Model lists have one path for two providers; Anthropic's clients always send their version.
  const dialect: Dialect = headers['anthropic-version'] !== undefined || path.startsWith('/v1/messages') ? 'anthropic' : 'openai';
  const name = path.startsWith('/v1/') ? path.slice(4) : '';
  const format = (dialect === 'anthropic' ? ANTHROPIC_FORMATS : OPENAI_FORMATS)[name];
  if (format !== undefined) return { to: 'format', format, dialect, modelInPath: undefined };
  return modelsRoute(name, dialect) ?? nowhere(path, dialect);
}

function azureRoute(path: string, query: string): Route {
  const dialect = 'azure';
  if (path.startsWith('/openai/v1/')) {
    const name = path.slice('/openai/v1/'.length);
    const format = OPENAI_FORMATS[name];
    if (format !== undefined) return { to: 'format', format, dialect, modelInPath: undefined };
    return modelsRoute(name, dialect) ?? nowhere(path, dialect);
  }
  // Without its api-version Azure knows no such resource.
  if (!/[?&]api-version=[^&]/.test(query)) return nowhere(path, dialect);
  if (path === '/openai/responses') return { to: 'format', format: openaiResponses, dialect, modelInPath: undefined };
  const [, deployment, name] = /^\/openai\/deployments\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const format = name === undefined ? undefined : OPENAI_FORMATS[name];
  if (format === undefined || deployment === undefined) return nowhere(path, dialect);
  return { to: 'format', format, dialect, modelInPath: decodeSegment(deployment) };
}

function modelsRoute(name: string, dialect: Dialect): Route | undefined {
  if (name === 'models') return { to: 'models', dialect, model: undefined };
  return name.startsWith('models/') ? { to: 'models', dialect, model: decodeSegment(name.slice('models/'.length)) } : undefined;
}

function nowhere(path: string, dialect: Dialect): Route {
  return { to: 'nowhere', dialect, problem: { kind: 'unknown_path', path } };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
