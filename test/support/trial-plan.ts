import { seededRandom, type Random } from '../../src/core/index.ts';

/**
 * How a call goes. `answer`: JSON, or a stream read to its end. `silent`: an answer without usage. `quiet`: a stream whose caller does not
 * ask for usage. `refuse`: a 500, and `limit` a 429; `again` after either: an SDK that tries again and is answered. `cut`: the answer breaks
 * off, `late` after its usage was sent. `hang`: no answer; its caller aborts once the server has the request. `leave`: a stream that stops
 * half-way; its caller breaks off or aborts, `late` with the usage read. `gone`: aborted as soon as it is made.
 */
export type Way = 'answer' | 'silent' | 'quiet' | 'refuse' | 'limit' | 'refuse-again' | 'limit-again' | 'cut' | 'cut-late' | 'hang' | 'leave' | 'leave-late' | 'gone';

export type Via = 'fetch' | 'undici' | 'openai';

/** What a request tells the server of itself, as its prompt. Named by the plan, not by any scope. */
export interface Told {
  readonly trial: string;
  /** Empty for the trunk. */
  readonly branch: string;
  readonly role: string;
  readonly phase: string;
  readonly n: number;
  readonly way: Way;
  readonly prompt: number;
  readonly completion: number;
  readonly reasoning: number;
}

export interface PlannedCall {
  readonly told: Told;
  readonly via: Via;
  readonly stream: boolean;
  readonly model: string;
  /** Who makes it: the trial's own code, a shared queue, or a generator that others consume. */
  readonly by: 'trial' | 'queue' | 'generator';
  /** Aborts a stream it leaves rather than breaking off its loop. */
  readonly aborts: boolean;
  /** What comes next does not wait for it. */
  readonly overlaps: boolean;
}

export interface PlannedFork {
  readonly branch: string;
  readonly steps: readonly PlannedStep[];
  readonly overlaps: boolean;
}

export type PlannedStep = { readonly call: PlannedCall } | { readonly fork: PlannedFork };

export interface PlannedTrial {
  readonly name: string;
  readonly steps: readonly PlannedStep[];
}

const ROLES = ['', 'target', 'judge', 'memory'];
const PHASES = ['', 'setup', 'play'];
const BRANCHES = ['a', 'b', 'ünter', 'ask secret'];
/** Each is a deployment of its own: a 429 of one does not hold up the others. */
const MODELS = Array.from({ length: 24 }, (_, index) => `model-${index}`);
const DEEPEST = 3;

/** Of a hundred calls. */
const WAYS: readonly (readonly [Way, share: number])[] = [
  ['answer', 62],
  ['silent', 3],
  ['quiet', 7],
  ['refuse', 4],
  ['limit', 1],
  ['refuse-again', 3],
  ['limit-again', 1],
  ['cut', 4],
  ['cut-late', 2],
  ['hang', 4],
  ['leave', 6],
  ['leave-late', 3],
];

/** The same seed and index give the same trial. Some overlap nothing, so that what came before a fork is known without the ledger. */
export function planTrial(seed: number, index: number, calls: number): PlannedTrial {
  const random = seededRandom('trial', seed, index);
  const name = `trial-${index}`;
  const overlapping = random.next() < 0.5;
  let n = 0;
  const steps = (branch: string, count: number, depth: number): PlannedStep[] => {
    const made: PlannedStep[] = [];
    for (let left = count; left > 0; ) {
      if (left > 2 && depth < DEEPEST && random.next() < 0.22) {
        const inside = 1 + random.integer(Math.ceil(left / 2));
        const child = random.pick(BRANCHES);
        made.push({ fork: { branch: child, steps: steps(branch === '' ? child : `${branch}/${child}`, inside, depth + 1), overlaps: random.next() < 0.6 } });
        left -= inside;
      } else {
        made.push({ call: planCall(random, { trial: name, branch, n: n++ }, overlapping && random.next() < 0.3) });
        left--;
      }
    }
    return made;
  };
  return { name, steps: steps('', calls, 0) };
}

/** A trial whose calls are aborted as soon as they are made: what of them reaches the server is a matter of luck. */
export function planGoneTrial(seed: number, index: number, calls: number): PlannedTrial {
  const random = seededRandom('gone', seed, index);
  const name = `gone-${index}`;
  return { name, steps: Array.from({ length: calls }, (_, n) => ({ call: { ...planCall(random, { trial: name, branch: '', n }, true, 'gone'), by: 'trial' as const } })) };
}

function planCall(random: Random, place: Pick<Told, 'trial' | 'branch' | 'n'>, overlaps: boolean, only?: Way): PlannedCall {
  const way = only ?? pickWay(random);
  const reasoning = random.next() < 0.3 ? 1 + random.integer(20) : 0;
  const again = way === 'refuse-again' || way === 'limit-again';
  const streamOnly = way === 'quiet' || way === 'leave' || way === 'leave-late' || way === 'cut-late';
  const jsonOnly = way === 'silent' || way === 'refuse' || way === 'limit' || again || way === 'hang';
  return {
    told: { ...place, role: random.pick(ROLES), phase: random.pick(PHASES), way, prompt: 1 + random.integer(500), completion: 1 + reasoning + random.integer(100), reasoning },
    via: again ? 'openai' : random.pick(['fetch', 'undici', 'openai'] as const),
    stream: streamOnly || (!jsonOnly && random.next() < 0.4),
    model: random.pick(MODELS),
    by: random.pick(['trial', 'trial', 'trial', 'queue', 'generator'] as const),
    aborts: random.next() < 0.5,
    overlaps,
  };
}

function pickWay(random: Random): Way {
  let dice = random.integer(WAYS.reduce((sum, [, share]) => sum + share, 0));
  for (const [way, share] of WAYS) if ((dice -= share) < 0) return way;
  throw new Error('the shares do not add up');
}
