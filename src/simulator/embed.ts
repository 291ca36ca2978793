/** How many dimensions each word touches. */
const TOUCHES = 8;

/**
 * A vector of length 1 for a text, by hashing its words into dimensions: texts that share words lie close to each
 * other, and the same text has the same vector everywhere.
 */
export function embed(text: string, dimensions: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    let hash = fnv1a(word);
    for (let touch = 0; touch < TOUCHES; touch++) {
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
      const index = (hash >>> 1) % dimensions;
      vector[index] = (vector[index] ?? 0) + (hash & 1 ? 1 : -1);
    }
  }
  const length = Math.hypot(...vector);
  if (length === 0) vector[0] = 1;
  return length === 0 ? vector : vector.map((value) => value / length);
}

function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  return hash;
}
