import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { compat } from './compat.ts';
import type { Target } from './contract.ts';
import { openai } from './openai.ts';
import type { Provider, ProviderContext } from './provider.ts';
import { sdkTarget, type SdkTargetOptions } from './sdk-target.ts';
import { sim } from './sim.ts';
import { parseTargetSpec, type ProviderName } from './target-spec.ts';

const providers: Readonly<Record<ProviderName, Provider>> = { openai, azure, anthropic, compat, sim };

/**
 * Opens a target by name. Nothing is sent until it is asked.
 *
 * @throws UsageError for a spec, key or endpoint that is missing or wrong
 */
export async function openTarget(spec: string, ctx: ProviderContext, options: SdkTargetOptions): Promise<Target> {
  const parsed = parseTargetSpec(spec);
  return sdkTarget(await providers[parsed.provider](parsed, ctx), options);
}
