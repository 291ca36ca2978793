import { describe, expect, it } from 'vitest';
import { UsageError } from '../core/index.ts';
import { parseConfig, readConfigText } from './document.ts';

function complaint(text: string): string {
  try {
    readConfigText(text, 'assay.yaml');
  } catch (error) {
    if (UsageError.isInstance(error)) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('reading a configuration', () => {
  it('fills in the defaults', () => {
    const config = readConfigText('targets: [sim:weak]\n', 'assay.yaml');
    expect(config.targets).toEqual(['sim:weak']);
    expect(config.retry).toEqual({ tries: 8, deadlineSeconds: 120 });
    expect(config.onRateLimit).toBe('continue');
    expect(config.store).toBe('sqlite:.assay/assay.db');
  });

  it('takes an empty file as the defaults', () => {
    expect(readConfigText('# nothing yet\n', 'assay.yaml')).toEqual(readConfigText('{}', 'assay.json'));
  });

  it('takes a section with nothing in it as not there', () => {
    expect(readConfigText('budgets:\n  # usd: 10\nretry:\n  tries:\n', 'assay.yaml').retry.tries).toBe(8);
  });

  it('reads JSON with lines too', () => {
    expect(() => readConfigText('{\n  "targets": ["sim:weak"],\n  "repeats": 0\n}', 'assay.json')).toThrow('assay.json:3: repeats: must be more than 0');
  });

  it.each([
    ['an unknown key', 'seed: 1\nretry:\n  trys: 3\n', 'assay.yaml:3: retry.trys: unknown key; did you mean "tries"?'],
    ['an unknown key at the top', 'target: [x]\n', 'assay.yaml:1: target: unknown key; did you mean "targets"?'],
    ['an unknown key in a named entry', 'deployments:\n  "openai/*":\n    rmp: 3\n', 'assay.yaml:3: deployments["openai/*"].rmp: unknown key; did you mean "rpm"?'],
    ['a key nobody can guess', 'retry:\n  frobnicate: 1\n', 'assay.yaml:2: retry.frobnicate: unknown key; known here: tries, deadlineSeconds'],
    ['a wrong kind', 'targets: sim:weak\n', 'assay.yaml:1: targets: must be a list'],
    ['a wrong kind in a list', 'targets:\n  - sim:weak\n  - 5\n', 'assay.yaml:3: targets[1]: must be a text'],
    ['a fraction', 'generations: 1.5\n', 'assay.yaml:1: generations: must be a whole number'],
    ['a word that is none of the allowed', 'onRateLimit: wait\n', 'assay.yaml:1: onRateLimit: must be "continue" or "stop"'],
    ['a missing key', 'providers:\n  compat:\n    local:\n      model: x\n', 'assay.yaml:3: providers.compat.local.baseUrl: is missing'],
    ['a URL that is none', 'providers:\n  openai:\n    baseUrl: api.example.com\n', 'assay.yaml:3: providers.openai.baseUrl: must be an http:// or https:// URL'],
    ['an endpoint said twice', 'providers:\n  azure:\n    endpoint: https://x.example\n    resource: x\n', 'assay.yaml:2: providers.azure: takes endpoint or resource, not both'],
    ['a bad engagement', 'engagement:\n  by: Jane\n  scope: staging\n', 'assay.yaml:1: engagement.until: is missing'],
    ['a bad quota rule', 'deployments:\n  a:\n    quota: { tokens: 5, onExhausted: pause }\n', 'assay.yaml:3: deployments.a.quota.onExhausted: must be "stop" or "wait"'],
    ['a reference that is none', 'providers:\n  openai:\n    organization: ${my org}\n', 'assay.yaml:3: providers.openai.organization: has a ${ that starts no reference; write ${NAME}'],
    ['broken YAML', 'targets: [a\nseed: 1\n', 'assay.yaml:'],
    ['a key twice', 'seed: 1\nseed: 2\n', 'assay.yaml:2: Map keys must be unique'],
  ])('names file, line and path of %s', (_what, text, said) => {
    expect(complaint(text)).toContain(said);
  });

  it('tells all problems at once', () => {
    const message = complaint('seed: x\nparallel: 0\nstreem: true\n');
    expect(message).toContain('3 problems');
    for (const each of ['assay.yaml:1: seed', 'assay.yaml:2: parallel', 'assay.yaml:3: streem']) expect(message).toContain(each);
  });

  it('accepts references and dollar signs in prose', () => {
    const config = readConfigText(
      'parameters: { system: "costs $5 or ${a b}" }\nproviders: { openai: { baseUrl: "${BASE}" } }\ndeployments: { a: { quota: { tokens: 5, onExhausted: wait } } }',
      'assay.yaml',
    );
    expect(config.providers.openai?.baseUrl).toBe('${BASE}');
    expect(config.deployments['a']?.quota?.onExhausted).toBe('wait');
    expect(config.parameters.system).toBe('costs $5 or ${a b}');
  });

  it('reads objects of modules without lines', () => {
    expect(() => parseConfig({ repeats: 'many' }, { file: 'assay.config.ts' })).toThrow('assay.config.ts: repeats: must be a number');
    expect(() => parseConfig([], { file: 'assay.config.ts' })).toThrow('assay.config.ts: the file: must be a mapping');
  });

  it('stops at aliases that multiply without end', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...'bcdefg'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdef'[i]}, `.repeat(9)}]`)].join('\n');
    expect(complaint(bomb)).toContain('Excessive alias count');
  });
});

describe('a secret written into the configuration', () => {
  const key = 'sk-proj-abcdefghijklmnop1234567890';
  it.each([
    ['a key as a header', `providers:\n  openai:\n    headers:\n      x-extra: ${key}\n`, 'assay.yaml:4: providers.openai.headers.x-extra'],
    ['any text in an authorization header', 'providers:\n  openai:\n    headers:\n      Authorization: Basic abc\n', 'assay.yaml:4: providers.openai.headers.Authorization'],
    ['a key in place of its variable', `providers:\n  openai:\n    apiKeyEnv: ${key}\n`, 'assay.yaml:3: providers.openai.apiKeyEnv'],
    ['a key under a name that is not there', `providers:\n  openai:\n    apiKey: ${key}\n`, 'assay.yaml:3: providers.openai.apiKey'],
    ['a password in an address', 'store: postgres://me:hunter22@db/assay\n', 'assay.yaml:1: store'],
  ])('is refused and not repeated: %s', (_what, text, place) => {
    const message = complaint(text);
    expect(message).toContain(`${place}: looks like a secret; write \${ENV_NAME}`);
    expect(message).not.toContain(key);
    expect(message).not.toContain('hunter22');
  });

  it('is no secret where it is a reference', () => {
    const config = readConfigText('providers:\n  openai:\n    headers: { Authorization: "Bearer ${PROXY_TOKEN}" }\nstore: "postgres://me:${PW}@db/assay"\n', 'assay.yaml');
    expect(config.providers.openai?.headers).toEqual({ Authorization: 'Bearer ${PROXY_TOKEN}' });
  });
});
