import { modelVendor } from './model-hosts.ts';
import { barePath } from './paths.ts';
import { recogniseProtocol } from './recognise.ts';

/** Paths that make a model work, in formats that are not read here: Vertex's predictions, Bedrock, Cohere, images and speech. */
const GENERATING = [
  /(?<!\/count-tokens):(?:raw|streamRaw|server(?:Streaming)?)?predict$/i,
  /\/model\/[^/]+\/(?:invoke|invoke-with-response-stream|converse|converse-stream)$/i,
  /\/v\d+\/(?:chat|generate|embed|rerank|classify|completions|moderations)$/i,
  /\/(?:images\/(?:generations|edits)|audio\/(?:speech|transcriptions|translations))$/i,
];

/**
 * Whether a POST to this address looks like a call of a model, readable here or not: what a tap sees go by and the
 * ledger should know of. A path of a known format counts on any host, unless any site may have it; on known hosts other generating paths
 * do too.
 *
 * @param host host name, with or without a port
 * @param path URL path; a query is passed over
 */
export function looksLikeModelCall(host: string, path: string): boolean {
  if (recogniseProtocol('POST', path, host) !== undefined) return true;
  const bare = barePath(path);
  return GENERATING.some((pattern) => pattern.test(bare)) && modelVendor(host) !== undefined;
}
