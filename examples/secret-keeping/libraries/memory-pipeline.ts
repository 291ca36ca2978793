import OpenAI from 'openai';

interface Fact {
  readonly topic: string;
  readonly fact: string;
}

const COMPRESS = 'You compress a turn of a conversation for a memory: keep every fact, drop every other word. Answer with the compressed text alone.';
const SEGMENT = 'You cut a compressed turn of a conversation into topics. Answer with JSON alone: {"segments": ["text of a topic", "..."]}.';
const EXTRACT = 'You extract the facts of a conversation, topic by topic. Answer with JSON alone: {"facts": [{"topic": "...", "fact": "..."}]}.';
const CONSOLIDATE = 'You consolidate the facts of a memory: merge what says the same, keep what matters later. Answer with JSON alone: {"facts": [{"topic": "...", "fact": "..."}]}.';

/** Above it facts are consolidated. */
const MOST_FACTS = 4;

/**
 * A memory as a pipeline of model calls, as a library that knows nothing of Assay: it takes its client's settings from the environment
 * (`OPENAI_BASE_URL`, `OPENAI_API_KEY`, `PIPELINE_MODEL`) and nothing else. After the pattern of LightMem (Fang et al., 2025): a turn is
 * compressed, cut into topics, and facts are extracted; once there are many they are consolidated.
 */
export class MemoryPipeline {
  readonly #client: OpenAI;
  readonly #model: string;
  #facts: readonly Fact[];

  /** @param from a pipeline whose client is shared and whose facts are copied */
  constructor(from?: MemoryPipeline) {
    const model = from === undefined ? process.env['PIPELINE_MODEL'] : from.#model;
    if (model === undefined || model === '') throw new Error('PIPELINE_MODEL is not set');
    this.#client = from === undefined ? new OpenAI() : from.#client;
    this.#model = model;
    this.#facts = from === undefined ? [] : from.#facts;
  }

  /** Takes a turn in: three calls, four once there is something to consolidate. */
  async add(turn: string): Promise<void> {
    const compressed = await this.#ask(COMPRESS, turn);
    const { segments } = readObject(await this.#ask(SEGMENT, compressed));
    const topics = Array.isArray(segments) && segments.length > 0 ? segments.filter((each) => typeof each === 'string') : [compressed];
    const extracted = readFacts(await this.#ask(EXTRACT, topics.join('\n---\n')));
    this.#facts = [...this.#facts, ...extracted.filter(({ fact }) => !this.#facts.some((known) => known.fact === fact))];
    if (this.#facts.length <= MOST_FACTS) return;
    const consolidated = readFacts(await this.#ask(CONSOLIDATE, this.recall().join('\n')));
    if (consolidated.length > 0) this.#facts = consolidated;
  }

  /** All that is known. */
  recall(): string[] {
    return this.#facts.map(({ topic, fact }) => `${topic}: ${fact}`);
  }

  async #ask(system: string, user: string): Promise<string> {
    const { choices } = await this.#client.chat.completions.create({
      model: this.#model,
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: user },
      ],
    });
    return choices[0]?.message.content ?? '';
  }
}

/** What the model answered, as an object; an empty one where it cannot be read. */
function readObject(text: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text.replace(/^```(?:json)?\s*|\s*```$/g, ''));
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readFacts(text: string): Fact[] {
  const { facts } = readObject(text);
  return Array.isArray(facts) ? facts.filter((each): each is Fact => typeof each?.topic === 'string' && typeof each.fact === 'string') : [];
}
