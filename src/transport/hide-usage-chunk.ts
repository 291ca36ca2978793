import { isObject, parseJson } from '../core/index.ts';

/**
 * Takes the chunk that only carries usage out of a streamed chat completion, for a caller who did not ask for it: many clients read
 * `choices[0]` of every chunk. All other bytes stay as they were.
 */
export function withoutUsageChunk(body: string): string {
  return body.replaceAll(/^data:[^\r\n]*(?:\r\n|\r|\n){1,2}/gm, (event) => (isUsageChunk(event.slice('data:'.length)) ? '' : event));
}

function isUsageChunk(data: string): boolean {
  const chunk = parseJson(data);
  return isObject(chunk) && isObject(chunk['usage']) && Array.isArray(chunk['choices']) && chunk['choices'].length === 0;
}
