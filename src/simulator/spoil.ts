import type { Random } from '../core/index.ts';
import type { Frame } from './wire/format.ts';

/** A body that is not JSON: cut short though its length says it is whole, or a proxy's page in its place. */
export function breakJson(body: string, random: Random): string {
  if (random.next() < 0.3) return '<html><head><title>502 Bad Gateway</title></head><body>upstream sent an invalid response</body></html>';
  return body.slice(0, Math.max(1, Math.floor(body.length * (0.2 + random.next() * 0.7))));
}

/** The beginning of a body, at least one character short. */
export function cutBody(body: string, random: Random): string {
  return body.slice(0, Math.floor(body.length * (0.1 + random.next() * 0.8)));
}

/**
 * The beginning of a stream: some of its answer, and never its finish reason, usage or end mark.
 *
 * @returns the frames left, and whether the stream then ends in silence (else its connection breaks)
 */
export function cutStream(frames: readonly Frame[], random: Random): { readonly frames: Frame[]; readonly silent: boolean } {
  return { frames: frames.slice(0, within(frames, random) + 1), silent: random.next() < 0.5 };
}

/** The beginning of a stream with one event that cannot be read, after which nothing comes. */
export function breakStream(frames: readonly Frame[], random: Random): Frame[] {
  const at = within(frames, random);
  const broken = frames[at]?.bytes.trimEnd() ?? 'data: {}';
  return [...frames.slice(0, at), { bytes: `${broken.slice(0, Math.max(8, broken.length - 5))}\n\n` }];
}

/** The place of a frame that carries answer text, or the first frame where none does. */
function within(frames: readonly Frame[], random: Random): number {
  const carrying = frames.flatMap(({ delta }, index) => (delta === undefined ? [] : [index]));
  return carrying.length === 0 ? 0 : random.pick(carrying);
}
