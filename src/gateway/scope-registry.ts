import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Scope } from '../core/index.ts';
import { bind, continueScope, currentScope, SCOPE_HEADERS, scopeFromHeaders, withScope } from '../ledger/index.ts';
import type { ScopeOptions } from './contract.ts';
import { Refusal } from './refusal.ts';

/** Runs a function with its calls charged to one scope. */
type Enter = <T>(fn: () => T) => T;

/** Whom a request is charged to. */
export interface Charged {
  readonly enter: Enter;
  readonly scope: Scope;
  readonly options: ScopeOptions;
}

/** A scope with a token. */
export interface OpenScope extends Charged {
  readonly token: string;
  readonly parent: OpenScope | undefined;
  readonly inner: Set<OpenScope>;
}

/** A program that opens scopes and forgets to close them shall not fill the memory. */
const MOST_OPEN = 100_000;
/** Scopes by headers that are kept ready; others are made anew. */
const MOST_REFINED = 4_096;

/** The open scopes of a gateway, by token. */
export class ScopeRegistry {
  readonly #byToken = new Map<string, OpenScope>();
  readonly #refined = new WeakMap<Charged, Map<string, Charged>>();

  get size(): number {
    return this.#byToken.size;
  }

  /** Whom calls without a token are charged to: a scope on top of the one that this is called in. */
  unscoped(scope: Scope | undefined, options: ScopeOptions): Charged {
    const enter = scope === undefined ? here() : withScope(scope, here);
    return { enter, options, get scope() { return enter(currentScope); } };
  }

  /**
   * Opens a scope on top of the surrounding one, or of `parent`.
   *
   * @throws Refusal 429 where too many are open
   */
  open(part: Scope, options: ScopeOptions, parent?: OpenScope): OpenScope {
    if (this.#byToken.size >= MOST_OPEN) {
      throw new Refusal({ status: 429, code: 'too_many_scopes', message: `${MOST_OPEN} scopes are open`, hint: 'close those that are done: DELETE their address' });
    }
    const make = (): { readonly enter: Enter; readonly scope: Scope } => withScope(part, () => ({ enter: here(), scope: currentScope() }));
    const opened: OpenScope = { ...(parent === undefined ? make() : parent.enter(make)), token: randomBytes(TOKEN_BYTES).toString('base64url'), options, parent, inner: new Set() };
    parent?.inner.add(opened);
    this.#byToken.set(opened.token, opened);
    return opened;
  }

  find(token: string): OpenScope | undefined {
    return this.#byToken.get(token);
  }

  /** Forgets a scope and those opened inside it. */
  close(scope: OpenScope): void {
    if (!this.#byToken.delete(scope.token)) return;
    scope.parent?.inner.delete(scope);
    for (const inner of scope.inner) this.close(inner);
  }

  /**
   * The scope that a request's headers make of the one it came in.
   *
   * @throws UsageError for headers that cannot be read
   */
  refine(charged: Charged, headers: IncomingHttpHeaders): Charged {
    const read = (name: string): string | undefined => headers[name] as string | undefined;
    let key = '';
    for (const name of HEADER_NAMES) if (headers[name] !== undefined) key += `${name}:${String(headers[name])}\n`;
    if (key === '') return charged;
    let known = this.#refined.get(charged);
    if (known === undefined) this.#refined.set(charged, (known = new Map()));
    let refined = known.get(key);
    if (refined === undefined) {
      const part = scopeFromHeaders(read);
      const { enter, scope } = charged.enter(() => continueScope(part, () => ({ enter: here(), scope: currentScope() })));
      refined = { enter, scope, options: charged.options };
      // The oldest goes first.
      for (const old of known.keys()) {
        if (known.size < MOST_REFINED) break;
        known.delete(old);
      }
      known.set(key, refined);
    }
    return refined;
  }
}

const HEADER_NAMES: readonly string[] = Object.values(SCOPE_HEADERS);
const TOKEN_BYTES = 18;

/** A way back into the scope that this is called in. */
function here(): Enter {
  return bind((fn: () => unknown) => fn()) as Enter;
}
