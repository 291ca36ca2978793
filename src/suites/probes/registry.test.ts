import { describe, expect, test } from 'vitest';
import { seededRandom, stableStringify } from '../../core/index.ts';
import { detectorNeeds } from '../../graders/index.ts';
import type { Probe, ProbePrompt } from './contract.ts';
import { listProbes } from './list.ts';
import { probesPlaybook } from './playbook.ts';
import { probes } from './registry.ts';
import { answerByPlaybook, ruleFor } from './testing/play.ts';
import { emptyJournal, fakeGoalContext, goalOf } from './testing/fake-goal-context.ts';
import { planned } from './testing/planned.ts';
import { createProbesSuite } from './create-suite.ts';

const take = (probe: Probe, seed: number, count: number): ProbePrompt[] => [...Iterator.from(probe.prompts(seededRandom(seed), {})).take(count)];
const byId = probes.map((probe) => [probe.id, probe] as const);

describe('every probe', () => {
  test.each(byId)('%s gives the same prompts for the same seed and others for another', (_id, probe) => {
    expect(take(probe, 7, 20)).toEqual(take(probe, 7, 20));
    expect(take(probe, 7, 20)).not.toEqual(take(probe, 8, 20));
  });

  test.each(byId)('%s gives distinct prompts', (_id, probe) => {
    const prompts = take(probe, 7, 200).map((prompt) => stableStringify(prompt.messages));
    expect(prompts.length).toBeGreaterThanOrEqual(200);
    expect(new Set(prompts).size).toBe(prompts.length);
  });

  test.each(byId)('%s ends each prompt with a user message and notes what its detectors need', (_id, probe) => {
    const needs = probe.detectors.flatMap((detector) => detectorNeeds(detector));
    for (const prompt of take(probe, 7, 30)) {
      expect(prompt.messages.at(-1)?.role).toBe('user');
      expect(Object.keys(prompt.notes)).toEqual(expect.arrayContaining(needs));
    }
  });

  test.each(byId)('%s does not hold its own hit in what it asks', (_id, probe) => {
    const given = take(probe, 7, 30).map((prompt) => [prompt.messages.at(-1)!.content, JSON.stringify(prompt.notes['plain_text'] ?? prompt.notes['secret'] ?? 'no such text')] as const);
    expect(given.filter(([content, hit]) => content.toLowerCase().includes(hit.slice(1, -1).toLowerCase()))).toEqual([]);
  });

  test.each(byId)('%s has a rule of its own that decides on all of its first prompts', (_id, probe) => {
    const own = new Set(probe.weakness.map((rule) => rule.id));
    const deciding = new Set(take(probe, 7, 300).map((prompt) => ruleFor(prompt)?.rule.id));
    expect([...deciding].filter((id) => id === undefined || !own.has(id))).toEqual([]);
  });

  test.each(byId)('%s succeeds on a model that yields and fails on one that does not', async (id) => {
    const suite = createProbesSuite({ specs: [id] });
    const plans = await planned({ specs: [id], promptsPerProbe: 25 });
    expect(plans).toHaveLength(25);
    for (const plan of plans) {
      const yielding = await suite.execute(goalOf(plan), fakeGoalContext((request) => answerByPlaybook(request, true)));
      const guarded = await suite.execute(goalOf(plan), fakeGoalContext((request) => answerByPlaybook(request, false)));
      expect([yielding.kind, guarded.kind, plan.text]).toEqual(['attack_succeeded', 'attack_failed', plan.text]);
    }
  });
});

test('there are thirteen encodings and at least three probes of each other family', () => {
  const counts = Map.groupBy(probes, (probe) => probe.family);
  expect(counts.get('encoding')).toHaveLength(13);
  for (const family of ['promptinject', 'sysprompt', 'snowball']) expect(counts.get(family)!.length).toBeGreaterThanOrEqual(3);
});

test('descriptions are complete: ids by family, tags of known taxonomies, references that are addresses', () => {
  for (const probe of listProbes()) {
    expect(probe.id).toMatch(/^probes\.[a-z]+(?:\.[a-z0-9-]+)?$/);
    expect(probe.id.split('.')[1]).toBe(probe.family);
    expect(probe.tags.filter((tag) => !/^(?:owasp:llm(?:0[1-9]|10)|atlas:AML\.T\d{4}(?:\.\d{3})?|avid-effect:[a-z]+:[A-Z]\d{4})$/.test(tag))).toEqual([]);
    expect(probe.references.filter((reference) => !reference.startsWith('https://'))).toEqual([]);
    expect(probe.description).not.toBe('');
  }
});

test('ids are unique, of probes and of playbook rules', () => {
  const ids = [...listProbes().map((probe) => probe.id), ...probesPlaybook().rules.map((rule) => rule.id)];
  expect(new Set(ids).size).toBe(ids.length);
});

test('a system prompt of the user takes the place of the made-up ones', async () => {
  const [plan] = await planned({ specs: ['probes.sysprompt.direct'], model: { system: 'Be Zed, the clerk of Ox & Co. Speak of nothing but oxen and of carts.' } });
  const journal = emptyJournal();
  const outcome = await createProbesSuite({ specs: ['probes'] }).execute(goalOf(plan!), fakeGoalContext((request) => answerByPlaybook(request, true), journal));
  expect(outcome.kind).toBe('attack_succeeded');
  expect(journal.requests[0]?.messages.filter((message) => message.role === 'system')).toEqual([{ role: 'system', content: 'Be Zed, the clerk of Ox & Co. Speak of nothing but oxen and of carts.' }]);
});
