import { UsageChunkFilter } from './usage-chunk-filter.ts';

/** The text of a streamed chat completion without the event that only carries usage. */
export function withoutUsageChunk(body: string): string {
  const filter = new UsageChunkFilter();
  return Buffer.concat([filter.push(Buffer.from(body)), filter.end()]).toString();
}
