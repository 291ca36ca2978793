import { AssayError, type Clock, QuotaExhaustedError, RequestTooLargeError, describeError } from '../core/index.ts';
import type { BudgetFigures } from './budget.ts';
import { CallReservation } from './call-reservation.ts';
import type { ActualUse } from './contract.ts';
import type { Decision } from './decide.ts';
import { type DeploymentBooks, LOOK_AGAIN_MS, REPLAY_MS } from './deployment-books.ts';
import { type Estimate, tooLarge } from './estimate.ts';
import { periodEnd, periodStart } from './quota-period.ts';
import type { PastCall } from './replay.ts';
import { WaitQueue, type Waiter } from './wait-queue.ts';

/** What a lane needs of its limiter. */
export interface LaneOptions {
  readonly clock: Clock;
  readonly books: DeploymentBooks;
  readonly history: ((deployment: string, sinceMs: number) => Promise<readonly PastCall[]>) | undefined;
  readonly quotaUse: ((deployment: string, periodStartMs: number) => Promise<number>) | undefined;
  /** Takes a waiter over on another deployment. */
  readonly fallBack: (waiter: Waiter, to: string) => void;
}

/** One deployment's line of waiting calls. One timer, for the first in line and the nearest deadline. */
export class DeploymentLane {
  readonly books: DeploymentBooks;
  readonly #options: LaneOptions;
  readonly #queue = new WaitQueue();
  #ready = false;
  #starting = false;
  readonly #onReady: (() => void)[] = [];
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;
  #cancelWatch: (() => void) | undefined;
  #nextDeadline = Infinity;
  #pumping = false;
  #pumpsSoon = false;
  /** Admitted, and told so once that is kept. */
  #granted: { readonly waiter: Waiter; readonly place: CallReservation }[] = [];

