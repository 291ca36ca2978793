/** Lines about what goes wrong beside the work: told to whoever listens, the last one to have begun, and to stderr where nobody does. */
export class Warnings {
  readonly #listeners: ((line: string) => void)[] = [];

  tell(line: string): void {
    const listener = this.#listeners.at(-1);
    if (listener !== undefined) return listener(`warning: ${line}`);
    try {
      process.stderr.write(`assay: warning: ${line}\n`);
    } catch {
      // Nobody can be told.
    }
  }

  /** Returns how to stop. */
  listen(listener: (line: string) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.lastIndexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }
}
