import { describeError, stableKey, UsageError } from '../../core/index.ts';
import { validatePlaybooks, type Playbook } from '../../simulator/index.ts';
import type { Experiment, ExperimentFunction } from './contract.ts';

/** One thing that is compared. */
export interface Variant {
  /** `null` where the experiment has none. */
  readonly name: string | null;
  readonly params: unknown;
}

/** An experiment that can be run, checked. */
export interface LoadedExperiment {
  /** `experiments.NAME` */
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  /** Hash of all that its author can change. */
  readonly fingerprint: string;
  readonly variants: readonly [Variant, ...Variant[]];
  readonly threshold: number | undefined;
  readonly hiddenRoles: readonly string[];
  readonly timeoutMs: number | undefined;
  readonly expected: Experiment['expected'];
  readonly playbook: Playbook | undefined;
  readonly run: Experiment['run'];
  /** Absolute paths of the module and of the local files it imports; empty for one that is built in. */
  readonly files: readonly string[];
}

export interface ExperimentSource {
  /** For messages: the file as it was named, or the built-in's id. */
  readonly shown: string;
  /** Where the definition has none. */
  readonly defaultName: string;
  /** Of the files' content. */
  readonly contentHash: string;
  readonly files: readonly string[];
}

/** Plugins of this name are commands, run as trials. */
const RESERVED = ['command'];
const NAME = /^[A-Za-z0-9][\w.-]{0,59}$/;
const VARIANT = /^[^\s/#,]{1,60}$/;
const KNOWN = ['name', 'version', 'description', 'variants', 'threshold', 'hiddenRoles', 'timeoutSeconds', 'expected', 'playbook', 'run'];

/**
 * Checks what a module exports.
 *
 * @throws UsageError `config` that names the file and what in it cannot be used
 */
export function readExperiment(exported: unknown, source: ExperimentSource): LoadedExperiment {
  const { shown } = source;
  const wrong = (message: string, hint: string): UsageError => new UsageError({ code: 'config', message: `${shown}: ${message}`, hint });
  const definition = typeof exported === 'function' ? { run: exported as ExperimentFunction } : exported;
  if (definition === undefined) throw wrong('the module has no default export', 'write: export default defineExperiment({ run: async (ctx) => … }), or export default async (ctx) => …');
  if (typeof definition !== 'object' || definition === null) throw wrong(`its default export is ${definition === null ? 'null' : `a ${typeof definition}`}, which is no experiment`, 'export a function, or what defineExperiment returns');
  const { name = source.defaultName, version, description, variants, threshold, hiddenRoles = ['memory'], timeoutSeconds, expected, playbook } = definition as Experiment;
  const unknown = Object.keys(definition).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw wrong(`an experiment has no "${unknown}"`, `known: ${KNOWN.join(', ')}`);
  if (typeof (definition as Partial<Experiment>).run !== 'function') throw wrong('the experiment has no function run', 'write: run: async (ctx) => …');
  if (typeof name !== 'string' || !NAME.test(name)) throw wrong(`the name ${JSON.stringify(name)} cannot be used`, 'letters, digits, ".", "_" and "-", at most 60, beginning with a letter or digit; set name: in the experiment');
  if (RESERVED.includes(name)) throw wrong(`the name ${name} is taken`, 'set another name: in the experiment');
  if (version !== undefined && typeof version !== 'string' && typeof version !== 'number') throw wrong('version is neither a text nor a number', 'e.g. version: 2');
  if (description !== undefined && typeof description !== 'string') throw wrong('description is no text', 'write one sentence');
  if (threshold !== undefined && !Number.isFinite(threshold)) throw wrong(`threshold is ${String(threshold)}, which is no figure`, 'e.g. threshold: 0.5');
  if (!Array.isArray(hiddenRoles) || hiddenRoles.some((role) => typeof role !== 'string')) throw wrong('hiddenRoles is no list of names', "e.g. hiddenRoles: ['memory']");
  if (timeoutSeconds !== undefined && !(typeof timeoutSeconds === 'number' && timeoutSeconds > 0)) throw wrong(`timeoutSeconds is ${String(timeoutSeconds)}`, 'give seconds, more than 0');
  if (expected !== undefined && ![expected.calls, expected.promptTokens, expected.outputTokens].every((figure) => Number.isFinite(figure) && figure >= 0)) {
    throw wrong('expected lacks a figure', 'expected: { calls, promptTokens, outputTokens }, of one trial');
  }
  if (playbook !== undefined) checkPlaybook(playbook, wrong);
  return {
    id: `experiments.${name}`,
    name,
    description,
    fingerprint: stableKey({ version: version ?? null, content: source.contentHash }),
    variants: readVariants(variants, wrong),
    threshold,
    hiddenRoles,
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000,
    expected,
    playbook,
    run: (ctx) => (definition as Experiment).run(ctx),
    files: source.files,
  };
}

function checkPlaybook(playbook: unknown, wrong: (message: string, hint: string) => UsageError): void {
  try {
    validatePlaybooks([playbook]);
  } catch (error) {
    throw wrong(`its playbook cannot be used: ${describeError(error).replace('simulator option playbooks[0]', 'playbook')}`, 'see PlaybookRule for what a rule may say');
  }
}

function readVariants(variants: unknown, wrong: (message: string, hint: string) => UsageError): [Variant, ...Variant[]] {
  if (variants === undefined) return [{ name: null, params: {} }];
  if (typeof variants !== 'object' || variants === null) throw wrong('variants is neither a list of names nor parameters by name', "e.g. variants: { short: { turns: 3 }, long: { turns: 10 } }");
  const named: [unknown, unknown][] = Array.isArray(variants) ? variants.map((name) => [name, {}]) : Object.entries(variants);
  const read = named.map(([name, params]): Variant => {
    if (typeof name !== 'string' || !VARIANT.test(name)) throw wrong(`the variant's name ${JSON.stringify(name)} cannot be used`, 'without blanks, "/", "#" and ",", at most 60 characters');
    return { name, params };
  });
  const [first, ...others] = read;
  if (first === undefined) throw wrong('variants is empty', 'name at least one, or leave variants out');
  const twice = read.find(({ name }, place) => read.findIndex((each) => each.name === name) !== place);
  if (twice !== undefined) throw wrong(`the variant ${twice.name} is there twice`, 'name each once');
  return [first, ...others];
}
