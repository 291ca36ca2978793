import * as z from 'zod';

const positive = z.number().positive();
const positiveInteger = z.int().positive();

export const quotaSchema = z
  .strictObject({
    tokens: positiveInteger.describe('Tokens allowed in the period.'),
    period: z.enum(['day', 'month']).default('day').describe('Over what the tokens are counted.'),
    alerts: z.array(z.number().gt(0).max(100)).default([80, 90, 95]).describe('Percentages of use that raise an alert, once each.'),
    onExhausted: z
      .enum(['stop', 'wait'])
      .default('stop')
      .describe('What happens when the quota is used up: stop the run, or wait for the reset.'),
    resetHour: z.int().min(0).max(23).default(0).describe('Hour after midnight UTC at which the period turns.'),
  })
  .describe('A long quota: tokens a day or a month.');

export const limitsSchema = z
  .strictObject({
    rps: positive.optional().describe('Requests a second.'),
    rpm: positive.optional().describe('Requests a minute.'),
    tpm: positive.optional().describe('Prompt and output tokens together, a minute.'),
    itpm: positive.optional().describe('Input tokens a minute.'),
    otpm: positive.optional().describe('Output tokens a minute.'),
    concurrency: positiveInteger.optional().describe('Calls in flight at once. Without it the number adapts to what the provider takes.'),
    counts: z
      .enum(['reserved', 'actual'])
      .optional()
      .describe('What the provider counts when it admits a request: prompt + max output tokens (reserved), or what is used in the end (actual).'),
    subWindowsMs: z
      .array(positiveInteger)
      .optional()
      .describe('Windows shorter than a minute over which the provider also checks, in milliseconds. Azure: [1000, 10000].'),
    quota: quotaSchema.optional(),
  })
  .describe('What is known of the limits. A limit left out is unknown, not unlimited.');

export const priceSchema = z
  .strictObject({
    input: z.number().nonnegative().describe('US dollars per million fresh prompt tokens.'),
    output: z.number().nonnegative().describe('US dollars per million output tokens, reasoning included.'),
    cacheRead: z.number().nonnegative().optional().describe('US dollars per million prompt tokens read from a cache.'),
    cacheWrite: z.number().nonnegative().optional().describe('US dollars per million prompt tokens written to a cache.'),
  })
  .describe('Prices of a model, in US dollars per million tokens.');
