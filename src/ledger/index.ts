export { Ledger, type LedgerOptions, type OpenCall } from './ledger.ts';
export { priceTable, type Price, type PriceList, type PriceTable } from './prices.ts';
export { currentScope, currentTallies, withScope } from './scope.ts';
export { SHIPPED_PRICES } from './shipped-prices.ts';
export { Tally } from './tally.ts';
