import { stripVTControlCharacters } from 'node:util';
import { createLogUpdate } from 'log-update';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../core/index.ts';
import { Progress, openProgress } from './progress.ts';
import { blockLines, plainLine } from './progress-lines.ts';
import type { ProgressState } from './progress-state.ts';
import { RecordingStream } from './testing/recording-io.ts';

const clock0 = new VirtualClock().now();

function state(overrides: Partial<ProgressState> = {}): ProgressState {
  return {
    label: 'probes.encoding → openai:x',
    planned: 200,
    finished: 50,
    errors: 0,
    verdicts: 50,
    inFlight: 4,
    startedAt: clock0,
    tokens: 12_345,
    promptTokens: 10_000,
    completionTokens: 2_345,
    costUsd: 0.1234,
    unpriced: 0,
    waitedMs: 0,
    waiting: 0,
    pausedUntil: null,
    rate: 5,
    ...overrides,
  };
}

const asIs = (text: string): string => text;
const options = { now: clock0, width: 100, dim: asIs, bold: asIs, warn: asIs };

describe('the plain line', () => {
  it('says goals, pace, tokens, cost', () => {
    expect(plainLine(state(), clock0)).toBe('probes.encoding → openai:x: 50/200 goals, 5.0/s, about 30.0 s left, 12.3k tokens (10.0k in, 2,345 out), cost $0.123');
  });

  it('says what it does not know as such', () => {
    const line = plainLine(state({ planned: null, rate: null, costUsd: null }), clock0);
    expect(line).toContain('50 goals, planning');
    expect(line).toContain('cost unknown');
    expect(line).not.toContain('left');
  });

  it('marks a cost that leaves calls out, and simulated figures', () => {
    const line = plainLine(state({ unpriced: 3, simulated: true }), clock0);
    expect(line).toContain('cost ≥ $0.123');
    expect(line).toContain('openai:x (simulated)');
  });

  it('tells of errors, waits, pauses and budgets', () => {
    expect(plainLine(state({ errors: 1 }), clock0)).toContain('1 error,');
    expect(plainLine(state({ waiting: 12, waitedMs: 65_000 }), clock0)).toContain('waited 1m 05s, 12 calls waiting for their limit');
    expect(plainLine(state({ waiting: 2, pausedUntil: clock0 + 2_500 }), clock0)).toContain('paused by the provider for 2.5 s more, 2 calls waiting');
    expect(plainLine(state({ pausedUntil: clock0 - 1 }), clock0)).not.toContain('paused');
    expect(plainLine(state({ budget: [{ name: 'usd', used: 1, limit: 5 }, { name: 'calls', used: 10, limit: 20_000 }] }), clock0)).toContain('$1.00 of $5.00, 10 of 20.0k calls');
  });
});

describe('the live block', () => {
  it('has a bar that is as full as the run', () => {
    const bar = (finished: number): string => /[█░]+/.exec(blockLines(state({ finished }), options)[1] ?? '')?.[0] ?? '';
    expect(bar(0)).toMatch(/^░+$/);
    expect(bar(200)).toMatch(/^█+$/);
    expect(bar(100).match(/█/g)).toHaveLength(bar(100).length / 2);
  });

  it('has no bar while planning goes on, and a full one for nothing to do', () => {
    expect(blockLines(state({ planned: null }), options).join('\n')).not.toMatch(/[█░]/);
    expect(blockLines(state({ planned: 0, finished: 0 }), options)[1]).toContain('100.0 %');
  });

  it('has a line a deployment, the busiest first, and counts the rest', () => {
    const deployments = Array.from({ length: 9 }, (_, i) => ({
      deployment: `p/a/m${i}`,
      utilization: i === 8 ? 0.5 : null,
      waiting: i,
      in_flight: 1,
      quota_percentage: i === 8 ? 81.25 : null,
      cumulative_tokens: 0,
      limited_count: i === 8 ? 2 : 0,
      projected_exhaustion: null,
      concurrency: 4,
      paused_until: null,
    }));
    const lines = blockLines(state({ deployments }), options);
    expect(lines).toContain('  p/a/m8: 1 in flight of 4, 8 waiting, 50.0 % of limit, quota 81.3 %, 2 × 429');
    expect(lines.at(-1)).toBe('  and 3 more deployments');
  });
});

describe('progress away from a terminal', () => {
  it('writes a line now and then, and none twice', async () => {
    const clock = new VirtualClock();
    const stream = new RecordingStream();
    let finished = 0;
    const progress = new Progress({ clock, stream, state: () => state({ finished }) });
    progress.start();
    await clock.advance(4_900);
    expect(stream.writes).toBe(1);
    finished = 10;
    await clock.advance(100);
    await clock.advance(20_000);
    expect(stream.writes).toBe(2);
    finished = 200;
    progress.stop();
    expect(stream.text.trimEnd().split('\n').map((line) => /\d+\/200/.exec(line)?.[0])).toEqual(['0/200', '10/200', '200/200']);
    expect(clock.pending).toBe(0);
  });

  it('announces at once, also when quiet', async () => {
    const stream = new RecordingStream();
    const progress = new Progress({ clock: new VirtualClock(), stream, state, quiet: true });
    progress.start();
    progress.announce('quota at 95 %');
    progress.stop();
    expect(stream.text).toBe('quota at 95 %\n');
  });

  it('writes nothing after its end', async () => {
    const clock = new VirtualClock();
    const stream = new RecordingStream();
    const progress = new Progress({ clock, stream, state });
    progress.start();
    progress.stop();
    const written = stream.text;
    progress.stop();
    await clock.advance(60_000);
    expect(stream.text).toBe(written);
  });

  it.each([
    ['a pipe', false, {}, undefined],
    ['a dumb terminal', true, { TERM: 'dumb' }, 80],
    ['a build server', true, { CI: 'true' }, 80],
    ['a terminal without a size', true, {}, 0],
  ])('is plain for %s', async (_what, isTTY, env, columns) => {
    const stream = new RecordingStream();
    stream.isTTY = isTTY;
    stream.columns = columns;
    const progress = await openProgress({ clock: new VirtualClock(), stream, state, env });
    progress.start();
    progress.stop();
    expect(stream.text).not.toContain('\u001B');
    expect(stream.text).toContain('50/200 goals');
  });
});

describe('progress on a terminal', () => {
  /** What a terminal of this width shows in the end: only what log-update itself writes is understood. */
  async function shown(use: (progress: Progress, clock: VirtualClock) => Promise<void>): Promise<RecordingStream> {
    const clock = new VirtualClock();
    const stream = new RecordingStream();
    stream.isTTY = true;
    stream.columns = 60;
    const live = createLogUpdate(stream as unknown as NodeJS.WriteStream, { showCursor: true });
    await use(new Progress({ clock, stream, state, live }), clock);
    return stream;
  }

  it('keeps announced lines above the block and the end state below them', async () => {
    const stream = await shown(async (progress, clock) => {
      progress.start();
      await clock.advance(300);
      progress.announce('quota at 95 %');
      await clock.advance(300);
      progress.stop();
      expect(clock.pending).toBe(0);
    });
    const text = stripVTControlCharacters(stream.text);
    expect(text).toContain('quota at 95 %\n');
    expect(text.lastIndexOf('50/200 goals')).toBeGreaterThan(text.indexOf('quota at 95 %'));
  });

  it('never writes a line wider than the terminal', async () => {
    const stream = await shown(async (progress) => {
      progress.start();
      progress.stop();
    });
    const widths = stripVTControlCharacters(stream.text).split('\n').map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThan(60);
    expect(stream.text).toContain('…');
  });
});
