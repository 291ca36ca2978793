import { describe, expect, it } from 'vitest';
import type { Upstream, UpstreamKind } from './contract.ts';
import { routeOf } from './route.ts';
import { UpstreamTable } from './upstream-table.ts';

const OWN: readonly Upstream[] = [
  { name: 'openai', kind: 'openai', url: 'https://api.openai.com/v1' },
  { name: 'azure', kind: 'azure', url: 'https://res.openai.azure.com' },
  { name: 'anthropic', kind: 'anthropic', url: 'https://api.anthropic.com' },
  { name: 'gemini', kind: 'gemini', url: 'https://generativelanguage.googleapis.com' },
  { name: 'ollama', kind: 'ollama', url: 'http://127.0.0.1:11434' },
  { name: 'openrouter', kind: 'openrouter', url: 'https://openrouter.ai/api/v1' },
  { name: 'lab', kind: 'openai', url: 'http://lab.example:8000/models/llama/v1/' },
  { name: 'plain', kind: 'openai', url: 'https://api.perplexity.ai' },
];
const table = new UpstreamTable(OWN);

function goesTo(target: string, anthropic = false): string {
  const route = routeOf(target, anthropic, table);
  if (route.to !== 'upstream') return route.to === 'nowhere' ? `nowhere: ${route.reason}` : route.to;
  return route.mount.origin + route.path;
}

