import type * as Mem0Module from 'mem0ai/oss';
import type { ClientProgram } from './contract.ts';

/** mem0ai: the calls that it makes of its own, to find facts and to embed them. */
export const mem0: ClientProgram = async ({ load, url, countedUrl }) => {
  const { Memory } = await load<typeof Mem0Module>('mem0ai/oss');
  const memory = (name: string): InstanceType<typeof Memory> =>
    new Memory({
      embedder: { provider: 'openai', config: { apiKey: 'none', baseURL: `${countedUrl}/v1`, model: `${name}-embeddings`, embeddingDims: 8 } },
      vectorStore: { provider: 'memory', config: { collectionName: name, dimension: 8, dbPath: ':memory:' } },
      llm: { provider: 'openai', config: { apiKey: 'none', baseURL: `${url}/v1`, model: name } },
      disableHistory: true,
    });
  const added = memory('mem0-add');
  const searched = memory('mem0-search');
  const scope = { filters: { user_id: 'somebody' } };
  return {
    'mem0-add': async () => {
      const { results } = await added.add([{ role: 'user', content: 'I like tea.' }, { role: 'assistant', content: 'Noted.' }], { userId: 'somebody' });
      return results.map(({ memory: text }) => text);
    },
    'mem0-search': async () => {
      await searched.add('The sky is blue.', { userId: 'somebody', infer: false });
      const { results } = await searched.search('What colour is the sky?', scope);
      return results.map(({ memory: text }) => text);
    },
  };
};
