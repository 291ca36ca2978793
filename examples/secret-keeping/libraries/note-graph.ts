import OpenAI from 'openai';

/**
 * A memory of linked notes, as a library that knows nothing of Assay: it makes its own client, and asks a model several times for each note.
 * After the pattern of A-MEM (Xu et al., 2025): a note is described, linked to its neighbours, and the neighbours' descriptions evolve.
 */
export interface NoteGraphOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
}

interface Note {
  readonly id: number;
  readonly content: string;
  keywords: string[];
  context: string;
  tags: string[];
  links: number[];
}

const DESCRIBE = 'You describe notes for a note archive. Answer with JSON alone: {"keywords": ["..."], "context": "one sentence that says what the note is about", "tags": ["..."]}.';
const LINK = 'You decide which notes of a note archive belong together. Answer with JSON alone: {"links": [numbers of the notes that the new note should be linked to]}.';
const EVOLVE = 'You revise a note of a note archive in the light of a new note that is linked to it. Answer with JSON alone: {"context": "the revised description", "tags": ["..."]}.';

const MOST_NEIGHBOURS = 3;
const MOST_EVOLVED = 2;

export class NoteGraph {
  readonly #client: OpenAI;
  readonly #model: string;
  readonly #notes: Note[];

  constructor(options: NoteGraphOptions) {
    this.#client = new OpenAI({ baseURL: options.baseUrl, apiKey: options.apiKey });
    this.#model = options.model;
    this.#notes = [];
  }

  /** Adds a note: one call to describe it, one to link it, one for each neighbour that evolves. */
  async addNote(content: string): Promise<void> {
    const described = await this.#ask(DESCRIBE, content);
    const note: Note = { id: this.#notes.length + 1, content, keywords: texts(described['keywords']), context: text(described['context']), tags: texts(described['tags']), links: [] };
    const neighbours = this.#nearest(`${content} ${note.keywords.join(' ')}`, MOST_NEIGHBOURS);
    this.#notes.push(note);
    if (neighbours.length === 0) return;
    const { links } = await this.#ask(LINK, `New note: ${content}\n\n${neighbours.map(({ id, context }) => `Note ${id}: ${context}`).join('\n')}`);
    const linked = neighbours.filter(({ id }) => Array.isArray(links) && links.includes(id));
    note.links = linked.map(({ id }) => id);
    for (const neighbour of linked.slice(0, MOST_EVOLVED)) {
      const revised = await this.#ask(EVOLVE, `Note: ${neighbour.content}\nIts description: ${neighbour.context}\n\nNew note: ${content}`);
      neighbour.links.push(note.id);
      neighbour.context = text(revised['context']) || neighbour.context;
      neighbour.tags = [...new Set([...neighbour.tags, ...texts(revised['tags'])])];
    }
  }

  /** The notes that have most in common with a query, and those linked to them, with their descriptions. */
  find(query: string, count: number): string[] {
    const nearest = this.#nearest(query, count);
    const linked = nearest.flatMap(({ links }) => links).flatMap((id) => this.#notes.filter((note) => note.id === id));
    return [...new Set([...nearest, ...linked])].slice(0, count).map(({ content, context }) => (context === '' ? content : `${context} (${content})`));
  }

  /** A graph that goes on by itself. */
  clone(): NoteGraph {
    const copy = new NoteGraph({ baseUrl: this.#client.baseURL, apiKey: this.#client.apiKey ?? '', model: this.#model });
    copy.#notes.push(...structuredClone(this.#notes));
    return copy;
  }

  #nearest(query: string, count: number): Note[] {
    const wanted = wordsOf(query);
    const common = ({ content, keywords, context }: Note): number => [...wordsOf(`${content} ${keywords.join(' ')} ${context}`)].filter((word) => wanted.has(word)).length;
    return this.#notes
      .map((note) => ({ note, common: common(note) }))
      .filter((each) => each.common > 0)
      .toSorted((one, other) => other.common - one.common || other.note.id - one.note.id)
      .slice(0, count)
      .map(({ note }) => note);
  }

  /** What the model answers, as an object; an empty one where it cannot be read: the note is kept undescribed rather than lost. */
  async #ask(system: string, user: string): Promise<Record<string, unknown>> {
    const { choices } = await this.#client.chat.completions.create({ model: this.#model, messages: [{ role: 'system', content: system }, { role: 'user', content: user }] });
    try {
      const read: unknown = JSON.parse((choices[0]?.message.content ?? '').replace(/^```(?:json)?\s*|\s*```$/g, ''));
      return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
    } catch {
      return {};
    }
  }
}

function wordsOf(value: string): Set<string> {
  return new Set(value.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
