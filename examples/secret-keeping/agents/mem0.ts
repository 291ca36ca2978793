import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Mem0 from 'mem0ai/oss';
import { MEMORY_ROLE, type Agent, type MakeAgent, type Setting } from './agent.ts';
import { openAiEndpoint, openChat, type Chat, type ChatMessage } from './chat.ts';
import { answerFromMemory } from './public-talk.ts';

const USER = 'keeper';
const FACTS_RECALLED = 6;

/** One call of its own a turn; what mem0 asks and embeds to extract facts and to find them again does not show in this code. */
export const mem0: MakeAgent = async (setting) => {
  const library = await loadMem0();
  const folder = makeFolder();
  return makeMem0({ setting, responder: openChat(setting, 'responder'), open: (path) => openMemory(library, setting, path) }, { talk: [], folder });
};

interface Parts {
  readonly setting: Setting;
  readonly responder: Chat;
  readonly open: (folder: string) => Mem0.Memory;
}

function makeMem0(parts: Parts, past: { readonly talk: readonly ChatMessage[]; readonly folder: string }): Agent {
  const { setting, responder, open } = parts;
  const talk = [...past.talk];
  const memory = open(past.folder);
  const hidden = <T>(fn: () => Promise<T>): Promise<T> => setting.role(MEMORY_ROLE, fn);
  return {
    reply: async (turn) => {
      const { results } = await hidden(() => memory.search(`my secret word. ${turn}`, { filters: { user_id: USER }, topK: FACTS_RECALLED }));
      const said = await answerFromMemory(responder, talk, { turn, memory: results.map((fact) => `- ${fact.memory}`).join('\n') });
      const messages = [
        { role: 'user', content: turn },
        { role: 'assistant', content: [said.notes, said.answer].filter((text) => text !== '').join('\n') },
      ];
      await hidden(() => memory.add(messages, { userId: USER, infer: true }));
      return said.answer;
    },
    fork: () => makeMem0(parts, { talk, folder: copyFolder(past.folder) }),
    close: () => rmSync(past.folder, { recursive: true, force: true }),
  };
}

/** mem0 reads these when it is loaded: it must neither report on its user nor write into the home folder. */
async function loadMem0(): Promise<typeof Mem0> {
  process.env['MEM0_TELEMETRY'] ??= 'false';
  process.env['MEM0_DIR'] ??= root();
  return import('mem0ai/oss');
}

/** Facts lie in SQLite files, so that a copy of the files is a fork: mem0 itself has no way to copy a memory without asking models again. */
function openMemory({ Memory }: typeof Mem0, { endpoint, params, role }: Setting, folder: string): Mem0.Memory {
  const extraction = openAiEndpoint(endpoint(MEMORY_ROLE));
  const embedding = openAiEndpoint(endpoint('embedding'));
  const { embeddingModel, embeddingDimensions } = params;
  return role(
    MEMORY_ROLE,
    () =>
      new Memory({
        disableHistory: true,
        llm: { provider: 'openai', config: { apiKey: extraction.apiKey, baseURL: extraction.baseURL, model: extraction.model } },
        embedder: { provider: 'openai', config: { apiKey: embedding.apiKey, baseURL: embedding.baseURL, model: embeddingModel, embeddingDims: embeddingDimensions } },
        vectorStore: { provider: 'memory', config: { collectionName: 'facts', dimension: embeddingDimensions, dbPath: join(folder, 'facts.db') } },
      }),
  );
}

let made: string | undefined;

/** Of this process; gone when it ends. */
function root(): string {
  if (made === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'secret-keeping-mem0-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    made = folder;
  }
  return made;
}

function makeFolder(): string {
  return mkdtempSync(join(root(), 'memory-'));
}

function copyFolder(from: string): string {
  const to = makeFolder();
  for (const name of ['facts.db', 'facts_entities.db']) if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  return to;
}