describe('where a request goes', () => {
  it.each([
    ['/u/anthropic/messages', 'https://api.anthropic.com/v1/messages'],
    ['/u/anthropic/messages/count_tokens?beta=true', 'https://api.anthropic.com/v1/messages/count_tokens?beta=true'],
    ['/u/anthropic/v1/messages', 'https://api.anthropic.com/v1/messages'],
    ['/u/anthropic/messagesque', 'https://api.anthropic.com/messagesque'],
    ['/u/gemini/models/g:generateContent', 'https://generativelanguage.googleapis.com/v1beta/models/g:generateContent'],
    ['/u/lab/messages', 'http://lab.example:8000/models/llama/messages'],
  ])('%s is %s: clients differ in whether the version stands in their base URL', (target, url) => expect(goesTo(target)).toBe(url));

  it.each([
    ['/v1/chat/completions', 'https://api.openai.com/v1/chat/completions'],
    ['/v1/completions', 'https://api.openai.com/v1/completions'],
    ['/v1/responses/resp_1?include[]=x', 'https://api.openai.com/v1/responses/resp_1?include[]=x'],
    ['/v1/embeddings', 'https://api.openai.com/v1/embeddings'],
    ['/v1/models', 'https://api.openai.com/v1/models'],
    ['/v1/models/gpt-4.1', 'https://api.openai.com/v1/models/gpt-4.1'],
    ['/v1/messages', 'https://api.anthropic.com/v1/messages'],
    ['/v1/messages?beta=true', 'https://api.anthropic.com/v1/messages?beta=true'],
    ['/v1/messages/count_tokens', 'https://api.anthropic.com/v1/messages/count_tokens'],
    ['/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21', 'https://res.openai.azure.com/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21'],
    ['/openai/v1/responses', 'https://res.openai.azure.com/openai/v1/responses'],
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent'],
    ['/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse', 'https://generativelanguage.googleapis.com/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
    ['/upload/v1beta/files', 'https://generativelanguage.googleapis.com/upload/v1beta/files'],
    ['/api/chat', 'http://127.0.0.1:11434/api/chat'],
    ['/api/tags', 'http://127.0.0.1:11434/api/tags'],
    ['/api/v1/chat/completions', 'https://openrouter.ai/api/v1/chat/completions'],
  ])("a provider's own path needs no mount: %s", (target, url) => {
    expect(goesTo(target)).toBe(url);
    expect(goesTo(`/s/some-token${target}`)).toBe(url);
  });

  it("takes the paths that Anthropic shares with OpenAI for Anthropic's where its headers come along", () => {
    expect(goesTo('/v1/models', true)).toBe('https://api.anthropic.com/v1/models');
  });

  it.each([
    ['/u/openai/v1/chat/completions', 'https://api.openai.com/v1/chat/completions'],
    ['/u/anthropic/v1/messages', 'https://api.anthropic.com/v1/messages'],
    ['/u/lab/v1/chat/completions', 'http://lab.example:8000/models/llama/v1/chat/completions'],
    ['/u/plain/chat/completions', 'https://api.perplexity.ai/chat/completions'],
    ['/u/ollama/v1/chat/completions', 'http://127.0.0.1:11434/v1/chat/completions'],
    ['/u/ollama', 'http://127.0.0.1:11434/'],
    ['/u/ollama/', 'http://127.0.0.1:11434/'],
    ['/u/openai?x=1', 'https://api.openai.com/?x=1'],
    ['/u/openai/v1/files/a%2Fb%20c?x=%26&y', 'https://api.openai.com/v1/files/a%2Fb%20c?x=%26&y'],
  ])('a mount stands for the base of its upstream: %s', (target, url) => {
    expect(goesTo(target)).toBe(url);
    expect(goesTo(`/s/some-token${target}`)).toBe(url);
  });

  it('sends the own paths of a provider whose URL has no version to where its URL points', () => {
    const other = new UpstreamTable([{ name: 'openai', kind: 'openai', url: 'https://host.example/inference' }]);
    const route = routeOf('/v1/chat/completions', false, other);
    expect(route).toMatchObject({ to: 'upstream', path: '/inference/chat/completions' });
  });

  it.each(['/s/abc', '/s/abc/', '/s/abc/scopes', '/s/abc/usage?pretty', '/s/abc/score'])('knows the addresses of a scope: %s', (target) => {
    expect(routeOf(target, false, table)).toMatchObject({ to: 'scope', token: 'abc' });
  });

  it.each([
    ['/', 'no provider has this path'],
    ['/favicon.ico', 'no provider has this path'],
    ['/u/nobody/v1/chat/completions', 'no upstream is named nobody'],
    ['http://other.example/v1/chat/completions', 'this is a gateway, not a proxy'],
    ['/u/lab/../secret', 'the path has dot segments'],
    ['/u/lab/v1/%2e%2E/secret', 'the path has dot segments'],
    ['/v1/./models', 'the path has dot segments'],
    ['/u/lab/v1/..', 'the path has dot segments'],
  ])('goes nowhere with %s', (target, reason) => {
    expect(goesTo(target)).toContain(`nowhere: ${reason}`);
  });

  it('takes dots within names for what they are', () => {
    expect(goesTo('/openai/deployments/gpt-4.1..x/chat/completions')).toBe('https://res.openai.azure.com/openai/deployments/gpt-4.1..x/chat/completions');
    expect(goesTo('/v1/models/a?path=/../b')).toBe('https://api.openai.com/v1/models/a?path=/../b');
  });

  it('serves own paths by the upstream that has the name of its kind alone', () => {
    const named = (name: string): UpstreamTable => new UpstreamTable([{ name, kind: 'openai', url: 'http://x.example/v1' }]);
    expect(routeOf('/v1/embeddings', false, named('openai')).to).toBe('upstream');
    expect(routeOf('/v1/embeddings', false, named('mine'))).toMatchObject({ to: 'nowhere', kind: 'openai' });
  });
});

describe('the upstreams of a gateway', () => {
  it.each([
    ['openai', '/u/openai/v1'],
    ['anthropic', '/u/anthropic'],
    ['azure', '/u/azure'],
    ['gemini', '/u/gemini'],
    ['ollama', '/u/ollama'],
    ['openrouter', '/u/openrouter/api/v1'],
    ['lab', '/u/lab/v1'],
    ['plain', '/u/plain'],
  ])('give %s the base path %s', (name, path) => {
    expect(table.basePath(name)).toBe(path);
  });

  it.each<[UpstreamKind, string, string]>([
    ['anthropic', 'https://api.anthropic.com/v1', ''],
    ['gemini', 'https://generativelanguage.googleapis.com/v1beta/', ''],
    ['azure', 'https://res.openai.azure.com/openai/v1/', ''],
    ['ollama', 'http://host/ollama/api', '/ollama'],
  ])('take %s URLs as people write them: %s', (kind, url, basePath) => {
    expect(new UpstreamTable([{ name: 'x', kind, url }]).mounts[0]).toMatchObject({ basePath, sdkPath: '' });
  });

  it.each([
    [[{ name: 'a b', kind: 'openai', url: 'http://x' }], /"a b" cannot name/],
    [[{ name: 'a', kind: 'other', url: 'http://x' }], /kind other/],
    [[{ name: 'a', kind: 'openai', url: 'x.example/v1' }], /not an http/],
    [[{ name: 'a', kind: 'openai', url: 'http://me:secret@x.example/v1' }], /a user, a password/],
    [[{ name: 'a', kind: 'openai', url: 'http://x' }, { name: 'a', kind: 'ollama', url: 'http://y' }], /two upstreams are named a/],
  ])('say what is wrong with them: %j', (upstreams, message) => {
    const make = (): unknown => new UpstreamTable(upstreams as Upstream[]);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });
});
