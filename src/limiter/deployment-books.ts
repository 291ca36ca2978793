import type { Clock, Random } from '../core/index.ts';
import { answered, createAdaptiveConcurrency } from './adaptive-concurrency.ts';
import type { Booking, Books } from './call-reservation.ts';
import type { ActualUse, AdmitRequest, DeploymentStats, Limits, QuotaAlert, RateSignal, SettleOutcome } from './contract.ts';
import { type Decision, type Rules, correct, move, spend, take, turnPeriod } from './decide.ts';
import type { DeploymentState, Holder } from './deployment-state.ts';
import { type Estimate, estimate, surplus } from './estimate.ts';
import { heed, saysWhatRemains } from './header-hints.ts';
import { newHolder } from './holder.ts';
import { LearnedOutput } from './learned-output.ts';
import { planLimits } from './limit-plan.ts';
import { QuotaAlerts } from './quota-alerts.ts';
import { periodStart } from './quota-period.ts';
import { refuse } from './refusal.ts';
import { type PastCall, replay } from './replay.ts';
import { add, createRing } from './ring.ts';
import type { StateStore } from './state-store.ts';
import { describeState, tokensUntilHalf } from './stats.ts';

export interface BooksOptions {
  readonly deployment: string;
  /** Tells this limiter's holdings from others' in shared state. */
  readonly holderId: string;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly limits: Limits | undefined;
  readonly mostConcurrency: number;
  readonly store: StateStore;
  readonly onAlert: (alert: QuotaAlert) => void;
}

/** How far back use is replayed: the longest rate window and its pad. */
export const REPLAY_MS = 60_500;
/** How often to look for what other processes may have given back; nobody tells. */
export const LOOK_AGAIN_MS = 75;
/** What calls that end change is shared with the next decision, or after this time. */
export const SHARED_WITHIN_MS = 5;
/** A call that leaves this much later than it was admitted counts from its leaving; less is within the windows' pad. */
const LATE_MS = 50;

/** How many times too small an estimate of a request's tokens may be. */
const ROUGHLY = 8;

/** One deployment's books: what is reserved, used and left, in this process or shared. */
export class DeploymentBooks implements Books {
  readonly deployment: string;
  readonly rules: Rules;
  /** Called after anything was given back. */
  onFreed: () => void = () => {};
  readonly #options: BooksOptions;
  readonly #learned = new LearnedOutput();
  readonly #alerts: QuotaAlerts | undefined;
  readonly #template: Holder;
  /** This limiter's own holdings; the copy in shared state follows them. */
  #inFlight = 0;
  #quotaReserved = 0;
  #limited = 0;
  readonly #limitsTokens: boolean;
  /** Tokens until the nearest limit is half used, as of the last change. */
  #ample = 0;
  #countsReserved: boolean;
  #closed = false;
  /** Changes that are not in the state yet: shared state takes them with the next decision, or shortly. */
  #late: ((state: DeploymentState, now: number) => void)[] = [];
  #writesSoon = false;

  constructor(options: BooksOptions) {
    const { limits, deployment } = options;
    this.#options = options;
    this.deployment = deployment;
    this.rules = { plan: planLimits(limits), quota: limits?.quota, mostConcurrency: options.mostConcurrency };
    this.#limitsTokens = limits !== undefined && [limits.tpm, limits.itpm, limits.otpm, limits.quota].some((limit) => limit !== undefined);
    this.#countsReserved = this.rules.plan.counts === 'reserved';
    this.#alerts = limits?.quota === undefined ? undefined : new QuotaAlerts(deployment, limits.quota);
    this.#template = newHolder(options.clock.now());
  }

  /** Whether a request of about so many tokens must be counted exactly. */
  countsTokens(about?: number): boolean {
    return this.#limitsTokens && (about === undefined || about * ROUGHLY > this.#ample);
  }

  get shared(): boolean {
    return this.#options.store.shared;
  }

  get counts(): 'reserved' | 'actual' {
    return this.#countsReserved ? 'reserved' : 'actual';
  }

