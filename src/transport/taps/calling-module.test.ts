import { describe, expect, it } from 'vitest';
import { callingModule, stackHere } from './calling-module.ts';

const OWN = new URL('../../', import.meta.url);

function stack(...frames: readonly string[]): string {
  return ['Error: where', ...frames.map((frame) => `    at ${frame}`)].join('\n');
}

describe('who made a call', () => {
  it.each([
    ['a package', 'post (/app/node_modules/axios/lib/http.js:10:3)', 'axios'],
    ['a scoped package', 'async ChatOpenAI._generate (file:///app/node_modules/@langchain/openai/dist/chat.js:10:3)', '@langchain/openai'],
    ['the innermost of nested packages', 'fetch (/app/node_modules/mem0ai/node_modules/openai/core.js:1:2)', 'openai'],
    ['a package in a store of pnpm', 'x (/app/node_modules/.pnpm/axios@1.2.3_debug@4/node_modules/axios/lib/http.js:1:2)', 'axios'],
    ['a package in a zip of Yarn', 'x (/app/.yarn/cache/got-npm-14.0.0-ab.zip/node_modules/got/dist/index.js:1:2)', 'got'],
    ['a package on Windows', String.raw`x (C:\app\node_modules\@scope\name\index.js:1:2)`, '@scope/name'],
    ['a file', 'ask (/home/me/agent.ts:3:4)', '/home/me/agent.ts'],
    ['a file by URL', 'ask (file:///home/me/my%20agent.ts?v=2:3:4)', '/home/me/my agent.ts'],
    ['a file by URL on Windows', 'ask (file:///C:/me/agent.ts:3:4)', 'C:/me/agent.ts'],
    ['a file whose folder has brackets', 'ask (/home/me (old)/agent.ts:3:4)', '/home/me (old)/agent.ts'],
    ['a nameless function', '/home/me/agent.ts:3:4', '/home/me/agent.ts'],
    ['a nameless asynchronous function', 'async file:///home/me/agent.ts:3:4', '/home/me/agent.ts'],
    ['a method by another name', 'Object.a [as b] (/home/me/agent.ts:3:4)', '/home/me/agent.ts'],
    ['a constructor', 'new Agent (/home/me/agent.ts:3:4)', '/home/me/agent.ts'],
    ['evaluated code', 'eval (eval at run (/home/me/agent.ts:3:4), <anonymous>:1:1)', '/home/me/agent.ts'],
    ['code evaluated by evaluated code', 'eval (eval at eval (eval at run (/home/me/agent.ts:3:4), <anonymous>:1:1), <anonymous>:1:1)', '/home/me/agent.ts'],
  ])('is told for %s', (_what, frame, module) => {
    expect(callingModule(stack(frame))).toBe(module);
  });

  it('passes over Node, undici, Assay itself and what is no file', () => {
    expect(
      callingModule(
        stack(
          `seen (${new URL('transport/taps/undici-tap.ts', OWN).href}:1:2)`,
          `seen (${new URL('transport/taps/undici-tap.ts', OWN).pathname}:1:2)`,
          'node:internal/deps/undici/undici:10:3',
          'Agent.dispatch (/app/node_modules/undici/lib/dispatcher/agent.js:1:2)',
          'new Promise (<anonymous>)',
          'async Promise.all (index 0)',
          '[eval]:1:2',
          'evalmachine.<anonymous>:1:2',
          'wasm://wasm/abc:wasm-function[3]:0x12',
          'answer (/app/node_modules/ollama/dist/index.js:1:2)',
          'main (/app/agent.ts:1:2)',
        ),
      ),
    ).toBe('ollama');
  });

  it('names whoever uses a carrier of requests, and the carrier only where nobody else is seen', () => {
    const carried = ['x (/app/node_modules/follow-redirects/index.js:1:2)', 'x (/app/node_modules/node-fetch/lib/index.js:1:2)'];
    expect(callingModule(stack(...carried, 'x (/app/node_modules/axios/lib/http.js:1:2)'))).toBe('axios');
    expect(callingModule(stack(...carried))).toBe('follow-redirects');
  });

  it.each([undefined, '', 'Error: no frames', 'not a stack at all', stack('node:internal/main/run_main_module:1:2')])('is unknown for %j', (text) => {
    expect(callingModule(text)).toBeNull();
  });

  it('is found below many frames, and leaves the depth of other errors as it was', () => {
    const usual = Error.stackTraceLimit;
    const deep = (levels: number): string => (levels === 0 ? stackHere() : deep(levels - 1));
    expect(deep(30).split('\n').length).toBeGreaterThan(30);
    expect(Error.stackTraceLimit).toBe(usual);
  });
});
