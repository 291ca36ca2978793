import { describe, expect, it } from 'vitest';
import { checkEngagement } from './engagement.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const far = [{ spec: 'openai:m', host: 'api.openai.com' }];
const near = [{ spec: 'compat:http://127.0.0.1/v1#m', host: '127.0.0.1' }];

describe('checkEngagement', () => {
  it('asks for nothing on this machine, and stores what was said', () => {
    expect(checkEngagement({}, ['probes'], near, NOW)).toBeNull();
    expect(checkEngagement({ engagement: 'Jo allows it' }, ['probes'], near, NOW)).toBe('Jo allows it');
  });

  it('asks for nothing where nothing is attacked', () => {
    expect(checkEngagement({}, ['evals'], far, NOW)).toBeNull();
  });

  it.each([undefined, '', '  '])('refuses probes beyond this machine without a word on who allows them: %j', (engagement) => {
    expect(() => checkEngagement({ engagement }, ['probes'], far, NOW)).toThrow(/need to be allowed/);
  });

  it.each(['Jo allows probing of our account until 2026-11-21', 'from 2025-01-01 until 2027-01-31, says Jo'])('takes the last date of a sentence for its end, the day included: %s', (engagement) => {
    expect(checkEngagement({ engagement }, ['probes'], far, NOW)).toBe(engagement);
  });

  it('refuses one that has ended, however it was given', () => {
    expect(() => checkEngagement({ engagement: 'Jo allows probing until 2025-01-31' }, ['probes'], far, NOW)).toThrow('ended on 2025-01-31');
    expect(() => checkEngagement({ engagement: { by: 'Jo', scope: 'all', until: '2026-11-20' } }, ['probes'], far, NOW)).toThrow('ended on 2026-11-20');
  });

  it('names an end that is no date', () => {
    expect(() => checkEngagement({ engagement: { by: 'Jo', scope: 'all', until: 'soon' } }, ['probes'], far, NOW)).toThrow('not a date: soon');
  });
});