  /** Runs `work`, whose decisions are kept together or, where that fails, not at all. */
  together(work: () => void): void {
    const late = this.#late;
    try {
      this.#options.store.together(work);
    } catch (error) {
      // What its updates took along is not kept either.
      if (this.#late !== late) this.#late = [...late, ...this.#late];
      throw error;
    }
  }

  /** Sets the books up from the ledger, unless sharers have kept them. */
  begin(past: readonly PastCall[], used: number | undefined): void {
    this.#commit((state, now) => {
      const { plan, quota, mostConcurrency } = this.rules;
      if (state.touchedAt === 0) state.adaptive = createAdaptiveConcurrency(plan.concurrency ?? Math.min(state.adaptive.bound, mostConcurrency));
      if (now - state.touchedAt > REPLAY_MS) replay(state, plan, past);
      const alone = Object.keys(state.holders).every((id) => id === this.#options.holderId);
      const start = periodStart(now, quota);
      // The ledger is the record; what others hold in common is fresher while they are alive.
      if (used !== undefined && (alone || state.quota.start !== start)) state.quota = { start, used };
      turnPeriod(state, quota, now);
    });
  }

  /** What a call is expected to take, as things stand. */
  expect(request: AdmitRequest): Estimate {
    return estimate(request, this.counts, this.#learned, this.#inFlight, this.rules.plan);
  }

  /** Books a call if it may go now. Its quota tokens are prompt and most output. */
  tryTake(expected: Estimate, since: number, waited: boolean, now: number): Decision {
    const tokens = expected.prompt + expected.mostOutput;
    const ask = { holder: this.#options.holderId, amounts: expected.amounts, asked: tokens, quotaTokens: tokens, since, waited };
    const decision = this.#commit((state) => {
      const verdict = take(state, this.rules, ask, now, !this.shared);
      const due = verdict.kind === 'wait' || verdict.kind === 'yield' ? verdict.until : now + LOOK_AGAIN_MS;
      state.holders[ask.holder]!.head = verdict.kind === 'granted' || verdict.kind === 'quota' ? null : { since, due };
      return verdict;
    }, now);
    if (decision.kind === 'granted') {
      this.#inFlight += 1;
      this.#quotaReserved += tokens;
    }
    return decision;
  }

