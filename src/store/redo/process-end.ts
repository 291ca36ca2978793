/** Work that is due at an event of the process: one listener for all of it, and none while there is none. */
class DueAt {
  readonly #event: 'beforeExit' | 'exit';
  readonly #work = new Set<() => void>();
  readonly #run = (): void => {
    for (const work of this.#work) work();
  };

  constructor(event: 'beforeExit' | 'exit') {
    this.#event = event;
  }

  add(work: () => void): () => void {
    if (this.#work.size === 0) process.on(this.#event, this.#run);
    this.#work.add(work);
    return () => {
      if (this.#work.delete(work) && this.#work.size === 0) process.off(this.#event, this.#run);
    };
  }
}

const atBeforeExit = new DueAt('beforeExit');
const atExit = new DueAt('exit');

/**
 * Does something when the process has nothing left to do and would end; what it starts is waited for.
 *
 * @returns how to leave it
 */
export function beforeProcessEnds(work: () => void): () => void {
  return atBeforeExit.add(work);
}

/**
 * Does something in the last moment of the process, also one that ends by `process.exit`. Nothing that it starts is waited for.
 *
 * @returns how to leave it
 */
export function lastInProcess(work: () => void): () => void {
  return atExit.add(work);
}
