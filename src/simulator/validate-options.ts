import { isObject } from '../core/index.ts';
import { CODEC_NAMES } from './codecs.ts';
import { FAULT_KINDS } from './faults.ts';
import { LIMIT_KINDS } from './limits/window.ts';
import { type Check, flag, fraction, listOf, mapOf, numberFrom, oneOf, refuseOption, shape, text } from './option-checks.ts';
import type { SimulatorOptions } from './options.ts';
import type { Playbook } from './playbook.ts';
import { unknownCodecs } from './template.ts';

const milliseconds = numberFrom(0);
const positive = numberFrom(0, { above: true });
const wholeFrom1 = numberFrom(1, { integer: true });

/** Two bounds of a range, the first not above the second. */
function range(low: string, high: string, bound: Check): Check {
  const members = shape({ [low]: bound, [high]: bound }, [low, high]);
  return (value, path) => {
    members(value, path);
    const [from, to] = isObject(value) ? [Number(value[low]), Number(value[high])] : [0, 0];
    if (from > to) refuseOption(path, `${low} must not be above ${high}`);
  };
}

const faultMembers = shape(Object.fromEntries(FAULT_KINDS.map((kind) => [kind, fraction])));
const faults: Check = (value, path) => {
  faultMembers(value, path);
  const sum = isObject(value) ? Object.values(value).reduce<number>((total, rate) => total + Number(rate ?? 0), 0) : 0;
  if (sum > 1 + 1e-9) refuseOption(path, `the rates add up to ${sum}, and a request meets at most one fault; lower them to 1 together`);
};

const limits = shape(
  {
    kind: oneOf(LIMIT_KINDS),
    rpm: positive,
    rps: positive,
    tpm: positive,
    itpm: positive,
    otpm: positive,
    concurrency: wholeFrom1,
    countAtAdmission: oneOf(['reserved', 'actual']),
    bucketSeconds: numberFrom(0, { above: true, max: 60 }),
    subWindowSeconds: numberFrom(0, { above: true, max: 60 }),
    headers: flag,
    otherTenant: numberFrom(0, { below: 1 }),
    scope: oneOf(['model', 'family']),
  },
  ['kind'],
);

const profile = shape(
  {
    behaviour: oneOf(['echo', 'weak', 'guarded']),
    latency: range('minMs', 'maxMs', milliseconds),
    pieceMs: milliseconds,
    reasoning: range('min', 'max', numberFrom(0, { integer: true })),
    toolChance: fraction,
    faults,
  },
  ['behaviour'],
);

const template: Check = (value, path) => {
  text(value, path);
  const [unknown] = unknownCodecs(String(value));
  if (unknown !== undefined) refuseOption(path, `decodes ${unknown}, which is not known; there are ${CODEC_NAMES.join(', ')}`);
};

const pattern: Check = (value, path) => {
  text(value, path);
  try {
    void new RegExp(String(value), 'isu');
  } catch (error) {
    refuseOption(path, `is not a regular expression (${error instanceof Error ? error.message : String(error)})`);
  }
};

const toolArgument: Check = (value, path) => {
  if (typeof value === 'string') template(value, path);
  else if (typeof value !== 'number' && typeof value !== 'boolean') refuseOption(path, 'must be text, a number, true or false');
};

const subject = oneOf(['user', 'system', 'conversation']);

const rule = shape(
  {
    id: text,
    pattern,
    on: subject,
    where: listOf(shape({ on: subject, pattern }, ['on', 'pattern'])),
    chance: fraction,
    answer: template,
    otherwise: template,
    benign: flag,
    tool: shape({ name: text, arguments: mapOf(toolArgument) }, ['name', 'arguments']),
  },
  ['id', 'pattern', 'chance', 'answer'],
);

const playbook = shape({ name: text, rules: listOf(rule) }, ['name', 'rules']);

/**
 * Checks playbooks that come from outside the type system, such as a user's module.
 *
 * @throws UsageError that names the rule, what is wrong with it and what it may be
 */
export function validatePlaybooks(playbooks: unknown): readonly Playbook[] {
  listOf(playbook)(playbooks, 'playbooks');
  return playbooks as readonly Playbook[];
}

const clock: Check = (value, path) => {
  if (typeof value !== 'object' || value === null || !('now' in value) || !('after' in value)) refuseOption(path, 'must have now() and after()');
};

const simulatorOptions = shape({
  host: text,
  port: numberFrom(0, { max: 65_535, integer: true }),
  seed: numberFrom(Number.MIN_SAFE_INTEGER, { max: Number.MAX_SAFE_INTEGER, integer: true }),
  apiKeys: listOf(text),
  playbooks: listOf(playbook),
  otherModels: text,
  everyday: flag,
  profiles: mapOf(profile),
  faults,
  slowFirstByteMs: milliseconds,
  hangMs: milliseconds,
  limits,
  limitsByModel: mapOf(limits),
  cache: oneOf(['off', 'hash']),
  cacheFraction: fraction,
  cacheMinTokens: wholeFrom1,
  log: text,
  logSize: numberFrom(0, { integer: true }),
  clock,
});

/**
 * Checks options that come from outside the type system, such as a config file.
 *
 * @throws UsageError that names the option, what is wrong with it and what it may be
 */
export function validateSimulatorOptions(options: unknown): SimulatorOptions {
  simulatorOptions(options, '');
  return options as SimulatorOptions;
}
