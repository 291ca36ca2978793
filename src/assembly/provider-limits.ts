import type { Limits } from '../limiter/index.ts';

/**
 * How providers count, where the config does not say otherwise.
 * OpenAI and Azure admit by prompt + max output tokens and do not give back what was not used
 * (https://platform.openai.com/docs/guides/rate-limits, https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota); Azure
 * also spreads the minute's requests over windows of 1 or 10 seconds; the longer one is kept here, as the shorter would cost a tenth of
 * the rate (set `subWindowsMs` to keep both). Anthropic counts what is used
 * (https://docs.anthropic.com/en/api/rate-limits).
 */
const HABITS: readonly (readonly [prefix: string, habits: Partial<Pick<Limits, 'counts' | 'subWindowsMs'>>])[] = [
  ['openai/', { counts: 'reserved' }],
  ['azure/', { counts: 'reserved', subWindowsMs: [10_000] }],
  ['anthropic/', { counts: 'actual' }],
];

/** The configured limits of a deployment with its provider's habits under them; `undefined` where no limit is known. */
export function withHabits(deployment: string, configured: Limits | undefined): Limits | undefined {
  const habits = HABITS.find(([prefix]) => deployment.startsWith(prefix))?.[1];
  if (configured === undefined) return habits;
  return { ...habits, ...configured };
}
