import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startSimulator, type Simulator, type SimulatorOptions } from '../simulator/index.ts';
import { openRig, type Rig } from '../transport/testing/rig.ts';
import { answer, completion, event, serve, stream as streamed, USAGE } from '../transport/testing/server.ts';
import type { GenerateRequest, Target } from './contract.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { open } from './testing/open.ts';

/** Every provider, with what makes it speak to the simulator at `url`. */
const PROVIDERS: readonly (readonly [name: string, spec: (model: string, url: string) => string, settings: (url: string) => ProviderSettings])[] = [
  ['openai chat', (model) => `openai:${model}`, (url) => ({ openai: { baseUrl: `${url}/v1` } })],
  ['openai responses', (model) => `openai:${model}`, (url) => ({ openai: { baseUrl: `${url}/v1`, api: 'responses' } })],
  ['azure', (model) => `azure:${model}`, (url) => ({ azure: { endpoint: url } })],
  ['anthropic', (model) => `anthropic:${model}`, (url) => ({ anthropic: { baseUrl: url } })],
  ['compat', (model, url) => `compat:${url}/v1#${model}`, () => ({})],
  ['sim', (model) => `sim:${model}`, () => ({})],
];
const WAYS = PROVIDERS.flatMap(([name]) => [
  [name, false],
  [name, true],
] as const);

const KEYS = { OPENAI_API_KEY: 'the-key', AZURE_OPENAI_API_KEY: 'the-key', ANTHROPIC_API_KEY: 'the-key', THE_KEY: 'the-key' };

interface Scene {
  readonly target: Target;
  readonly simulator: Simulator;
  readonly rig: Rig;
}

async function scene<T>(provider: string, model: string, options: SimulatorOptions, play: (scene: Scene) => Promise<T>): Promise<T> {
  const [, spec, settings] = PROVIDERS.find(([name]) => name === provider)!;
  await using simulator = await startSimulator(options);
  await using rig = await openRig();
  const target = await open(spec(model, simulator.url), rig, { settings: settings(simulator.url), env: KEYS, simulator: simulator.url, ...(provider === 'compat' ? { apiKeyEnv: 'THE_KEY' } : {}) });
  return await play({ target, simulator, rig });
}

const say = (content: string, part: Partial<GenerateRequest> = {}): GenerateRequest => ({ messages: [{ role: 'user', content }], ...part });
const TOOLS = [{ name: 'look_up', description: 'Looks a word up', parameters: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] } }];

describe.each(WAYS)('%s, streamed: %s', (provider, stream) => {
  const keyed = provider === 'sim' ? {} : { apiKeys: ['the-key'] };

  it('is let in by its key, and billed what the simulator counted', () =>
    scene(provider, 'weak', { ...keyed, cache: 'hash', cacheMinTokens: 16, cacheFraction: 1, profiles: { weak: { behaviour: 'weak', reasoning: { min: 5, max: 20 } } } }, async ({ target, simulator, rig }) => {
      const [output] = await target.generate(say(`Tell me about tea, and then some more. ${'Tea is a drink. '.repeat(20)}`, { stream, maxOutputTokens: 300 }));
      expect(output).toMatchObject({ blocked: false, model: 'weak', finishReason: 'stop' });
      expect(output?.text.length).toBeGreaterThan(10);
      const [served] = simulator.log();
      const { settlement, intent } = await rig.row();
      expect(settlement).toMatchObject({ status: 'ok', requestId: served?.request_id, usage: { source: 'reported', cacheRead: served?.cached_tokens } });
      const { inputFresh = 0, cacheRead = 0, cacheWrite = 0, outputText = 0, reasoning } = settlement!.usage;
      expect(inputFresh + cacheRead + cacheWrite).toBe(served?.prompt_tokens);
      expect(outputText + (reasoning ?? 0)).toBe(served?.completion_tokens);
      expect(served?.cached_tokens).toBeGreaterThan(0);
      // Anthropic thinks only where it is asked to, and does not count thinking apart.
      expect(reasoning ?? 0).toBe(provider === 'anthropic' ? 0 : served?.reasoning_tokens);
      expect(intent).toMatchObject({ stream, simulated: provider === 'sim', modelAsked: 'weak' });
    }));

  it('brings tool calls back with id, name and raw arguments', () =>
    scene(provider, 'weak', {}, async ({ target }) => {
      const [output] = await target.generate(say('Tell me about tea', { stream, tools: TOOLS, toolChoice: 'required', maxOutputTokens: 300 }));
      expect(output?.finishReason).toBe('tool_calls');
      expect(output?.toolCalls).toHaveLength(1);
      const [call] = output!.toolCalls!;
      expect(call?.name).toBe('look_up');
      expect(call?.id).toMatch(/^(?:call|toolu)_/);
      expect(JSON.parse(call!.argumentsText)).toEqual({ word: expect.any(String) });
    }));

  it('gives a block by a content filter as an output, not as an error', () =>
    scene(provider, 'weak', { faults: { contentFilter: 1 } }, async ({ target, rig }) => {
      const [output, ...others] = await target.generate(say('Tell me about tea', { stream }));
      expect(others).toEqual([]);
      expect(output).toMatchObject({ blocked: true, finishReason: 'content_filter', blockReason: expect.any(String) });
      expect(await rig.statuses()).toEqual(['blocked']);
      expect(output?.callId).toBe((await rig.row()).intent.id);
    }));

  it('says that an answer was cut off at its longest', () =>
    scene(provider, 'weak', {}, async ({ target }) => {
      expect(await target.generate(say('Tell me about tea', { stream, maxOutputTokens: 16 }))).toMatchObject([{ finishReason: 'length', blocked: false }]);
    }));

  it('stops at a stop sequence, and gets over faults', () =>
    scene(provider, 'echo', { seed: 2, faults: { error500: 0.3, malformed: 0.1, cut: 0.1 } }, async ({ target, simulator, rig }) => {
      // The responses API takes no stop sequences.
      const text = provider === 'openai responses' ? 'one two END three' : 'one two ';
      for (let i = 0; i < 5; i++) expect(await target.generate({ messages: [{ role: 'system', content: `s${i}` }, { role: 'user', content: 'one two END three' }], stop: ['END'], stream })).toMatchObject([{ text }]);
      const rows = await rig.rows();
      expect(rows).toHaveLength(simulator.stats().requests.received);
      expect(rows.filter((row) => row.settlement?.status === 'ok')).toHaveLength(5);
    }));
});