  constructor(options: LaneOptions) {
    this.#options = options;
    this.books = options.books;
    this.books.onFreed = () => {
      if (this.#queue.size > 0) this.#pumpSoon();
    };
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Puts a call in line. */
  enqueue(waiter: Waiter): void {
    this.#queue.push(waiter);
    const deadline = waiter.request.deadline ?? Infinity;
    const nearer = deadline < this.#nextDeadline;
    if (nearer) this.#nextDeadline = deadline;
    this.#start();
    if (this.#queue.peek() === waiter) this.#pumpSoon();
    else if (nearer) this.#arm(this.#timerAt);
  }

  /** Takes a call out of the line. */
  withdraw(waiter: Waiter, error: unknown): void {
    const first = this.#queue.peek() === waiter;
    this.#drop(waiter, error);
    if (first) this.#pump();
  }

  /** Books a call that was not held, once the books are open. */
  charge(actual: ActualUse): void {
    this.#start();
    if (this.#ready) this.books.charge(actual);
    else this.#onReady.push(() => this.books.charge(actual));
  }

  /** Turns everybody in line away and gives up this limiter's holdings. */
  close(error: AssayError): void {
    for (const waiter of this.#queue) this.#drop(waiter, error);
    this.#disarm();
    this.books.leave();
  }

  /** Where deciding is dear, those who ask in one turn are decided on together. */
  #pumpSoon(): void {
    if (!this.books.shared) return this.#pump();
    if (this.#pumpsSoon) return;
    this.#pumpsSoon = true;
    setImmediate(() => {
      this.#pumpsSoon = false;
      this.#pump();
    });
  }

  /** Admits as many as may go, and sets the timer for the next. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#disarm();
      this.#expire();
      let again: number | undefined;
      if (this.#ready && this.#queue.size > 0) again = this.#admitAll();
      this.#arm(again ?? Infinity);
    } finally {
      this.#pumping = false;
    }
  }

  /** Returns when to look again, or `undefined` once nobody is left. */
  #admitAll(): number | undefined {
    let again: number | undefined;
    try {
      this.books.together(() => {
        for (let first = this.#queue.peek(); first !== undefined && again === undefined; first = this.#queue.peek()) again = this.#attend(first);
      });
      for (const { waiter, place } of this.#granted) waiter.resolve(place);
    } catch (error) {
      const first = this.#queue.peek();
      if (this.#granted.length === 0 && first !== undefined) this.#drop(first, error);
      for (const { waiter, place } of this.#granted) {
        place.release();
        waiter.reject(error);
      }
      // Those behind them are told when it is their turn.
      again = this.#options.clock.now();
    } finally {
      this.#granted = [];
    }
    return again;
  }

  /** Deals with the first in line. Returns when to look again (`Infinity`: when woken), or `undefined` once it has left. */
  #attend(waiter: Waiter): number | undefined {
    const { request } = waiter;
    const now = this.#options.clock.now();
    const waited = waiter.headSince !== undefined;
    waiter.headSince ??= now;
    const expected = this.books.expect(request);
    const usd = request.usdFor?.(expected.prompt, expected.mostOutput);
    const need = { calls: 1, tokens: expected.prompt + expected.mostOutput, usd: usd ?? 0 };
    let decision: Decision;
    try {
      const oversize = tooLarge(expected.amounts, this.books.rules.plan);
      if (oversize !== undefined) throw new RequestTooLargeError({ deployment: this.books.deployment, ...oversize });
      if (!this.#fitsBudgets(waiter, need)) return Infinity;
      decision = this.books.tryTake(expected, waiter.headSince, waited, now);
    } catch (error) {
      return this.#drop(waiter, error);
    }
    switch (decision.kind) {
      case 'granted':
        return this.#grant(waiter, expected, need, usd, now);
      case 'wait':
      case 'yield':
        if (decision.paused === true && decision.until - now > (request.longestPauseMs ?? Infinity)) {
          return this.#drop(waiter, pausedError(this.books.deployment, decision.until - now, request.longestPauseMs ?? 0));
        }
        return decision.until;
      case 'slots':
        return this.books.shared ? now + LOOK_AGAIN_MS : Infinity;
      case 'quota':
        if (decision.exhausted) return this.#leaveQuota(waiter, now);
        return this.books.shared ? now + LOOK_AGAIN_MS : Infinity;
    }
  }

  #grant(waiter: Waiter, expected: Estimate, need: BudgetFigures, usd: number | undefined, now: number): undefined {
    const { request } = waiter;
    this.#queue.remove(waiter);
    waiter.unlisten();
    const booking = {
      at: now,
      expected,
      counts: this.books.counts,
      quotaTokens: need.tokens,
      holds: (request.budgets ?? []).map((budget) => budget.hold(need)),
      usd,
      usdFor: request.usdFor,
    };
    this.#granted.push({ waiter, place: new CallReservation(this.books, booking, now - waiter.queuedAt) });
  }

  /** Whether all budgets have room now; if not, looks again when the one without has given something back. */
  #fitsBudgets(waiter: Waiter, need: BudgetFigures): boolean {
    for (const budget of waiter.request.budgets ?? []) {
      if (budget.check(need) === 'fits') continue;
      this.#cancelWatch = budget.onceFreed(() => this.#pump());
      return false;
    }
    return true;
  }

  /** Follows the quota's rule for a call that has no room in it. */
  #leaveQuota(waiter: Waiter, now: number): number | undefined {
    const quota = this.books.rules.quota!;
    const resetsAt = periodEnd(now, quota);
    if (quota.onExhausted === 'wait') return resetsAt;
    const to = quota.onExhausted === 'stop' ? undefined : quota.onExhausted.slice('fallback:'.length);
    if (to === undefined || to === this.books.deployment || waiter.left.includes(to)) {
      return this.#drop(waiter, new QuotaExhaustedError({ deployment: this.books.deployment, tokens: quota.tokens, period: quota.period, resetsAt }));
    }
    this.#queue.remove(waiter);
    waiter.unlisten();
    this.#options.fallBack(waiter, to);
    return undefined;
  }

  #drop(waiter: Waiter, error: unknown): undefined {
    this.#queue.remove(waiter);
    waiter.unlisten();
    waiter.reject(error);
  }

  #expire(): void {
    const now = this.#options.clock.now();
    if (now < this.#nextDeadline) return;
    this.#nextDeadline = Infinity;
    for (const waiter of this.#queue) {
      const deadline = waiter.request.deadline ?? Infinity;
      if (deadline <= now) this.#drop(waiter, lateError(this.books.deployment, now - waiter.queuedAt));
      else this.#nextDeadline = Math.min(this.#nextDeadline, deadline);
    }
  }

  #arm(at: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = at;
    const wake = Math.min(at, this.#nextDeadline);
    if (wake === Infinity || this.#queue.size === 0) return;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, wake - this.#options.clock.now()), () => this.#pump());
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  /** Reads the ledger's last minute and period once, before the first call goes. */
  #start(): void {
    if (this.#ready || this.#starting) return;
    const { history, quotaUse } = this.#options;
    if (history === undefined && quotaUse === undefined) {
      try {
        this.#begin([], undefined);
      } catch (error) {
        this.#fail(error);
      }
      return;
    }
    this.#starting = true;
    const now = this.#options.clock.now();
    const { deployment, rules } = this.books;
    Promise.all([history?.(deployment, now - REPLAY_MS) ?? [], quotaUse?.(deployment, periodStart(now, rules.quota))])
      .then(([past, used]) => this.#begin(past, used))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#starting = false;
        this.#pump();
      });
  }

  /** The books can not be opened: those that wait are turned away, the next call tries again. */
  #fail(error: unknown): void {
    const { deployment } = this.books;
    const told = AssayError.isInstance(error) ? error : new AssayError({ code: 'store', message: `the last calls to ${deployment} can not be read back: ${describeError(error)}`, cause: error });
    for (const waiter of this.#queue) this.#drop(waiter, told);
  }

  #begin(past: readonly PastCall[], used: number | undefined): void {
    this.books.begin(past, used);
    this.#ready = true;
    for (const late of this.#onReady.splice(0)) late();
  }
}

function pausedError(deployment: string, pauseMs: number, longestMs: number): AssayError {
  const seconds = (ms: number): number => Math.round(ms / 1_000);
  return new AssayError({
    code: 'rate_limited',
    message: `${deployment} is paused by its provider for ${seconds(pauseMs)} s more, longer than the deadline of ${seconds(longestMs)} s`,
    hint: 'resume with --retry-errors once the pause is over, or allow a longer --deadline',
  });
}

function lateError(deployment: string, waitedMs: number): AssayError {
  return new AssayError({
    code: 'rate_limited',
    message: `no room on ${deployment} within the deadline (waited ${Math.round(waitedMs / 100) / 10} s)`,
    hint: 'lower the concurrency, allow a longer deadline, or raise the limits if the provider allows more',
  });
}
