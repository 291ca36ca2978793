import { AssayError } from '../core/index.ts';

/** What may go wrong with a store, whatever is behind it. */
export type StoreErrorCode = 'store' | 'store_full' | 'store_readonly' | 'store_locked' | 'store_corrupt';

/** The store could not do what it was asked. What was acknowledged before is still there. */
export class StoreError extends AssayError {
  override readonly code: StoreErrorCode;

  constructor(options: { readonly code: StoreErrorCode; readonly message: string; readonly hint?: string; readonly cause?: unknown }) {
    super(options);
    this.code = options.code;
  }
}
