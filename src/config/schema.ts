import * as z from 'zod';
import { gatewaySchema } from './gateway-schema.ts';
import { limitsSchema, priceSchema } from './limits-schema.ts';
import { envName, providersSchema } from './providers-schema.ts';
import { telemetrySchema } from './telemetry-schema.ts';

const positive = z.number().positive();
const positiveInteger = z.int().positive();
const chance = z.number().min(0).max(1);

const parametersSchema = z.strictObject({
  temperature: z.number().min(0).max(2).optional().describe('Sampling temperature.'),
  topP: z.number().gt(0).max(1).optional().describe('Nucleus sampling.'),
  maxOutputTokens: positiveInteger.optional().describe('Most output tokens of one answer.'),
  seed: z.int().optional().describe('Seed sent to the provider, where it takes one.'),
  system: z.string().optional().describe('System prompt put before every conversation that has none.'),
  stop: z.array(z.string().min(1)).optional().describe('Texts at which the model stops.'),
});

const retrySchema = z.strictObject({
  tries: positiveInteger.default(8).describe('Most tries of one call, the first included.'),
  deadlineSeconds: positive.default(120).describe('Seconds that one call may take at the provider: tries in flight and the waits their failures ask for. Time in our own queue does not count.'),
});

const budgetsSchema = z.strictObject({
  calls: positiveInteger.optional().describe('Most calls of a run.'),
  tokens: positiveInteger.optional().describe('Most tokens of a run, prompt and output together.'),
  usd: positive.optional().describe('Most US dollars of a run.'),
});

const engagementSchema = z.union([
  z.string().min(1),
  z.strictObject({
    by: z.string().min(1).describe('Who allows it.'),
    scope: z.string().min(1).describe('What is allowed, on what.'),
    until: z.string().min(1).describe('Until when, e.g. 2027-01-31.'),
  }),
]);

const probesSchema = z.strictObject({
  promptsPerProbe: positiveInteger.optional().describe('Most prompts of one probe; a seeded choice where it has more.'),
  prompts: z.string().min(1).optional().describe('File of prompts for probes.custom: one a line, or JSONL with prompt and goal.'),
  detectors: z
    .array(z.string().min(1))
    .optional()
    .describe("Detectors in place of each probe's own: contains:TEXT, regex:EXPRESSION, refusal, …"),
});

const experimentsSchema = z.strictObject({
  trials: positiveInteger.optional().describe('Trials of each variant against each target; the same seeds for all. 10 by default.'),
  variants: z.array(z.string().min(1)).min(1).optional().describe('Only these variants; all by default.'),
  params: z.record(z.string(), z.json()).optional().describe("Parameters laid over each variant's own."),
  threshold: z.number().min(0).max(1).optional().describe("Score from which a trial has passed, in place of the experiment's own."),
  roles: z.record(z.string().min(1), z.string().min(1)).optional().describe('Targets of other roles, as provider:model by role, e.g. judge: openai:gpt-4.1. A role that is not named asks the target itself.'),
});

const faultsSchema = z.strictObject({
  error500: chance.optional().describe('A 500 answer.'),
  error503: chance.optional().describe('A 503 answer.'),
  error529: chance.optional().describe('A 529 (overloaded) answer.'),
  timeout: chance.optional().describe('No answer.'),
  reset: chance.optional().describe('A reset connection.'),
  cut: chance.optional().describe('An answer that stops half way.'),
  malformed: chance.optional().describe('An answer that cannot be read.'),
  missingUsage: chance.optional().describe('An answer without usage.'),
  contentFilter: chance.optional().describe('A content-filter block.'),
  empty: chance.optional().describe('An answer of no text.'),
  slowFirstByte: chance.optional().describe('A late start.'),
});

