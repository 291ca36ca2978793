import { Script, createContext } from 'node:vm';
import { AssayError, UsageError, describeError, isObject } from '../../core/index.ts';
import type { Grader } from '../contract.ts';
import { quote } from '../text.ts';
import type { DetectorDefinition } from './definition.ts';
import { textDetector } from './text-detector.ts';

/** Longest time one match may take. A pattern that backtracks for ever must not stop the whole run. */
const TIME_LIMIT_MS = 1_000;

const search = new Script('pattern.exec(text)');

/**
 * Hits where the pattern matches somewhere in the output.
 *
 * @throws AssayError (from `grade`) where a match takes longer than a second
 */
export function regex(options: { readonly name: string; readonly pattern: RegExp }): Grader {
  const sandbox = { pattern: new RegExp(options.pattern.source, options.pattern.flags.replaceAll(/[gy]/g, '')), text: '' };
  const context = createContext(sandbox);
  return textDetector({
    name: options.name,
    threshold: 1,
    detect: (text) => {
      sandbox.text = text;
      const match = timed(() => search.runInContext(context, { timeout: TIME_LIMIT_MS }) as RegExpExecArray | null, options.name);
      return match === null ? { value: 0, reason: 'the pattern does not match' } : { value: 1, reason: `matches ${quote(match[0])}` };
    },
  });
}

function timed<T>(run: () => T, name: string): T {
  try {
    return run();
  } catch (error) {
    if (isObject(error) && error['code'] === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw new AssayError({
        code: 'timeout',
        message: `the pattern of ${name} took longer than ${TIME_LIMIT_MS} ms on one output`,
        hint: 'rewrite it so that it cannot backtrack without end',
        cause: error,
      });
    }
    throw error;
  }
}

/** `/PATTERN/flags`, or the bare pattern: case-sensitive, with the `u` flag. */
function parsePattern(argument: string, spec: string): RegExp {
  const written = /^\/(?<source>.+)\/(?<flags>[a-z]*)$/su.exec(argument)?.groups;
  const flags = written?.['flags'] ?? '';
  try {
    return new RegExp(written?.['source'] ?? argument, /[uv]/.test(flags) ? flags : `${flags}u`);
  } catch (error) {
    throw new UsageError({
      message: `--detector ${spec}: ${describeError(error)}`,
      hint: 'write a JavaScript regular expression, bare or as /PATTERN/flags',
      cause: error,
    });
  }
}

export const regexMatch: DetectorDefinition = {
  name: 'regex',
  summary: 'the pattern matches somewhere in the output',
  usage: 'regex:PATTERN or regex:/PATTERN/i',
  modifiers: [],
  argument: 'required',
  needs: [],
  create: (spec) => regex({ name: spec.text, pattern: parsePattern(spec.argument ?? '', spec.text) }),
};
