import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './redaction.ts';

const KEY = 'pk/live+0123"456 789=';

describe('known secrets', () => {
  const redact = createRedactor([{ name: 'API_KEY', value: KEY }, 'longer-secret-words', 'secret-words']);

  it.each([
    ['as it is', KEY],
    ['URL-encoded', encodeURIComponent(KEY)],
    ['URL-encoded in lower case', encodeURIComponent(KEY).replaceAll(/%../g, (code) => code.toLowerCase())],
    ['form-encoded', encodeURIComponent(KEY).replaceAll('%20', '+')],
    ['in base64', Buffer.from(KEY).toString('base64')],
    ['in base64url', Buffer.from(KEY).toString('base64url')],
    ['escaped in JSON', JSON.stringify(KEY).slice(1, -1)],
    ['escaped in JSON within JSON', JSON.stringify(JSON.stringify(KEY).slice(1, -1)).slice(1, -1)],
  ])('go %s', (_form, text) => {
    expect(redact.content(`before ${text} after`)).toMatch(/^before \[redacted:API_KEY\]=* after$/);
    expect(redact.hasSecret(text)).toBe(true);
  });

  it('go by the name they came with, the longest first', () => {
    expect(redact.content('a longer-secret-words b secret-words')).toBe('a [redacted:secret] b [redacted:secret]');
  });

  it('leave other text as it is, the very same string', () => {
    const text = 'nothing to see, sk-proj-abcdefghij0123456789 stays';
    expect(redact.content(text)).toBe(text);
  });

  it('under six characters are too short to look for', () => {
    expect(createRedactor(['short', '']).content('a short text')).toBe('a short text');
  });

  it('can be made known later', () => {
    const later = createRedactor();
    expect(later.content('abcdef-1')).toBe('abcdef-1');
    later.add({ name: 'x-header name', value: ' abcdef-1 ' });
    expect(later.content('abcdef-1')).toBe('[redacted:x-header_name]');
  });

  it('go from strings and names anywhere in JSON, and never break a number', () => {
    const digits = createRedactor(['123456']);
    const value = { '123456': ['x123456', { at: 1_123_456_789, same: 123_456 }], other: null };
    expect(digits.contentOf(value)).toEqual({ '[redacted:secret]': ['x[redacted:secret]', { at: 1_123_456_789, same: 123_456 }], other: null });
    const clean = { a: [1, { b: 'c' }] };
    expect(digits.contentOf(clean)).toBe(clean);
  });

  it('are found whatever stands round them', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }).filter((secret) => secret.trim().length >= 6 && secret.isWellFormed()), fc.string(), fc.string(), (secret, before, after) => {
        const clean = createRedactor([{ name: 'N', value: secret }]).content(JSON.stringify({ text: before + secret + after }));
        expect(clean).toContain('[redacted:N]');
      }),
    );
  });
});

describe('value patterns', () => {
  const redact = createRedactor();
  const secrets: readonly (readonly [what: string, text: string, clean: string])[] = [
    ['an OpenAI key', 'key sk-proj-Abc_def-1234567890ABCDEF!', 'key [redacted:api-key]!'],
    ['an Anthropic key', 'sk-ant-api03-AAAAbbbb1111', '[redacted:api-key]'],
    ['a Stripe key', 'sk_live_abcdefghij0123456789', '[redacted:api-key]'],
    ['a Hugging Face token', 'hf_abcdefghijklmnopqrstuvwxyzABCDEFGH', '[redacted:api-key]'],
    ['a Google key', `AIza${'a'.repeat(35)}`, '[redacted:google-key]'],
    ['an AWS key id', 'id=AKIAIOSFODNN7EXAMPLE,', 'id=[redacted:aws-key],'],
    ['a GitHub token', `ghp_${'a1'.repeat(18)}`, '[redacted:github-token]'],
    ['a GitLab token', 'glpat-abcdefghij0123456789', '[redacted:gitlab-token]'],
    ['a Slack token', 'xoxb-1234567890-abcdef', '[redacted:slack-token]'],
    ['a JSON web token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', '[redacted:jwt]'],
    ['a bearer header', 'Authorization: Bearer abc123.def456-ghi', 'Authorization: Bearer [redacted:credentials]'],
    ['a basic header', 'Basic dXNlcjpwYXNz', 'Basic [redacted:credentials]'],
    ['a password in a URL', 'postgres://me:pa55@db:5432/x', 'postgres://me:[redacted:password]@db:5432/x'],
    ['a key in a query', 'GET /v1?key=abcdefgh&x=1', 'GET /v1?key=[redacted:parameter]&x=1'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY----- end', '[redacted:private-key] end'],
  ];

  it.each(secrets)('take %s out of an error', (_what, text, clean) => {
    expect(redact.metadata(text)).toBe(clean);
  });

  it.each(secrets)('leave %s in what a model said', (_what, text) => {
    expect(redact.content(text)).toBe(text);
    expect(redact.contentOf({ outputs: [text] })).toEqual({ outputs: [text] });
  });

  it.each([
    'Bearer authentication is required',
    'Basic Authentication failed',
    'use sk-learn-something-or-other here',
    'http://127.0.0.1:8080/v1?model=gpt-4',
    'see https://example.com/a:b@c',
    'task-1234567890 failed with risk-assessment-2024-final',
  ])('leave ordinary words alone: %s', (text) => {
    expect(redact.metadata(text)).toBe(text);
  });

  it('hide what stands under a credential name in a config, but not a reference to the environment', () => {
    const config = {
      headers: { Authorization: 'Token xyz', 'x-api-key': ['abc'], accept: 'json' },
      api_key: '${OPENAI_API_KEY}',
      password: '',
      secret: 'the blue falcon',
      apiKeyEnv: 'OPENAI_API_KEY',
      limits: { rpm: 5 },
    };
    expect(redact.metadataOf(config)).toEqual({
      ...config,
      headers: { Authorization: '[redacted:credential]', 'x-api-key': ['[redacted:credential]'], accept: 'json' },
    });
  });

  it('change nothing when applied again', () => {
    for (const [, text] of secrets) expect(redact.metadata(redact.metadata(text))).toBe(redact.metadata(text));
  });

  it('stay quick on long hostile text', () => {
    const hostile = ['sk-'.repeat(20_000), 'Bearer '.repeat(10_000), 'a'.repeat(60_000), '://'.repeat(20_000), 'eyJaaaaaaaa.'.repeat(5_000), '-----BEGIN PRIVATE KEY-----'.repeat(200)];
    const startedAt = performance.now();
    for (const text of hostile) redact.metadata(text);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
