import { describe, expect, it } from 'vitest';
import type { Env } from '../core/index.ts';
import { telemetrySettings, type TelemetryConfig } from './settings.ts';

const settings = (config: Partial<TelemetryConfig>, env: Env = {}): ReturnType<typeof telemetrySettings> => telemetrySettings({ otlp: {}, content: false, ...config }, env);
const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('telemetry', () => {
  it('is off by default, whatever the environment says', () => {
    expect(settings({}, COLLECTOR)).toBeUndefined();
  });

  it('is on where an endpoint is configured, and off where it is switched off all the same', () => {
    expect(settings({ otlp: { endpoint: 'http://here:4318' } })).toMatchObject({ traces: { url: 'http://here:4318/v1/traces' }, metrics: { url: 'http://here:4318/v1/metrics' }, content: false });
    expect(settings({ enabled: false, otlp: { endpoint: 'http://here:4318' } })).toBeUndefined();
    expect(settings({ otlp: { endpoint: 'http://here:4318' } }, { OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
  });

  it('takes its address from the standard variables once it is switched on', () => {
    expect(settings({ enabled: true }, COLLECTOR)?.traces?.url).toBe('http://collector:4318/v1/traces');
    expect(settings({ enabled: true })?.metrics?.url).toBe('http://localhost:4318/v1/metrics');
    expect(settings({ enabled: true }, { ...COLLECTOR, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/in' })).toMatchObject({
      traces: { url: 'https://traces.example/in' },
      metrics: { url: 'http://collector:4318/v1/metrics' },
    });
  });

  it('exports one signal alone where an address is named for that one alone, or the other is set to none', () => {
    expect(settings({ enabled: true }, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/v1/traces' })).not.toHaveProperty('metrics');
    expect(settings({ enabled: true }, { ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' })).not.toHaveProperty('traces');
  });

  it('adds the path of each signal, also to an address that has that of one', () => {
    for (const endpoint of ['https://x.example/otlp', 'https://x.example/otlp/', 'https://x.example/otlp/v1/traces']) {
      expect(settings({ otlp: { endpoint } })?.metrics?.url).toBe('https://x.example/otlp/v1/metrics');
    }
  });

  it('puts configured headers over those of the environment, references resolved', () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=env,x-tenant=a%20b', OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x-tenant=m', TOKEN: 't0ken' };
    const both = settings({ otlp: { endpoint: 'http://here', headers: { authorization: 'Bearer ${TOKEN}' } } }, env);
    expect(both?.traces?.headers).toEqual({ authorization: 'Bearer t0ken', 'x-tenant': 'a b' });
    expect(both?.metrics?.headers).toEqual({ authorization: 'Bearer t0ken', 'x-tenant': 'm' });
    expect(() => settings({ otlp: { endpoint: 'http://here', headers: { authorization: '${TOKEN}' } } })).toThrow(expect.objectContaining({ code: 'missing_key' }));
  });

  it('names the service as the environment does', () => {
    expect(settings({ enabled: true })?.resource).toEqual({ 'service.name': 'assay' });
    expect(settings({ enabled: true }, { OTEL_RESOURCE_ATTRIBUTES: 'service.name=evals,team=red' })?.resource).toEqual({ 'service.name': 'evals', team: 'red' });
    expect(settings({ enabled: true }, { OTEL_RESOURCE_ATTRIBUTES: 'service.name=evals', OTEL_SERVICE_NAME: 'nightly' })?.resource).toEqual({ 'service.name': 'nightly' });
  });

  it('never waits longer than four seconds for an export', () => {
    expect(settings({ enabled: true }, { OTEL_EXPORTER_OTLP_TIMEOUT: '60000' })?.timeoutMs).toBe(4_000);
    expect(settings({ enabled: true }, { OTEL_EXPORTER_OTLP_TIMEOUT: '700' })?.timeoutMs).toBe(700);
    expect(settings({ enabled: true }, { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' })?.timeoutMs).toBe(4_000);
  });

  it.each([
    ['an address that is none', { otlp: { endpoint: '${WHERE}' } }, { WHERE: 'collector:4318' }],
    ['a password in the address', { otlp: { endpoint: '${WHERE}' } }, { WHERE: 'http://user:hunter22@collector' }],
    ['gRPC, which is not spoken', { enabled: true }, { ...COLLECTOR, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ])('refuses %s, without repeating it', (_what, config, env) => {
    expect(() => settings(config, env)).toThrow(expect.objectContaining({ code: 'config', message: expect.not.stringMatching(/hunter22|collector:4318/) as string }));
  });
});
