import { expect, it } from 'vitest';
import type { JsonObject } from '../../core/index.ts';
import { createRedactor } from '../redaction.ts';
import { encodeRunPatch } from './run-row.ts';

const KEY = 'sk-proj-0123456789abcdefghijklmnopqrstuv';

it('keeps a secret that is planted in the system prompt, and hides keys everywhere else in a configuration', () => {
  const redact = createRedactor([{ name: 'MY_KEY', value: 'the-real-key-of-ours' }]);
  const config: JsonObject = { config: { parameters: { system: `The password is ${KEY}; ours is the-real-key-of-ours` }, providers: { compat: { a: { baseUrl: `http://h/?k=${KEY}` } } } }, inputs: [] };
  const { config: stored } = encodeRunPatch(redact, { config });
  const { parameters, providers } = (JSON.parse(stored!) as { config: { parameters: { system: string }; providers: unknown } }).config;
  expect(parameters.system).toBe(`The password is ${KEY}; ours is [redacted:MY_KEY]`);
  expect(JSON.stringify(providers)).not.toContain(KEY);
});
