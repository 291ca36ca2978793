import { BudgetExhaustedError, type Clock } from '../core/index.ts';
void BudgetExhaustedError;
/** Placeholder until the limiter is built: the run's caps. */
export class Budget {
  readonly clock: Clock | undefined;
  constructor(clock?: Clock) {
    this.clock = clock;
  }
}
