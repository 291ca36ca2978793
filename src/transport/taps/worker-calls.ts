import { BroadcastChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { UNKNOWN_USAGE, type CallIntent, type CallSettlement } from '../../core/index.ts';
import type { CallCounter } from '../../ledger/index.ts';
import type { WorkerReport } from './worker-handover.ts';

export interface WorkerCallsOptions {
  /** Name of the channel on which the thread tells of its calls. */
  readonly channel: string;
  /** What counts the scope in which the thread was made. */
  readonly counters: readonly CallCounter[];
  readonly onWorkerCall: (intent: CallIntent, settlement: CallSettlement) => void;
  readonly onUnsettled: (settlements: readonly CallSettlement[]) => void;
}

interface Open {
  readonly intent: CallIntent;
  settlement: CallSettlement | undefined;
}

/** The calls of one thread, counted where it was made. */
export class WorkerCalls {
  readonly #options: WorkerCallsOptions;
  readonly #channel: BroadcastChannel;
  /** Calls whose row may still be open. */
  readonly #open = new Map<string, Open>();

  constructor(options: WorkerCallsOptions) {
    this.#options = options;
    this.#channel = new BroadcastChannel(options.channel);
    this.#channel.addEventListener('message', (event: Event & { readonly data?: WorkerReport }) => this.#heard(event.data!));
    this.#channel.unref();
  }

  /** The thread has ended: nothing more comes from it, and what it left open is settled here. */
  end(): void {
    for (let report = this.#unheard(); report !== undefined; report = this.#unheard()) this.#heard(report);
    this.#channel.close();
    const settlements: CallSettlement[] = [];
    for (const { intent, settlement } of this.#open.values()) {
      const end = settlement ?? lost(intent);
      if (settlement === undefined) this.#settled(intent, end);
      settlements.push(end);
      for (const counter of this.#options.counters) counter.closed?.(intent);
    }
    this.#open.clear();
    if (settlements.length > 0) this.#options.onUnsettled(settlements);
  }

  /** What was told and has not come up yet. */
  #unheard(): WorkerReport | undefined {
    // Node takes a channel for a port here, though its types do not say so.
    const received: { readonly message: WorkerReport } | undefined = receiveMessageOnPort(this.#channel as unknown as MessagePort);
    return received?.message;
  }

  #heard(report: WorkerReport): void {
    const { counters } = this.#options;
    switch (report.is) {
      case 'forked':
        for (const counter of counters) counter.forked?.(report.scope, report.fork);
        return;
      case 'opened':
        this.#open.set(report.intent.id, { intent: report.intent, settlement: undefined });
        for (const counter of counters) counter.opened?.(report.intent, report.forks);
        return;
      case 'settled': {
        const open = this.#open.get(report.id);
        if (open === undefined) return;
        open.settlement = report.settlement;
        return this.#settled(open.intent, report.settlement);
      }
      case 'closed': {
        const open = this.#open.get(report.id);
        if (open === undefined) return;
        this.#open.delete(report.id);
        for (const counter of counters) counter.closed?.(open.intent);
      }
    }
  }

  #settled(intent: CallIntent, settlement: CallSettlement): void {
    for (const counter of this.#options.counters) counter.add(intent, settlement);
    this.#options.onWorkerCall(intent, settlement);
  }
}

function lost({ id }: CallIntent): CallSettlement {
  return {
    id,
    status: 'lost',
    httpStatus: null,
    modelAnswered: null,
    usage: UNKNOWN_USAGE,
    costUsd: null,
    firstTokenMs: null,
    totalMs: null,
    finishReason: null,
    requestId: null,
    error: 'its worker thread ended before its answer was read',
  };
}
