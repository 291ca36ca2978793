export type { GenerateRequest, Target, TargetEndpoint } from './contract.ts';
export { openTarget } from './open-target.ts';
export type { ProviderContext } from './provider.ts';
export type { CompatSettings, ProviderSettings } from './provider-settings.ts';
export type { SdkTargetOptions } from './sdk-target.ts';
export { parseTargetSpec, PROVIDERS, type ProviderName, type TargetSpec } from './target-spec.ts';
