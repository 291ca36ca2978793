import { AssayError, describeError, type Output } from '../../core/index.ts';
import type { AttemptResult } from '../../engine/index.ts';
import type { GenerateRequest, Target } from '../../models/index.ts';
import type { AttemptInfo, ProbeHooks } from './contract.ts';

export interface HookedAttempt {
  readonly target: Target;
  readonly request: GenerateRequest;
  /** In the order in which they are called. */
  readonly hooks: readonly ProbeHooks[];
  readonly info: AttemptInfo;
}

/** Asks the target with all hooks around it. @throws what the target throws; AssayError `internal` for a hook that fails */
export async function hookedAttempt({ target, request, hooks, info }: HookedAttempt): Promise<AttemptResult> {
  const asked = await chain(hooks, request, 'preGenerate', (hook, value) => hook.preGenerate?.(value, info));
  const answered: readonly Output[] = await target.generate(asked);
  const outputs = await chain(hooks, answered, 'postGenerate', (hook, value) => hook.postGenerate?.(value, info));
  const result: AttemptResult = { conversation: asked.messages, outputs, notes: { ...info.notes, turn: info.turn } };
  return chain(hooks, result, 'prestore', (hook, value) => hook.prestore?.(value, info));
}

async function chain<T>(hooks: readonly ProbeHooks[], start: T, name: keyof ProbeHooks, call: (hook: ProbeHooks, value: T) => T | Promise<T> | undefined): Promise<T> {
  let value = start;
  for (const hook of hooks) {
    try {
      value = (await call(hook, value)) ?? value;
    } catch (error) {
      throw new AssayError({ code: 'internal', message: `the ${name} hook failed: ${describeError(error)}`, hint: 'mend the hook, then resume with --retry-errors', cause: error });
    }
  }
  return value;
}
