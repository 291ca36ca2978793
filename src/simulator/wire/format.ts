import type { Ask } from '../ask.ts';
import type { Reply } from '../reply.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { Dialect, Problem } from './problem.ts';

export const ENDPOINTS = ['chat.completions', 'responses', 'embeddings', 'messages', 'messages.count_tokens', 'models'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** One event of a stream, as it goes over the wire. */
export interface Frame {
  readonly bytes: string;
  /** Answer text that it carries, if any: what a client that leaves half way has been given. */
  readonly delta?: string;
}

/** One wire format: reads requests and writes answers. Pure. */
export interface WireFormat {
  readonly endpoint: Endpoint;
  /** Whether it generates text; others answer from the prompt alone. */
  readonly generates: boolean;
  /** @param modelInPath the deployment, where the path names it */
  read(body: Readonly<Record<string, unknown>>, modelInPath: string | undefined): Ask | Problem;
  promptTokens(ask: Ask, tokenizer: Tokenizer): number;
  whole(reply: Reply, ask: Ask, dialect: Dialect): unknown;
  /** A stream from first to last event. Formats that do not stream have none. */
  frames?(reply: Reply, ask: Ask, dialect: Dialect): Frame[];
}

/** One server-sent event. */
export function sse(data: unknown, event?: string): string {
  const named = event === undefined ? '' : `event: ${event}\n`;
  return `${named}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** Cuts text into the pieces that a stream sends: about a token each, joined they are the text again. */
export function streamPieces(text: string): string[] {
  return text.match(/\s*[^\s]{1,12}|\s+$/gu) ?? [];
}