describe('reasoning', () => {
  it.each([false, true])('comes back as text where a provider shows it (streamed: %s)', async (stream) => {
    const message = { role: 'assistant', content: 'four', reasoning_content: 'two and two' };
    const usage = { ...USAGE, completion_tokens_details: { reasoning_tokens: 3 } };
    const delta = (part: object, finish: string | null = null): string => event({ object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: part, finish_reason: finish }] });
    await using server = await serve(
      stream
        ? streamed([delta({ reasoning_content: 'two ' }), delta({ reasoning_content: 'and two' }), delta({ content: 'four' }), delta({}, 'stop'), event({ object: 'chat.completion.chunk', choices: [], usage }), event('[DONE]')])
        : answer(200, completion('', { choices: [{ index: 0, message, finish_reason: 'stop' }], usage })),
    );
    await using rig = await openRig();
    const target = await open(`compat:${server.url}/v1#m`, rig);
    expect(await target.generate(say('2 + 2', { stream }))).toMatchObject([{ text: 'four', reasoning: 'two and two' }]);
    expect((await rig.row()).settlement?.usage).toMatchObject({ outputText: 2, reasoning: 3 });
  });
});

describe('arguments of a tool call that are not JSON', () => {
  it('come back as the model wrote them', async () => {
    const message = { role: 'assistant', content: null, tool_calls: [{ id: 'call_9', type: 'function', function: { name: 'look_up', arguments: '{"word": "te' } }] };
    await using server = await serve(answer(200, completion('', { choices: [{ index: 0, message, finish_reason: 'tool_calls' }] })));
    await using rig = await openRig();
    const target = await open(`compat:${server.url}/v1#m`, rig);
    expect(await target.generate(say('tea', { tools: TOOLS }))).toMatchObject([{ toolCalls: [{ id: 'call_9', name: 'look_up', argumentsText: '{"word": "te' }] }]);
    expect(await rig.statuses()).toEqual(['ok']);
  });
});

describe('an aborted request', () => {
  it.each(PROVIDERS.map(([name]) => name))('is cancelled as such through %s, and leaves nothing listening', (provider) =>
    scene(provider, 'weak', { faults: { timeout: 1 } }, async ({ target, simulator, rig }) => {
      const abort = new AbortController();
      const pending = Promise.all([false, true].map((stream) => target.generate(say('Tell me about tea', { stream, signal: abort.signal })).catch((error: unknown) => error)));
      await expect.poll(() => simulator.stats().requests.hung).toBe(2);
      abort.abort(new Error('enough'));
      expect(await pending).toMatchObject([{ code: 'cancelled' }, { code: 'cancelled' }]);
      expect(await rig.statuses()).toEqual(['aborted', 'aborted']);
      expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    }));
});
