import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALL_STATUSES, newId, UNKNOWN_USAGE, type CallIntent, type CallSettlement, type Scope } from '../core/index.ts';
import { RunningSums, shareOf, TRUNK, UNATTRIBUTED, type BranchUsage, type UsageSums } from './llm-usage.ts';
import type { Fork } from './call-counter.ts';
import { pathsTo } from './scope.ts';
import { UsageTally } from './usage-tally.ts';

const intent = (scope: Scope, part: Partial<CallIntent> = {}): CallIntent => ({
  id: newId(),
  logicalId: 'l',
  retry: 0,
  scope,
  target: null,
  deployment: 'openai/h/m',
  protocol: 'openai-chat',
  modelAsked: 'm',
  stream: false,
  simulated: false,
  queuedAt: 0,
  sentAt: 0,
  waitedMs: 0,
  reservedTokens: 0,
  ...part,
});

const ended = (tokens: number | undefined, part: Partial<CallSettlement> = {}): CallSettlement => ({
  id: 'i',
  status: 'ok',
  httpStatus: 200,
  modelAnswered: null,
  usage: tokens === undefined ? UNKNOWN_USAGE : { ...UNKNOWN_USAGE, inputFresh: tokens, outputText: 1, source: 'reported' },
  costUsd: null,
  firstTokenMs: null,
  totalMs: null,
  finishReason: null,
  requestId: null,
  error: null,
  ...part,
});

const NOTHING: UsageSums = new RunningSums().toSums();

/** Opens and settles one call. */
function call(tally: UsageTally, scope: Scope, tokens: number, forks: readonly Fork[] = []): CallIntent {
  const made = intent(scope);
  tally.opened(made, forks);
  tally.add(made, ended(tokens));
  tally.closed(made);
  return made;
}

describe('UsageTally', () => {
  it('is an empty block before the first call', () => {
    expect(new UsageTally().toDict()).toEqual({
      total_calls: 0,
      prompt_tokens: 0,
      completion_tokens: 0,
      reasoning_tokens: null,
      total_tokens: 0,
      calls_by_model: {},
      by_role: {},
      by_branch: {},
      failed_calls: 0,
      estimated_calls: 0,
      unknown_calls: 0,
      retries: 0,
    });
  });

  it('adds reasoning once: it is inside the completion', () => {
    const tally = new UsageTally();
    tally.add(intent({}), ended(0, { usage: { ...UNKNOWN_USAGE, inputFresh: 3456, outputText: 647, reasoning: 245, source: 'reported' } }));
    expect(tally.toDict()).toMatchObject({ prompt_tokens: 3456, completion_tokens: 892, reasoning_tokens: 245, total_tokens: 4348 });
  });

  it('counts by the model that answered, by role, failures, retries, estimates and what nobody knows', () => {
    const tally = new UsageTally();
    tally.add(intent({ role: 'target' }), ended(10, { modelAnswered: 'm-2026' }));
    tally.add(intent({ role: 'target' }), ended(undefined, { status: 'rate_limited' }));
    tally.add(intent({ role: 'judge' }, { retry: 1, modelAsked: null }), ended(5, { status: 'blocked' }));
    tally.add(intent({}), ended(7, { usage: { ...UNKNOWN_USAGE, inputFresh: 7, outputText: 1, source: 'estimated' } }));
    expect(tally.toDict()).toMatchObject({
      total_calls: 4,
      prompt_tokens: 22,
      completion_tokens: 3,
      total_tokens: 25,
      calls_by_model: { m: 2, 'm-2026': 1, [UNATTRIBUTED]: 1 },
      by_role: {
        target: { calls: 2, failed_calls: 1, prompt_tokens: 10, completion_tokens: 1, reasoning_tokens: null, total_tokens: 11, unknown_calls: 1, estimated_calls: 0 },
        judge: { calls: 1, failed_calls: 0, total_tokens: 6 },
        [UNATTRIBUTED]: { calls: 1, estimated_calls: 1, total_tokens: 8 },
      },
      failed_calls: 1,
      estimated_calls: 1,
      unknown_calls: 1,
      retries: 1,
    });
  });

  it.each(CALL_STATUSES)('a call that is %s is a call', (status) => {
    const tally = new UsageTally();
    tally.add(intent({}), ended(undefined, { status }));
    expect(tally.toDict()).toMatchObject({ total_calls: 1, failed_calls: status === 'ok' || status === 'blocked' ? 0 : 1, unknown_calls: 1 });
  });

  it('counts what was answered from the store apart from all the rest', () => {
    const tally = new UsageTally();
    const replayed = intent({ trial: 't', role: 'judge', branch: 'a' }, { retry: 1 });
    tally.opened(replayed, []);
    tally.add(replayed, ended(undefined, { status: 'replayed', modelAnswered: 'm' }));
    tally.closed(replayed);
    expect(tally.toDict()).toEqual({ ...new UsageTally().toDict(), replayed_calls: 1 });
  });

  it('survives JSON, whatever the names', () => {
    const tally = new UsageTally();
    call(tally, { trial: 't', role: '__proto__', branch: 'constructor' }, 1);
    const block = tally.toDict();
    expect(JSON.parse(JSON.stringify(block))).toEqual(block);
    expect(Object.keys(block.by_role)).toEqual(['__proto__']);
    expect(Object.keys(block.by_branch)).toEqual([TRUNK, 'constructor']);
  });

  it('is a copy: it does not grow', () => {
    const tally = new UsageTally();
    call(tally, { trial: 't' }, 1);
    const before = tally.toDict();
    call(tally, { trial: 't' }, 1);
    expect(before.by_branch[TRUNK]?.own.calls).toBe(1);
  });
});