  left(booking: Booking): void {
    const now = this.#options.clock.now();
    if (now - booking.at < LATE_MS) return;
    this.#change((state) => {
      move(state, booking.at, now, booking.expected.amounts);
      if (state.asked !== null && add(state.asked, booking.at, -booking.quotaTokens)) add(state.asked, now, booking.quotaTokens);
    });
    booking.at = now;
  }

  settled(booking: Booking, actual: ActualUse, outcome: SettleOutcome): void {
    const { expected } = booking;
    const refusedCall = outcome === 'limited';
    const prompt = actual.promptTokens ?? (refusedCall ? 0 : expected.prompt);
    const output = actual.outputTokens ?? (refusedCall ? 0 : expected.mostOutput);
    this.#quotaReserved -= booking.quotaTokens;
    this.#change((state, now) => {
      this.#count(state, prompt + output, now);
      const back = refusedCall ? { input: expected.prompt, output: expected.output, tokens: expected.amounts.tokens } : surplus(expected, actual, booking.counts);
      correct(state, this.rules.plan, booking.at, now, back);
      if (refusedCall) {
        state.throttle.used.calls -= 1;
        if (state.asked !== null) add(state.asked, booking.at, -booking.quotaTokens);
      }
      if (outcome === 'answered') {
        answered(state.adaptive, this.rules.plan.concurrency ?? this.rules.mostConcurrency);
        if (booking.at > state.refusedAt) state.refusals = 0;
      }
    });
    const usd = actual.costUsd ?? (refusedCall ? 0 : (booking.usdFor?.(prompt, output) ?? booking.usd));
    for (const hold of booking.holds) hold.settle({ tokens: prompt + output, usd });
    if (outcome === 'answered' && actual.outputTokens !== undefined && prompt + output > 0) this.#learned.learn(actual.outputTokens);
    this.onFreed();
  }

  released(booking: Booking, wasSettled: boolean): void {
    this.#inFlight -= 1;
    if (!wasSettled) {
      this.#quotaReserved -= booking.quotaTokens;
      for (const hold of booking.holds) hold.giveBack();
    }
    this.#change((state, now) => {
      if (wasSettled) return;
      correct(state, this.rules.plan, booking.at, now, booking.expected.amounts);
      state.throttle.used.calls -= 1;
      if (state.asked !== null) add(state.asked, booking.at, -booking.quotaTokens);
    });
    if (this.#closed) this.leave();
    else this.onFreed();
  }

  /** Books a call that was not held. */
  charge(actual: ActualUse): void {
    const input = actual.promptTokens ?? 0;
    const output = actual.outputTokens ?? 0;
    this.#change((state, now) => {
      this.#count(state, input + output, now);
      spend(state, this.rules.plan, { requests: 1, tokens: input + output, input, output }, input + output, now);
    });
  }

  /** Takes in an answer's status and headers. */
  observe(signal: RateSignal): void {
    const { plan } = this.rules;
    if (signal.limited) {
      this.#limited += 1;
      const jitter = this.#options.random.next();
      this.#change((state, now) => refuse(state, this.rules, signal.rate, signal.sentAt, now, jitter), { urgent: true });
    } else if (plan.rated && saysWhatRemains(signal.rate)) {
      this.#change((state, now) => heed(state, plan, signal.rate, signal.sentAt, now));
    }
  }

  stats(waiting: number): DeploymentStats {
    const now = this.#options.clock.now();
    const own = { deployment: this.deployment, waiting, inFlight: this.#inFlight, limited: this.#limited };
    this.#writeLate();
    return this.#options.store.read(this.deployment, now, (state) => describeState(state, this.rules, now, own));
  }

  /** Gives up this limiter's holdings, at once or when the last call in flight has ended. */
  leave(): void {
    this.#closed = true;
    if (!this.shared || this.#inFlight > 0) return;
    try {
      this.#commit((state) => void delete state.holders[this.#options.holderId]);
    } catch {
      // The shared state is closed or out of reach: this process's end frees them just as well.
    }
  }

  #count(state: DeploymentState, tokens: number, now: number): void {
    turnPeriod(state, this.rules.quota, now);
    state.quota.used += tokens;
    if (this.rules.quota !== undefined) add((state.flow ??= createRing(60_000, 0)), now, tokens);
  }

  /** One change of the state, with this limiter's holdings brought up to date first. */
  #commit<T>(change: (state: DeploymentState, now: number) => T, now = this.#options.clock.now()): T {
    const late = this.#late;
    let quota = { start: 0, used: 0 };
    const result = this.#options.store.update(this.deployment, now, (state) => {
      const own = (state.holders[this.#options.holderId] ??= { ...this.#template });
      own.beat = now;
      own.inFlight = this.#inFlight;
      own.quotaReserved = this.#quotaReserved;
      for (const missed of late) missed(state, now);
      const answer = change(state, now);
      state.touchedAt = now;
      if (state.countsReserved) this.#countsReserved = true;
      quota = state.quota;
      if (this.#limitsTokens) this.#ample = tokensUntilHalf(state, this.rules);
      return answer;
    });
    if (late.length > 0) this.#late = [];
    if (this.#alerts !== undefined) {
      for (const alert of this.#alerts.passed(quota.start, quota.used)) this.#options.onAlert(alert);
    }
    return result;
  }

  /**
   * A change that must not be lost: what can not be written now is written with the next.
   *
   * @param urgent others that share the state must know before they decide again
   */
  #change(change: (state: DeploymentState, now: number) => void, { urgent = false }: { readonly urgent?: boolean } = {}): void {
    if (this.shared && !urgent) {
      // Writing shared state costs more than all else that a call does here: where calls follow each other, it is written once for each.
      this.#late.push(change);
      this.#writeSoon();
      return;
    }
    try {
      this.#commit(change);
    } catch {
      this.#late.push(change);
    }
  }

  #writeSoon(): void {
    if (this.#writesSoon) return;
    this.#writesSoon = true;
    this.#options.clock.after(SHARED_WITHIN_MS, () => {
      this.#writesSoon = false;
      this.#writeLate();
    });
  }

  #writeLate(): void {
    if (this.#late.length === 0) return;
    try {
      this.#commit(() => {});
    } catch {
      // Kept for the next time.
    }
  }
}
