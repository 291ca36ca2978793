import type { AssayConfig } from '../config/index.ts';
import type { Env } from '../core/index.ts';
import type { KnownPlace } from '../transport/index.ts';
import { baseUrlFromEnv } from './exec-variables.ts';

/**
 * Endpoints of providers that the configuration or the environment puts elsewhere, so that calls which others make to them draw on the
 * buckets of the targets there. What cannot be read is left to the target that needs it to complain of.
 */
export function knownPlaces({ providers }: Pick<AssayConfig, 'providers'>, env: Env): KnownPlace[] {
  const { openai, anthropic } = providers;
  const openaiAccount = openai?.organization === undefined ? undefined : plain(openai.organization, env);
  return [
    ...place('openai', plain(openai?.baseUrl, env) ?? env['OPENAI_BASE_URL'] ?? (openaiAccount === undefined ? undefined : 'https://api.openai.com/v1'), openaiAccount),
    ...place('anthropic', plain(anthropic?.baseUrl, env) ?? env['ANTHROPIC_BASE_URL']),
    // Its paths are such as any site may have: elsewhere than at its own port it is known by this alone.
    ...place('ollama', baseUrlFromEnv('ollama', env)?.url),
  ];
}

function place(provider: string, url: string | undefined, account?: string): KnownPlace[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { origin, pathname } = new URL(url);
  return [{ url: origin + pathname, provider, ...(account === undefined ? {} : { account }) }];
}

/** A setting with its references to the environment replaced, as far as that is set. */
function plain(setting: string | undefined, env: Env): string | undefined {
  return setting?.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_match, name: string) => env[name] ?? '');
}
