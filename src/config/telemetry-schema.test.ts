import { describe, expect, it } from 'vitest';
import { parseConfig } from './document.ts';
import { mergeFlags } from './flags.ts';

describe('telemetry', () => {
  it('says nothing by default', () => {
    expect(parseConfig({}).telemetry).toEqual({ otlp: {}, content: false });
  });

  it('is switched on by --otlp, whatever the file says, its headers kept', () => {
    const config = parseConfig({ telemetry: { enabled: false, otlp: { endpoint: 'http://one:4318', headers: { authorization: '${TOKEN}' } } } });
    expect(mergeFlags(config, { otlp: 'http://two:4318' }).telemetry).toEqual({ enabled: true, otlp: { endpoint: 'http://two:4318', headers: { authorization: '${TOKEN}' } }, content: false });
    expect(() => mergeFlags(config, { otlp: 'two:4318' })).toThrow('--otlp: must be an http:// or https:// URL');
  });

  it.each([
    [{ otlp: { headers: { authorization: 'Basic dXNlcjpwdw==' } } }, 'telemetry.otlp.headers.authorization: looks like a secret'],
    [{ otlp: { endpoint: 'http://${}' } }, 'telemetry.otlp.endpoint: has a ${ that starts no reference'],
    [{ otlp: { url: 'http://x' } }, 'telemetry.otlp.url: unknown key'],
  ])('refuses %j', (telemetry, message) => {
    expect(() => parseConfig({ telemetry })).toThrow(message);
  });
});
