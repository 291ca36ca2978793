import { AsyncLocalStorage } from 'node:async_hooks';
import { AssayError } from '../../core/index.ts';
import { errorEnd } from '../../engine/index.ts';

interface Watch {
  refusal: AssayError | undefined;
}

const watching = new AsyncLocalStorage<Watch>();

/**
 * Notes that a call of the present trial was refused on our own side: a budget is spent, the run is stopping, nothing can be recorded.
 * Whatever the trial makes of that, it says nothing of what is tried.
 *
 * @param callerEnded whether the caller itself ended the call: then it is its own affair
 */
export function noteRefusal(error: unknown, { callerEnded }: { readonly callerEnded: boolean }): void {
  const watch = watching.getStore();
  if (watch === undefined || !isRefusal(error, callerEnded)) return;
  // A budget that is spent says more than what was turned away because of it.
  if (watch.refusal === undefined || watch.refusal.code === 'cancelled') watch.refusal = error;
}

/**
 * Runs a trial, and fails it with the refusal of any of its calls, also where the trial caught that and went on: a score that rests on a call
 * which was never made is none.
 */
export async function failingWithRefusals<T>(fn: () => Promise<T>): Promise<T> {
  const watch: Watch = { refusal: undefined };
  return watching.run(watch, async () => {
    try {
      const value = await fn();
      if (watch.refusal === undefined) return value;
    } catch (error) {
      if (watch.refusal === undefined) throw error;
    }
    throw watch.refusal;
  });
}

function isRefusal(error: unknown, callerEnded: boolean): error is AssayError {
  if (!AssayError.isInstance(error)) return false;
  const end = errorEnd(error);
  return end === 'cancelled' ? !callerEnded : end !== 'error';
}
