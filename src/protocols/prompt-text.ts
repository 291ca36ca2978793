import { asString, isObject } from '../core/index.ts';

/** How an API counts what is not text, in tokens. */
export interface PromptCosts {
  /** An image, by its `detail` where the API has such a setting. */
  readonly image: (detail: string | undefined) => number;
}

/**
 * Tokens of chat framing around each message, beyond its text and role, and once for the start of the answer.
 *
 * Source: OpenAI Cookbook, "How to count tokens with tiktoken". Other vendors do not document theirs and are taken to be alike.
 */
export const MESSAGE_OVERHEAD = 3;
export const ANSWER_OVERHEAD = 3;

/** Deeper nesting than any API has is taken as opaque, so that no body can exhaust the stack. */
const DEEPEST = 12;

/** Members that carry bytes, links or signatures: models are not shown them as text. */
const OPAQUE = new Set(['data', 'file_data', 'image_url', 'url', 'file_id', 'file_url', 'signature', 'encrypted_content', 'cache_control']);

/** Collects the text of a prompt, and the tokens of what is not text. */
export class PromptText {
  readonly #parts: string[] = [];
  readonly #costs: PromptCosts;
  overhead = 0;

  constructor(costs: PromptCosts) {
    this.#costs = costs;
  }

  /** All texts, one a line: the line break stands in for the token that names a message's role. */
  get text(): string {
    return this.#parts.join('\n');
  }

  add(text: unknown): void {
    if (typeof text === 'string' && text !== '') this.#parts.push(text);
  }

  /** Adds a value as the JSON that the model is shown, without bytes, links and signatures. */
  addJson(value: unknown): void {
    if (value === undefined || value === null) return;
    try {
      this.add(JSON.stringify(value, (key, member: unknown) => (OPAQUE.has(key) ? undefined : member)));
    } catch {
      // Nested too deep or not JSON at all: it was never sent as it is, so there is nothing to count.
    }
  }

  /** Adds message content: a string, one part or a list of parts, in any of the shapes that the APIs share. */
  addContent(content: unknown, depth = 0): void {
    if (typeof content === 'string') this.add(content);
    else if (depth > DEEPEST) this.addJson(content);
    else if (Array.isArray(content)) for (const part of content) this.addContent(part, depth + 1);
    else if (isObject(content)) this.#addPart(content, depth);
  }

  #addPart(part: Record<string, unknown>, depth: number): void {
    switch (part['type']) {
      case 'text':
      case 'input_text':
      case 'output_text':
      case 'summary_text':
      case 'reasoning_text':
        return this.add(part['text']);
      case 'refusal':
        return this.add(part['refusal']);
      case 'thinking':
        return this.addContent(part['thinking'], depth + 1);
      case 'redacted_thinking':
        return;
      case 'image':
      case 'image_url':
      case 'input_image':
        this.overhead += this.#costs.image(imageDetail(part));
        return;
      case 'document':
        return this.#addDocument(part, depth);
      case 'file':
      case 'input_file':
      case 'input_audio':
        // Pages and seconds cannot be told from the request; one image's worth is a floor.
        this.overhead += this.#costs.image(undefined);
        return;
      case 'tool_use':
      case 'server_tool_use':
        this.add(part['name']);
        return this.addJson(part['input']);
      case 'tool_result':
      case 'search_result':
        this.add(part['title']);
        return this.addContent(part['content'], depth + 1);
      default:
        return typeof part['text'] === 'string' ? this.add(part['text']) : this.addJson(part);
    }
  }

  #addDocument(part: Record<string, unknown>, depth: number): void {
    this.add(part['title']);
    this.add(part['context']);
    const source = isObject(part['source']) ? part['source'] : {};
    if (source['type'] === 'text') this.add(source['data']);
    else if (source['type'] === 'content') this.addContent(source['content'], depth + 1);
    else this.overhead += this.#costs.image(undefined);
  }
}

function imageDetail(part: Record<string, unknown>): string | undefined {
  const nested = isObject(part['image_url']) ? part['image_url']['detail'] : undefined;
  return asString(nested ?? part['detail']);
}