const simulatedLimitsSchema = z.strictObject({
  kind: z.enum(['token-bucket', 'fixed-window', 'sliding-window', 'sub-windows']).default('token-bucket').describe('How the limits are counted.'),
  rps: positive.optional().describe('Requests a second.'),
  rpm: positive.optional().describe('Requests a minute.'),
  tpm: positive.optional().describe('Prompt and output tokens together, a minute.'),
  itpm: positive.optional().describe('Input tokens a minute.'),
  otpm: positive.optional().describe('Output tokens a minute.'),
  concurrency: positiveInteger.optional().describe('Requests in flight at once.'),
  countAtAdmission: z.enum(['reserved', 'actual']).optional().describe('What is counted: prompt + max output tokens (default), or what is used in the end.'),
  bucketSeconds: positive.optional().describe('Seconds of the limit that a token bucket holds; 5 by default.'),
  subWindowSeconds: positive.optional().describe('Length of a sub-window in seconds; 10 by default.'),
  headers: z.boolean().optional().describe('Whether answers carry rate-limit headers; true by default.'),
  otherTenant: z.number().min(0).lt(1).optional().describe('Share of the limits that somebody else takes, unseen.'),
  scope: z.enum(['model', 'family']).optional().describe('What shares one limit: each PROFILE@variant by itself (default), or all variants of a profile.'),
});

const simulatorSchema = z.strictObject({
  seed: z.int().optional().describe('Decides every choice of the simulated models.'),
  limits: simulatedLimitsSchema.optional().describe('Limits that the simulated provider enforces.'),
  faults: faultsSchema.optional().describe('Chance of each fault per request, 0 … 1, together at most 1.'),
  latencyMs: z.number().nonnegative().optional().describe('Milliseconds until an answer starts.'),
});

/** Everything a configuration file may say. Defaults are filled in by parsing. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Address of this schema, for editors.'),
    name: z.string().min(1).optional().describe('A name for the runs, shown in lists.'),
    targets: z.array(z.string().min(1)).default([]).describe('What is tried, as provider:model.'),
    suites: z.array(z.string().min(1)).default([]).describe('What is run, e.g. probes or probes.encoding.'),
    seed: z.int().default(0).describe('Decides every choice of prompts and items.'),
    generations: positiveInteger.default(1).describe('Answers asked for per prompt.'),
    repeats: positiveInteger.default(1).describe('How often each item is repeated as a goal of its own.'),
    parallel: positiveInteger.default(64).describe('Goals in flight at once.'),
    parameters: parametersSchema.prefault({}).describe('Model parameters of every target.'),
    stream: z.boolean().default(false).describe('Ask for streamed answers.'),
    retry: retrySchema.prefault({}).describe('How failed calls are tried again.'),
    timeoutSeconds: positive.default(300).describe('Longest time for one call to answer.'),
    onRateLimit: z
      .enum(['continue', 'stop'])
      .default('continue')
      .describe('What a rate limit that outlasts the retry deadline does: end the attempt in error and continue, or stop the run.'),
    budgets: budgetsSchema.prefault({}).describe('Caps of a run over target, attacker and judge together. Reaching one stops the run.'),
    engagement: engagementSchema.optional().describe('Who allows the attack, on what, until when. Needed for endpoints beyond this machine.'),
    store: z.string().min(1).default('sqlite:.assay/assay.db').describe('Where results are kept: sqlite:PATH.'),
    durability: z
      .enum(['normal', 'full'])
      .default('normal')
      .describe('normal: nothing committed is lost when the process dies. full: nor when the power fails.'),
    providers: providersSchema.prefault({}).describe('How providers are reached.'),
    apiKeyEnv: envName.optional().describe('Environment variable that holds the key of targets given with their address (compat:http://…).'),
    limits: limitsSchema.optional().describe("Limits of the targets' own deployments; go before what deployments says."),
    deployments: z
      .record(z.string().min(1), limitsSchema)
      .default({})
      .describe('Limits by deployment, provider/account-or-host/model; * stands for any text.'),
    prices: z
      .record(z.string().min(1), priceSchema)
      .default({})
      .describe('Prices by model, in place of the shipped ones; * stands for any text.'),
    probes: probesSchema.prefault({}).describe('Settings of probes.'),
    gateway: gatewaySchema.prefault({}),
    telemetry: telemetrySchema.prefault({}),
    experiments: experimentsSchema.prefault({}).describe('Settings of experiments.'),
    simulator: simulatorSchema.prefault({}).describe('Settings of the simulated provider that sim: targets start.'),
  })
  .describe('Configuration of Assay.');

/** A configuration with its defaults filled in; `${ENV}` references are kept as they are. */
export type AssayConfig = z.output<typeof configSchema>;

/** What a configuration file may hold: every key may be left out. */
export type AssayConfigInput = z.input<typeof configSchema>;