describe('settled', () => {
  it('waits for every call under way, and for none where there is none', async () => {
    const tally = new UsageTally();
    await tally.settled();
    const calls = [intent({}), intent({})];
    for (const each of calls) tally.opened(each, []);
    let done = false;
    const settled = tally.settled().then(() => (done = true));
    for (const each of calls) {
      await Promise.resolve();
      expect([done, tally.inFlight]).toEqual([false, calls.length - calls.indexOf(each)]);
      tally.add(each, ended(1));
      tally.closed(each);
    }
    await settled;
    expect(tally.inFlight).toBe(0);
  });
});

describe('by_branch', () => {
  const TRIAL: Scope = { runId: 'r', trial: 't' };
  const within = (branch: string): Scope => ({ ...TRIAL, branch });
  const fork = (branch: string): Fork => ({ branch, id: newId() });

  it('keeps what is of a branch, what is inside it, and what came before its fork apart', () => {
    const tally = new UsageTally();
    call(tally, TRIAL, 10);
    const a = fork('a');
    tally.forked(TRIAL, a);
    call(tally, within('a'), 20, [a]);
    const b = fork('a/b');
    tally.forked(TRIAL, b);
    call(tally, within('a/b'), 40, [a, b]);
    call(tally, within('a'), 80, [a]);
    call(tally, TRIAL, 160);
    const prompts = Object.fromEntries(Object.entries(tally.toDict().by_branch).map(([path, { own, inclusive, pre_fork }]) => [path, [own, inclusive, pre_fork!].map(({ prompt_tokens }) => prompt_tokens)]));
    expect(prompts).toEqual({ [TRUNK]: [170, 310, 0], a: [100, 140, 10], 'a/b': [40, 40, 30] });
  });

  it('counts a call as pre-fork that began before and settles after', () => {
    const tally = new UsageTally();
    const early = intent(TRIAL);
    tally.opened(early, []);
    const a = fork('a');
    tally.forked(TRIAL, a);
    const late = intent(TRIAL);
    tally.opened(late, []);
    tally.add(late, ended(1));
    tally.add(early, ended(2));
    call(tally, within('a'), 4, [a]);
    expect(tally.toDict().by_branch['a']?.pre_fork?.prompt_tokens).toBe(2);
  });

  it('knows what came before a fork that it hears of late, from another thread', () => {
    const tally = new UsageTally();
    call(tally, TRIAL, 1);
    const a = fork('a');
    for (let turn = 0; turn < 20; turn++) call(tally, TRIAL, 100);
    call(tally, within('a'), 4, [a]);
    expect(tally.toDict().by_branch['a']?.pre_fork?.prompt_tokens).toBe(1);
  });

  it('does not make up what came before a fork that nobody told it of', () => {
    const tally = new UsageTally();
    call(tally, TRIAL, 1);
    call(tally, within('a'), 4);
    expect(tally.toDict().by_branch['a']?.pre_fork).toBeNull();
  });

  it('takes branches of one name in several trials together, each with its own past', () => {
    const tally = new UsageTally();
    for (const [trial, tokens] of [['t', 1], ['u', 10]] as const) {
      call(tally, { trial }, tokens);
      const a = fork('a');
      tally.forked({ trial }, a);
      call(tally, { trial, branch: 'a' }, 100, [a]);
    }
    call(tally, { trial: 'v' }, 1_000);
    expect(tally.toDict().by_branch['a']).toMatchObject({ own: { calls: 2, prompt_tokens: 200 }, pre_fork: { calls: 2, prompt_tokens: 11 } });
  });

  it('is exact over more trials than it keeps apart', () => {
    const tally = new UsageTally();
    const trials = 12_000;
    for (let each = 0; each < trials; each++) {
      const scope = { runId: 'r', trial: `trial-${each}` };
      call(tally, scope, 1);
      const a = fork('a');
      tally.forked(scope, a);
      call(tally, { ...scope, branch: 'a' }, 2, [a]);
      call(tally, scope, 4);
    }
    expect(tally.toDict().by_branch).toMatchObject({
      [TRUNK]: { own: { calls: 2 * trials, prompt_tokens: 5 * trials }, inclusive: { prompt_tokens: 7 * trials } },
      a: { own: { calls: trials, prompt_tokens: 2 * trials }, pre_fork: { calls: trials, prompt_tokens: trials } },
    });
  });

  it('equals sums over a list of all calls, in whatever order they begin, fork and settle', () => {
    const steps = fc.array(fc.record({ trial: fc.constantFrom('t', 'u'), path: fc.constantFrom('', 'a', 'b', 'a/b', 'a/b/c'), kind: fc.constantFrom('begin', 'begin', 'begin', 'fork', 'settle'), pick: fc.nat(), tokens: fc.integer({ min: 1, max: 1_000 }), told: fc.boolean() }), { maxLength: 120 });
    fc.assert(
      fc.property(steps, (all) => {
        const tally = new UsageTally();
        const forks = new Map<string, Fork>();
        const made: { readonly intent: CallIntent; readonly settlement: CallSettlement }[] = [];
        const underWay: typeof made = [];
        const forksTo = (trial: string, path: string, told: boolean): Fork[] =>
          path === ''
            ? []
            : pathsTo(path).map((branch) => {
                const key = `${trial}:${branch}`;
                const known = forks.get(key);
                if (known !== undefined) return known;
                const drawn = { branch, id: newId() };
                forks.set(key, drawn);
                if (told) tally.forked({ trial }, drawn);
                return drawn;
              });
        const settle = (at: number): void => {
          const [one] = underWay.splice(at, 1);
          if (one === undefined) return;
          tally.add(one.intent, one.settlement);
          tally.closed(one.intent);
        };
        for (const { trial, path, kind, pick, tokens, told } of all) {
          if (kind === 'fork') forksTo(trial, path, told);
          else if (kind === 'settle') settle(underWay.length === 0 ? 0 : pick % underWay.length);
          else {
            const leading = forksTo(trial, path, told);
            const one = { intent: intent({ trial, ...(path === '' ? {} : { branch: path }) }), settlement: ended(pick % 5 === 0 ? undefined : tokens, pick % 3 === 0 ? { status: 'cut' } : {}) };
            made.push(one);
            underWay.push(one);
            tally.opened(one.intent, leading);
          }
        }
        while (underWay.length > 0) settle(underWay.length - 1);
        expect(tally.toDict().by_branch).toEqual(listed(made, forks));
      }),
      { numRuns: 300 },
    );
  });
});

