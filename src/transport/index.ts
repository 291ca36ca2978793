export { CallError, type CallErrorOptions } from './call-error.ts';
export { collectAnswers, transportFetch, type CallDetails, type Collected } from './fetch.ts';
export type { Answer, OutgoingCall } from './outgoing-call.ts';
export { DEFAULT_RETRY, NO_RETRY, type RetryPolicy } from './retry.ts';
export { Transport, type TransportOptions } from './transport.ts';
