import type { Io } from './io.ts';

/** One Ctrl-C may arrive twice: from the terminal, and passed on by `npx` or another wrapper. */
const SAME_PRESS_MS = 400;

export interface InterruptHandlers {
  /** Stop starting, finish what is in flight. */
  readonly first: () => void;
  /** Give up what is in flight. */
  readonly second: () => void;
}

/** Calls `first` on the first Ctrl-C (or SIGTERM) and `second` on the next. Returns how to stop listening. */
export function onInterrupts(io: Pick<Io, 'onSignal' | 'clock'>, handlers: InterruptHandlers): () => void {
  let firstAt: number | undefined;
  return io.onSignal(() => {
    const now = io.clock.now();
    if (firstAt === undefined) {
      firstAt = now;
      handlers.first();
    } else if (now - firstAt >= SAME_PRESS_MS) {
      handlers.second();
    }
  });
}
