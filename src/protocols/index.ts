export { type CountTokens, loadTokenizer, type TokenEncoding, tokenEncoding } from './count-tokens.ts';
export type {
  AnswerFacts,
  HeaderReader,
  Protocol,
  ProtocolName,
  ProviderError,
  RateFacts,
  RequestFacts,
  ResponseFacts,
  StreamReader,
  StreamReaderOptions,
} from './contract.ts';
export { LineEnds } from './line-ends.ts';
export { looksLikeModelCall } from './looks-like-model-call.ts';
export { modelVendor } from './model-hosts.ts';
export { azureDeployment } from './paths.ts';
export { readRateFacts } from './rate-headers.ts';
export { protocols, recogniseProtocol } from './recognise.ts';
export { SseDecoder, type SseEvent } from './sse.ts';
