import { expect, it } from 'vitest';
import { onInterrupts } from './interrupts.ts';
import { RecordingIo } from './testing/recording-io.ts';

it('one Ctrl-C that arrives twice is one; the next press is the second', async () => {
  const io = new RecordingIo('/');
  const calls: string[] = [];
  const stop = onInterrupts(io, { first: () => calls.push('first'), second: () => calls.push('second') });
  io.signal();
  io.signal();
  await io.clock.advance(300);
  io.signal('SIGTERM');
  expect(calls).toEqual(['first']);
  await io.clock.advance(200);
  io.signal();
  expect(calls).toEqual(['first', 'second']);
  stop();
  expect(io.listening).toBe(0);
});
