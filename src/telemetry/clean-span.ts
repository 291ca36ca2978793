import type { Redactor } from '../store/index.ts';
import type { AttributeValue, SpanDraft } from './contract.ts';
import { ASSAY, GEN_AI } from './gen-ai.ts';

/** Words of our own and ids that were drawn: nothing in them came from outside. */
const OWN: ReadonlySet<string> = new Set([ASSAY.run, ASSAY.call, ASSAY.logicalCall, ASSAY.status, ASSAY.protocol, ASSAY.via, ASSAY.usageSource, GEN_AI.operation, GEN_AI.provider]);

const LONGEST_KEPT = 128;
const MOST_KEPT = 2_000;

/** Takes secrets and what looks like one out of spans. Names of models, trials and roles come again and again: they are looked at once. */
export function spanCleaner(redact: Pick<Redactor, 'metadata'>): (span: SpanDraft) => SpanDraft {
  const kept = new Map<string, string>();
  const text = (dirty: string): string => {
    if (dirty.length > LONGEST_KEPT) return redact.metadata(dirty);
    const known = kept.get(dirty);
    if (known !== undefined) return known;
    if (kept.size >= MOST_KEPT) kept.clear();
    const clean = redact.metadata(dirty);
    kept.set(dirty, clean);
    return clean;
  };
  const value = (dirty: AttributeValue): AttributeValue => {
    if (typeof dirty === 'string') return text(dirty);
    return typeof dirty === 'object' ? dirty.map(text) : dirty;
  };
  return (span) => {
    const attributes = { ...span.attributes };
    for (const [name, dirty] of Object.entries(attributes)) if (typeof dirty !== 'number' && !OWN.has(name)) attributes[name] = value(dirty);
    const { error } = span;
    return { ...span, name: text(span.name), attributes, ...(error?.message === undefined ? {} : { error: { message: redact.metadata(error.message) } }) };
  };
}
