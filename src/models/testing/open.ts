import type { Env } from '../../core/index.ts';
import { QUICK_RETRY, type Rig } from '../../transport/testing/rig.ts';
import type { Target } from '../contract.ts';
import { openTarget } from '../open-target.ts';
import type { ProviderSettings } from '../provider-settings.ts';
import type { SdkTargetOptions } from '../sdk-target.ts';

export interface OpenOptions extends Partial<SdkTargetOptions> {
  readonly settings?: ProviderSettings;
  readonly env?: Env;
  readonly apiKeyEnv?: string;
  /** Address of the simulator for `sim:` targets. */
  readonly simulator?: string;
}

/** Opens a target over a rig. Its environment is what is given and nothing else. */
export function open(spec: string, rig: Pick<Rig, 'transport'>, { settings = {}, env = {}, apiKeyEnv, simulator, ...options }: OpenOptions = {}): Promise<Target> {
  return openTarget(
    spec,
    { settings, env, ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }), simulator: () => Promise.resolve({ url: simulator ?? 'http://127.0.0.1:1', place: 'local' }) },
    { transport: rig.transport, retry: QUICK_RETRY, ...options },
  );
}

/** Keys of every provider that has one, all different. */
export const ALL_KEYS = {
  OPENAI_API_KEY: 'key-of-openai',
  AZURE_OPENAI_API_KEY: 'key-of-azure-openai',
  AZURE_API_KEY: 'key-of-azure',
  ANTHROPIC_API_KEY: 'key-of-anthropic',
  OPENAI_COMPATIBLE_API_KEY: 'key-of-compatible',
  SOME_KEY: 'key-of-some',
} as const;
