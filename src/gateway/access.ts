import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback, UsageError } from '../core/index.ts';
import type { UpstreamKind } from './contract.ts';
import { Refusal } from './refusal.ts';

/** Headers in which clients of the providers send their keys. */
export const KEY_HEADERS: readonly string[] = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];

/** Where each kind's clients put the key. */
export const KEY_HEADER: Readonly<Record<UpstreamKind, string>> = {
  openai: 'authorization',
  openrouter: 'authorization',
  ollama: 'authorization',
  azure: 'api-key',
  anthropic: 'x-api-key',
  gemini: 'x-goog-api-key',
};

export const TOKEN_HEADER = 'x-assay-token';

/** Who may use the gateway. */
export class Access {
  readonly #digests: readonly Buffer[];

  /** @throws UsageError where it would be open to the network without a token */
  constructor({ host, tokens }: { readonly host: string; readonly tokens: readonly string[] }) {
    if (tokens.some((token) => token.length < SHORTEST_TOKEN)) {
      throw new UsageError({ code: 'config', message: `an access token of the gateway has fewer than ${SHORTEST_TOKEN} characters`, hint: 'make one with: openssl rand -hex 24' });
    }
    if (tokens.length === 0 && !isLoopback(host)) {
      throw new UsageError({
        code: 'config',
        message: `the gateway would listen on ${host}, where others reach it, and has no access token`,
        hint: 'set gateway.tokens (or --token-env NAME), or listen on 127.0.0.1',
      });
    }
    this.#digests = tokens.map(digest);
  }

  /** Whether a value is one of the access tokens; takes as long whether it is or not. */
  readonly isToken = (value: string): boolean => {
    if (this.#digests.length === 0 || value === '') return false;
    const given = digest(value);
    let found = false;
    for (const known of this.#digests) if (timingSafeEqual(known, given)) found = true;
    return found;
  };

  /**
   * Lets a request through that no scope token vouches for.
   *
   * @throws Refusal 401 without a token where there are any, 403 for what a web page may have sent
   */
  check(headers: IncomingHttpHeaders, query: string): void {
    if (this.#digests.length > 0) {
      if (credentialsOf(headers, query).some((value) => this.isToken(value))) return;
      throw new Refusal({
        status: 401,
        code: 'invalid_access_token',
        message: 'this gateway asks for an access token, and none that it knows came with the request',
        hint: `send it in ${TOKEN_HEADER}, or in place of the provider's key`,
      });
    }
    // Only this machine reaches a loopback address, but so does every page in its browsers.
    if (headers.origin !== undefined) {
      throw new Refusal({ status: 403, code: 'browser_request', message: 'requests of web pages are not let through without an access token', hint: 'set an access token for the gateway and send it along' });
    }
    if (!isLoopback(hostname(headers.host))) {
      throw new Refusal({ status: 403, code: 'unknown_host', message: `this gateway does not answer for the host ${String(headers.host)}`, hint: 'call it by its loopback address, or set an access token' });
    }
  }
}

/** Everything in a request that may be a token or key. */
function credentialsOf(headers: IncomingHttpHeaders, query: string): string[] {
  const values = [TOKEN_HEADER, ...KEY_HEADERS].flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [withoutScheme(value)] : [];
  });
  const key = query === '' ? null : new URLSearchParams(query).get('key');
  return key === null ? values : [...values, key];
}

/** A key without its `Bearer`. */
export function withoutScheme(value: string): string {
  return value.replace(/^bearer\s+/i, '').trim();
}

function hostname(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '');
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

const SHORTEST_TOKEN = 8;