/** The same figures the plain way: over a list of all calls. */
function listed(made: readonly { readonly intent: CallIntent; readonly settlement: CallSettlement }[], forks: ReadonlyMap<string, Fork>): Record<string, BranchUsage> {
  const sum = (keep: (call: CallIntent, path: string) => boolean): UsageSums => {
    const sums = new RunningSums();
    for (const { intent: each, settlement } of made) if (keep(each, each.scope.branch ?? '')) sums.addCall(shareOf(settlement));
    return sums.toSums();
  };
  const paths = new Set(made.flatMap(({ intent: { scope } }) => ['', ...(scope.branch === undefined ? [] : pathsTo(scope.branch))]));
  return Object.fromEntries(
    [...paths].toSorted().map((path) => [
      path === '' ? TRUNK : path,
      {
        own: sum((_call, at) => at === path),
        inclusive: sum((_call, at) => path === '' || at === path || at.startsWith(`${path}/`)),
        pre_fork:
          path === ''
            ? NOTHING
            : sum(({ id, scope }, at) => {
                // The level of the path that left the branch this call was made in.
                const left = pathsTo(path).find((level) => level.slice(0, Math.max(0, level.lastIndexOf('/'))) === at);
                const inPath = made.some((other) => other.intent.scope.trial === scope.trial && `${other.intent.scope.branch ?? ''}/`.startsWith(`${path}/`));
                return left !== undefined && inPath && id < forks.get(`${scope.trial}:${left}`)!.id;
              }),
      },
    ]),
  );
}
