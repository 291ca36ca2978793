import type { CallStatus, Clock } from '../core/index.ts';

const CONSECUTIVE_REFUSALS = 3;
const CONSECUTIVE_IDENTICAL_400 = 5;
const COOL_DOWN_MS = 60_000;

interface Circuit {
  refusals: number;
  badRequests: number;
  lastBadRequest: string | undefined;
  openUntil: number;
  reason: string;
}

/**
 * Stops sending what fails for sure. A deployment's circuit opens after three refusals in a row (401, 403, 404) or five
 * identical 400s in a row, and lets one call through again after a minute. Server errors, throttling and broken
 * connections never open it: those may pass.
 */
export class CircuitBreaker {
  readonly #circuits = new Map<string, Circuit>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why a call to the deployment would fail now, or `undefined`. Asking changes nothing. */
  openReason(deployment: string): string | undefined {
    const circuit = this.#circuits.get(deployment);
    return circuit !== undefined && this.#clock.now() < circuit.openUntil ? circuit.reason : undefined;
  }

  /** Why a call to the deployment may not leave, or `undefined` where it leaves now; after a cool-down one may, to try. */
  refusal(deployment: string): string | undefined {
    const circuit = this.#circuits.get(deployment);
    if (circuit === undefined || circuit.openUntil === 0) return undefined;
    const now = this.#clock.now();
    if (now < circuit.openUntil) return circuit.reason;
    circuit.openUntil = now + COOL_DOWN_MS;
    return undefined;
  }

  /** Tells the breaker how a call ended. */
  record(deployment: string, status: CallStatus, httpStatus: number | null, message: string): void {
    if (status === 'ok' || status === 'blocked') {
      this.#circuits.delete(deployment);
      return;
    }
    if (status !== 'http_error') return;
    const circuit = this.#circuits.get(deployment) ?? { refusals: 0, badRequests: 0, lastBadRequest: undefined, openUntil: 0, reason: '' };
    this.#circuits.set(deployment, circuit);
    if (httpStatus === 401 || httpStatus === 402 || httpStatus === 403 || httpStatus === 404) {
      circuit.refusals++;
      if (circuit.refusals >= CONSECUTIVE_REFUSALS) this.#open(circuit, `HTTP ${httpStatus}: ${message}`);
    } else if (httpStatus === 400 || httpStatus === 422) {
      circuit.badRequests = circuit.lastBadRequest === message ? circuit.badRequests + 1 : 1;
      circuit.lastBadRequest = message;
      if (circuit.badRequests >= CONSECUTIVE_IDENTICAL_400) this.#open(circuit, `HTTP ${httpStatus}: ${message}`);
    }
  }

  #open(circuit: Circuit, reason: string): void {
    circuit.openUntil = this.#clock.now() + COOL_DOWN_MS;
    circuit.reason = reason;
  }
}
