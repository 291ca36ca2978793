import { describe, expect, it } from 'vitest';
import { readConfigText } from './document.ts';
import { collectSecrets } from './secrets.ts';

const none = readConfigText('{}', 'assay.yaml');

function values(text: string, env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(collectSecrets(readConfigText(text, 'assay.yaml'), env).map(({ name, value }) => [value, name]));
}

describe('the secrets that Assay was given', () => {
  it('are the keys of known variables, named by them', () => {
    const env = { OPENAI_API_KEY: 'key-openai', AZURE_API_KEY: 'key-azure', ANTHROPIC_AUTH_TOKEN: 'key-anthropic', MY_OWN_API_KEY: 'key-mine', PATH: '/usr/bin', HOME: '/root' };
    expect(collectSecrets(none, env).map(({ name, value }) => `${name}=${value}`).toSorted()).toEqual([
      'ANTHROPIC_AUTH_TOKEN=key-anthropic',
      'AZURE_API_KEY=key-azure',
      'MY_OWN_API_KEY=key-mine',
      'OPENAI_API_KEY=key-openai',
    ]);
  });

  it('are the keys of variables that the configuration names', () => {
    const text = 'apiKeyEnv: INLINE\nproviders:\n  openai: { apiKeyEnv: WORK }\n  compat:\n    local: { baseUrl: "http://x/v1", apiKeyEnv: LOCAL }\n';
    expect(values(text, { WORK: 'key-work', LOCAL: 'key-local', INLINE: 'key-inline', OTHER: 'not-a-key' })).toEqual({
      'key-work': 'WORK',
      'key-local': 'LOCAL',
      'key-inline': 'INLINE',
    });
  });

  it('are the values of secret headers, whatever their variable is called', () => {
    const text = 'providers:\n  compat:\n    gw: { baseUrl: "http://x/v1", headers: { Authorization: "Bearer ${ZEBRA}", x-team: "${TEAM}" } }\n';
    expect(values(text, { ZEBRA: 'zebra-value', TEAM: 'red-team' })).toEqual({ 'zebra-value': 'providers.compat.gw.headers.Authorization (ZEBRA)' });
  });

  it('are the credentials that telemetry is exported with', () => {
    const env = { ZEBRA: 'zebra-value', TEAM: 'red-team', OTEL_EXPORTER_OTLP_HEADERS: 'x-scope=public,api-key=otlp%2Dkey-1' };
    expect(values('telemetry: { otlp: { headers: { authorization: "Basic ${ZEBRA}", x-team: "${TEAM}" } } }', env)).toEqual({
      'zebra-value': 'telemetry.otlp.headers.authorization (ZEBRA)',
      'otlp-key-1': 'OTEL_EXPORTER_OTLP_HEADERS (api-key)',
    });
  });

  it('are values referred to under a telling name, and passwords in addresses', () => {
    expect(values('store: "postgres://me:${DB_PASSWORD}@db/assay"', { DB_PASSWORD: 'hunter22', ASSAY_DB: 'postgres://u:p%40ssword@db/x' })).toEqual({
      hunter22: 'DB_PASSWORD',
      'p%40ssword': 'password in ASSAY_DB',
      'p@ssword': 'password in ASSAY_DB',
    });
  });

  it('are never so short that ordinary text would go', () => {
    expect(collectSecrets(none, { OPENAI_API_KEY: 'none', ANTHROPIC_API_KEY: '' })).toEqual([]);
  });

  it('come longest first', () => {
    const env = { A_API_KEY: 'abcdef', B_API_KEY: 'abcdef-and-more' };
    expect(collectSecrets(none, env).map(({ value }) => value)).toEqual(['abcdef-and-more', 'abcdef']);
  });
});
