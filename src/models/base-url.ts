import { UsageError } from '../core/index.ts';

/** Where a provider's API lives. */
export interface BaseUrl {
  /** Without trailing slash, query and fragment. */
  readonly url: string;
  /** Name and port, e.g. `127.0.0.1:8000`. */
  readonly host: string;
  readonly hostname: string;
  /** Parameters to send with every request. */
  readonly query: URLSearchParams;
}

/** Endpoints that are often given where their base is wanted. */
const ENDPOINT = /\/(?:chat\/completions|completions|responses|messages)$/;

/**
 * Reads a base URL.
 *
 * @param where what it is, e.g. `providers.openai.baseUrl` or `OPENAI_BASE_URL`
 * @throws UsageError `config` naming it and never repeating it: it may hold a password
 */
export function readBaseUrl(text: string, where: string): BaseUrl {
  const parsed = URL.parse(text.trim());
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError({ code: 'config', message: `${where} is not an http:// or https:// URL`, hint: 'e.g. http://localhost:8000/v1' });
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UsageError({
      code: 'config',
      message: `${where} holds a user name or password, which is not sent`,
      hint: 'take it out of the URL; give a key with --api-key-env VAR, or write a header in the config: authorization: Basic ${VAR}',
    });
  }
  const path = parsed.pathname.replace(/\/+$/, '').replace(ENDPOINT, '').replace(/\/+$/, '');
  return { url: `${parsed.origin}${path}`, host: parsed.host, hostname: parsed.hostname, query: parsed.searchParams };
}
