import type { Env } from '../core/index.ts';
import type { ProviderSettings } from './provider-settings.ts';
import type { SdkModel } from './sdk-target.ts';
import type { TargetSpec } from './target-spec.ts';

/** What a provider file needs to name and connect a model. */
export interface ProviderContext {
  readonly settings: ProviderSettings;
  readonly env: Env;
  /** Variable named on the command line for this target's key. */
  readonly apiKeyEnv?: string;
  /** Starts the simulator on first use, or names one that runs. */
  readonly simulator: () => Promise<{ readonly url: string; readonly place: string }>;
}

export type Provider = (target: TargetSpec, ctx: ProviderContext) => Promise<SdkModel>;
