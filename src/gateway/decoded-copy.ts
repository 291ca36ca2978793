import { PassThrough, type Readable } from 'node:stream';
import { decoded } from '../transport/index.ts';

/** Decodes a copy of a compressed answer as it passes. */
export class DecodedCopy {
  readonly #input = new PassThrough();
  readonly #plain: Readable;
  #failure: Error | undefined;
  #over = false;
  #onEnd: (() => void) | undefined;
  #onFailure: ((error: Error) => void) | undefined;
  #onDrained: (() => void) | undefined;

  /** @throws UnreadableBodyError for a coding that is not known */
  constructor(encoding: string, onPlain: (plain: Uint8Array) => void) {
    const plain = decoded(this.#input, encoding);
    this.#plain = plain;
    plain.on('data', onPlain);
    plain.on('end', () => {
      this.#over = true;
      this.#moves();
      this.#onEnd?.();
    });
    plain.on('error', (error: Error) => this.#fail(error));
    this.#input.on('drain', () => this.#moves());
    this.#input.on('error', (error) => this.#fail(error));
  }

  /**
   * @param onDrained called once it can take more, where it cannot now
   * @returns whether it can take more at once
   */
  write(chunk: Uint8Array, onDrained: () => void): boolean {
    if (this.#over || this.#failure !== undefined || this.#input.write(chunk)) return true;
    this.#onDrained = onDrained;
    return false;
  }

  /** Says that nothing more comes; exactly one of the two is called, once all has been decoded or cannot be. */
  end(onEnd: () => void, onFailure: (error: Error) => void): void {
    if (this.#failure !== undefined) return onFailure(this.#failure);
    if (this.#over) return onEnd();
    this.#onEnd = onEnd;
    this.#onFailure = onFailure;
    this.#input.end();
  }

  pause(): void {
    this.#plain.pause();
  }

  resume(): void {
    this.#plain.resume();
  }

  /** Gives up what is not decoded yet. */
  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    this.#input.destroy();
    this.#plain.destroy();
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#over) return;
    this.#failure = error;
    this.#moves();
    this.#onFailure?.(error);
  }

  #moves(): void {
    const drained = this.#onDrained;
    this.#onDrained = undefined;
    drained?.();
  }
}
