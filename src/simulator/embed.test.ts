import { describe, expect, it } from 'vitest';
import { embed } from './embed.ts';

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);

describe('embed', () => {
  it('gives vectors of length 1, the same for the same text', () => {
    for (const text of ['', '!!!', 'one', 'a longer text with several words']) {
      const vector = embed(text, 256);
      expect(dot(vector, vector)).toBeCloseTo(1, 5);
      expect(embed(text, 256)).toEqual(vector);
    }
  });

  it('puts texts that share words closer together', () => {
    const tea = embed('how to brew green tea at home', 256);
    expect(dot(tea, embed('brew green tea', 256))).toBeGreaterThan(dot(tea, embed('parallel parking for beginners', 256)) + 0.3);
  });
});
