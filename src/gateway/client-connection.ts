import type { ServerResponse } from 'node:http';
import type { Clock } from '../core/index.ts';
import { writable, type HeadersOut } from './response-headers.ts';

/** Why a client's connection ended before its answer did. */
export class ClientGoneError extends Error {}

/** The client's end of an exchange: takes the answer, says when it can take no more, and when it is gone. */
export class ClientConnection {
  readonly response: ServerResponse;
  readonly #clock: Clock;
  readonly #idleTimeoutMs: number;
  readonly #leaving = new AbortController();
  #stalled: (() => void) | undefined;
  #onDrained: (() => void) | undefined;
  #onGone: ((reason: ClientGoneError) => void) | undefined;
  #reason: ClientGoneError | undefined;

  /** @param idleTimeoutMs longest time that it may take nothing of what waits for it */
  constructor(response: ServerResponse, { clock, idleTimeoutMs }: { readonly clock: Clock; readonly idleTimeoutMs: number }) {
    this.response = response;
    this.#clock = clock;
    this.#idleTimeoutMs = idleTimeoutMs;
    response.on('close', () => {
      this.#moves();
      if (!response.writableFinished) this.#leave(new ClientGoneError('the client went away'));
    });
    // Whatever breaks the connection also closes it.
    response.on('error', () => undefined);
    response.on('drain', () => {
      this.#moves();
      const drained = this.#onDrained;
      this.#onDrained = undefined;
      drained?.();
    });
  }

  /** Aborts when the client is gone. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** @param listener told once when the client goes away; the last one given is told */
  onGone(listener: ((reason: ClientGoneError) => void) | undefined): void {
    this.#onGone = listener;
  }

  get gone(): boolean {
    return this.#reason !== undefined;
  }

  /** Why it is gone, where it was dropped for not reading: worth a warning. */
  get droppedBecause(): string | undefined {
    return this.#reason instanceof StalledError ? this.#reason.message : undefined;
  }

  get headSent(): boolean {
    return this.response.headersSent;
  }

  head(status: number, headers: HeadersOut): void {
    if (this.gone || this.headSent) return;
    try {
      this.response.writeHead(status, headers);
    } catch {
      this.response.writeHead(status, writable(headers));
    }
  }

  /** Sends the head now, unless a first piece of the body has taken it along. */
  flushHead(): void {
    if (!this.gone && !this.response.writableEnded) this.response.flushHeaders();
  }

  /**
   * @param onDrained called once it can take more, where it cannot now
   * @returns whether it can take more at once
   */
  write(bytes: Uint8Array, onDrained: () => void): boolean {
    if (this.gone || bytes.length === 0) return true;
    if (this.response.write(bytes)) return true;
    this.#onDrained = onDrained;
    this.#watch();
    return false;
  }

  end(bytes?: Uint8Array): void {
    if (this.gone || this.response.writableEnded) return;
    if (bytes === undefined) this.response.end();
    else this.response.end(bytes);
    // What fits into the system's own buffers is gone by now.
    if (bytes !== undefined && bytes.length > SYSTEM_BUFFER) this.#watch();
  }

  /** Breaks the connection off once what was written has gone out, so that the client sees an answer that was cut and not one that ended. */
  breakOff(): void {
    const { socket } = this.response;
    if (this.gone || socket === null || socket.destroyed) return;
    const cut = (): void => {
      cancel();
      // Without a length or chunks, a proper close of the connection would be the end of the answer.
      if (!this.headSent || this.response.chunkedEncoding || this.response.hasHeader('content-length')) socket.destroy();
      else socket.resetAndDestroy();
    };
    const cancel = this.#clock.after(FLUSH_MS, cut);
    if (socket.writableLength === 0) setImmediate(cut);
    else socket.once('drain', cut);
  }

  #watch(): void {
    this.#stalled ??= this.#clock.after(this.#idleTimeoutMs, () => this.#drop(new StalledError(`a client took nothing for ${this.#idleTimeoutMs} ms and was dropped`)));
  }

  #drop(reason: StalledError): void {
    this.#leave(reason);
    this.response.destroy();
  }

  #moves(): void {
    this.#stalled?.();
    this.#stalled = undefined;
  }

  #leave(reason: ClientGoneError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#leaving.abort(reason);
    this.#onGone?.(reason);
  }
}

class StalledError extends ClientGoneError {}

const SYSTEM_BUFFER = 64 * 1024;
const FLUSH_MS = 1_000;
