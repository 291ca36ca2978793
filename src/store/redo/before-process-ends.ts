const last = new Set<() => void>();

const onBeforeExit = (): void => {
  for (const work of last) work();
};

/**
 * Does something when the process has nothing left to do and would end; what it starts is waited for.
 *
 * @returns how to leave it
 */
export function beforeProcessEnds(work: () => void): () => void {
  if (last.size === 0) process.on('beforeExit', onBeforeExit);
  last.add(work);
  return () => {
    last.delete(work);
    if (last.size === 0) process.off('beforeExit', onBeforeExit);
  };
}
