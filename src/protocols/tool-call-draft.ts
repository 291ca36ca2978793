import type { ToolCall } from '../core/index.ts';

/** A tool call while its pieces arrive. */
export interface ToolCallDraft {
  /** The place that the stream gives it, or `undefined` where it gives none. */
  readonly index: number | undefined;
  id: string;
  name: string;
  argumentsText: string;
}

/** Arguments as text: as the model wrote them, or as JSON where a server already parsed them. */
export function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

export function toolCall(draft: Omit<ToolCallDraft, 'index'>): ToolCall {
  return { id: draft.id, name: draft.name, argumentsText: draft.argumentsText };
}
