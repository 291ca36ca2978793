import { UsageError, type Scope } from '../core/index.ts';
import { bind as bindToScope, requireName, requirePath, currentScope, withScope, type CallCounter, type NamedPart } from '../ledger/index.ts';
import { keepIteration } from './kept-iteration.ts';
import { TrialTally } from './trial-tally.ts';

/**
 * Runs `fn` as a trial: the model calls it makes, wherever in the program and by whatever library, are charged to it. Returns what
 * `fn` returns. Of a generator, or a stream that makes its calls as it is read, the rest runs in the trial too, wherever it is
 * consumed. Not so of other things that begin their work later: await them inside, or `bind` them.
 *
 * A trial inside a trial is a trial of its own in the ledger; `currentUsage` of the outer one includes it. A name used again goes on
 * with the same trial in the ledger, while `currentUsage` counts each opening by itself.
 *
 * @param name at most 200 characters
 * @throws UsageError for a name that cannot be
 * @example const answer = await trial('trial-7', () => agent.play(game));
 */
export function trial<T>(name: string, fn: () => T): T {
  return scoped('trial', name, fn, new TrialTally());
}

/**
 * Runs `fn` in a branch of the trial: a fork where the conversation goes several ways. Its calls are summed by themselves, and what
 * came before the fork is summed apart, so both ways of attributing can be had. A branch in a branch nests; branches may run side by
 * side; one that is opened again in its trial goes on, and its first fork counts.
 *
 * @param name without `/`, which joins the names of nested branches; at most 200 characters, and 32 levels
 * @throws UsageError for a name that cannot be
 * @example await Promise.all(candidates.map((word) => branch(word, () => agent.ask(word))));
 */
export function branch<T>(name: string, fn: () => T): T {
  const outer = currentScope().branch;
  requireName('branch', name);
  if (outer !== undefined) requirePath(`${outer}/${name}`);
  return scoped('branch', name, fn);
}

/**
 * Runs `fn` with its calls charged to a role: `target`, `judge`, `memory`, … The innermost role holds.
 *
 * @throws UsageError for a name that cannot be
 * @example const facts = await role('memory', () => memory.add(messages, { userId }));
 */
export function role<T>(name: string, fn: () => T): T {
  return scoped('role', name, fn);
}

/**
 * Runs `fn` with its calls charged to a phase of the trial: `setup`, `turn-3`, … The innermost phase holds.
 *
 * @throws UsageError for a name that cannot be
 */
export function phase<T>(name: string, fn: () => T): T {
  return scoped('phase', name, fn);
}

/**
 * Ties a function to the scope it is made in, for queues, pools and event emitters that call it from elsewhere. What counts the
 * scope here counts its calls too.
 *
 * @example queue.push(bind(() => agent.answer(turn)));
 */
export function bind<This, Args extends unknown[], T>(fn: (this: This, ...args: Args) => T): (this: This, ...args: Args) => T {
  if (typeof fn !== 'function') throw new UsageError({ message: 'bind() was given nothing to call', hint: 'pass a function: bind(() => …)' });
  return bindToScope(function (this: This, ...args: Args) {
    return keepIteration(fn.apply(this, args));
  });
}

function scoped<T>(part: NamedPart, name: string, fn: () => T, tally?: CallCounter): T {
  requireName(part, name);
  if (typeof fn !== 'function') throw new UsageError({ message: `${part}("${name}") was given nothing to run`, hint: `pass a function: ${part}("${name}", () => …)` });
  const scope: Scope = { [part]: name };
  return withScope(scope, () => keepIteration(fn()), tally);
}
