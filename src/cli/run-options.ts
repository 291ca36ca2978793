import type { Command } from 'commander';
import type { ConfigFlags } from '../config/index.ts';
import { choice } from './option-choice.ts';
import { collect, integer, nonNegativeNumber, positiveInteger, positiveNumber } from './option-values.ts';

/** Limits and budgets. */
export function capOptions(command: Command, whose: string): Command {
  return command
    .option('--rps <n>', `requests a second on ${whose}`, positiveNumber)
    .option('--rpm <n>', 'requests a minute', positiveNumber)
    .option('--tpm <n>', 'tokens a minute, prompt and output together', positiveNumber)
    .option('--itpm <n>', 'input tokens a minute', positiveNumber)
    .option('--otpm <n>', 'output tokens a minute', positiveNumber)
    .option('--concurrency <n>', 'calls in flight at once; without it the number adapts', positiveInteger)
    .option('--max-calls <n>', 'stop the run at this many calls, over all resumes', positiveInteger)
    .option('--max-tokens <n>', 'stop the run at this many tokens', positiveInteger)
    .option('--max-usd <n>', 'stop the run at this many US dollars', positiveNumber);
}

/** What is told to others of the calls. */
export function telemetryOptions(command: Command): Command {
  return command.option('--otlp <url>', 'export a span for every call and metrics to this OpenTelemetry collector (OTLP over HTTP), e.g. http://127.0.0.1:4318; texts go along only where the configuration says so');
}

/** Options that do not change what is tried: a resume may set them anew. */
export function limitOptions(command: Command): Command {
  return telemetryOptions(capOptions(command.option('--parallel <n>', 'goals in flight at once', positiveInteger), "the targets' deployments"))
    .option('--tries <n>', 'tries of one call, the first included', positiveInteger)
    .option('--deadline <seconds>', 'time that one call with its retries may take at the provider', positiveNumber)
    .option('--timeout <seconds>', 'time that one try may take', positiveNumber)
    .addOption(choice('--on-rate-limit <what>', 'when a rate limit outlasts the deadline: end the attempt in error and continue, or stop the run', ['continue', 'stop']))
    .option('--engagement <text>', 'who allows the attack, on what, until when; needed beyond this machine')
    .option('--api-key-env <variable>', "environment variable that holds the target's key");
}

/** Options that say what is tried. */
export function runOptions(command: Command): Command {
  return command
    .option('-t, --target <target>', 'what to try, as provider:model; may be given several times', collect)
    .option('--name <name>', 'a name for the run')
    .option('--seed <n>', 'decides every choice of prompts', integer)
    .option('-g, --generations <n>', 'answers per prompt', positiveInteger)
    .option('--repeats <n>', 'how often each prompt is a goal of its own', positiveInteger)
    .option('--temperature <n>', 'sampling temperature', nonNegativeNumber)
    .option('--top-p <n>', 'nucleus sampling', positiveNumber)
    .option('--max-output-tokens <n>', 'most tokens of one answer', positiveInteger)
    .option('--system <text>', 'system prompt for conversations that have none')
    .option('--stop <text>', 'text at which the model stops; may be given several times', collect)
    .option('--stream', 'ask for streamed answers')
    .option('--prompts <file>', 'prompts for probes.custom: one a line, or JSONL with prompt and goal')
    .option('--detector <detector>', 'contains:TEXT, regex:EXPRESSION, refusal, …; may be given several times', collect)
    .option('--prompts-per-probe <n>', 'most prompts of one probe, chosen by the seed', positiveInteger)
    .option('--trials <n>', 'trials of each variant of an experiment', positiveInteger)
    .option('--variant <name>', 'only this variant of an experiment; may be given several times', collect)
    .addOption(choice('--durability <level>', 'normal survives the death of the process, full also a power failure', ['normal', 'full']));
}

/** Every option above under the names the configuration knows. */
export type RunFlags = Omit<ConfigFlags, 'suites' | 'store'>;
