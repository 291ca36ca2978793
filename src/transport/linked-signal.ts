/** A controller that aborts with others. */
export interface LinkedController {
  readonly controller: AbortController;
  /** Stops listening to the others; they live longer than what was linked to them. */
  readonly unlink: () => void;
}

/** Makes a controller that aborts, for the same reason, as soon as any of `signals` does. */
export function linkedController(...signals: readonly (AbortSignal | undefined)[]): LinkedController {
  const controller = new AbortController();
  const links = signals.flatMap((signal) => {
    if (signal === undefined) return [];
    const onAbort = (): void => controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    return [() => signal.removeEventListener('abort', onAbort)];
  });
  return {
    controller,
    unlink: () => {
      for (const unlink of links) unlink();
    },
  };
}
