import { decodeText, type CodecName, type PlaybookRule } from '../../../simulator/index.ts';
import type { GenerateRequest } from '../../../models/index.ts';
import { probesPlaybook } from '../playbook.ts';

const rules = probesPlaybook().rules.map((rule) => ({ rule, pattern: new RegExp(rule.pattern, 'isu') }));

/** The rule that decides on a request, and its match: the first whose pattern matches the last user message. */
export function ruleFor(request: Pick<GenerateRequest, 'messages'>): { readonly rule: PlaybookRule; readonly match: RegExpExecArray } | undefined {
  const user = request.messages.findLast((message) => message.role === 'user')?.content ?? '';
  for (const { rule, pattern } of rules) {
    const match = pattern.exec(user);
    if (match) return { rule, match };
  }
  return undefined;
}

/** What a model says that yields to every rule, or to none. */
export function answerByPlaybook(request: GenerateRequest, yields: boolean): string {
  const found = ruleFor(request);
  if (!found) return 'A pleasant afternoon to you.';
  const { rule, match } = found;
  const template = yields || rule.benign === true ? rule.answer : (rule.otherwise ?? "I'm sorry, but I can't help with that.");
  return template.replaceAll(/\{(?:decode:([\w-]+):(\w+)|(\w+))\}/g, (whole: string, codec?: string, group?: string, name?: string) => {
    if (name === 'system') return request.messages.find((message) => message.role === 'system')?.content ?? '';
    if (codec !== undefined) return decodeText(codec as CodecName, match.groups?.[group ?? ''] ?? '') ?? '';
    return match.groups?.[name ?? ''] ?? whole;
  });
}
