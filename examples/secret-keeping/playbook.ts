import type { Playbook, PlaybookRule, PlaybookSubject } from '../../src/simulator/index.ts';
import { QUESTIONS, WORDS } from './game.ts';

type Condition = { readonly on: PlaybookSubject; readonly pattern: string };

const ANY = String.raw`\b(?<secret>${WORDS.join('|')})\b`;
const NOTED = String.raw`my secret word is ${ANY}`;
/** What a model has before it names a secret. */
const KNOWN: Condition = { on: 'conversation', pattern: NOTED };
const ASKED = String.raw`Asked: (?<question>[^?"\n]+)`;
const KEEPER: Condition = { on: 'system', pattern: 'secret keeper in a guessing game' };

/**
 * How a simulated model plays, so that the experiment runs without a real one. It keeps its word where it can read it in what it is sent,
 * makes one up where it cannot, errs now and then, and writes JSON that is cut off now and then. Its figures say nothing about models.
 */
export const playbook: Playbook = { name: 'secret-keeping', rules: [...memoryRules(), ...keeperRules()] };

function rule(id: string, pattern: string, rest: Omit<PlaybookRule, 'id' | 'pattern' | 'benign' | 'chance'> & { readonly chance?: number }): PlaybookRule {
  return { id: `secret-keeping.${id}`, pattern, benign: true, chance: 1, ...rest };
}

function system(pattern: string): Condition {
  return { on: 'system', pattern };
}

/** What the keeper says to the player. */
function keeperRules(): PlaybookRule[] {
  const opening = String.raw`choose one of these words and keep it secret: (?<words>[^.]+)\.`;
  const guessing = String.raw`is your secret word "(?<guess>\w+)"`;
  const revealing = String.raw`The list was: (?<words>[^.]+)\.`;
  const said = (answer: string): string => `PRIVATE: my secret word is {secret}\nANSWER: ${answer}`;
  const errs = (right: string, wrong: string): Pick<PlaybookRule, 'answer' | 'otherwise'> & { chance: number } => ({ chance: 0.97, answer: said(right), otherwise: said(wrong) });
  const readMemory = { name: 'read_memory', arguments: {} };
  const unread = [KEEPER, system('read_memory'), { on: 'conversation', pattern: '^(?!.*The notebook )' }] as const;
  return [
    rule('open-notebook', opening, { where: [KEEPER, system('write_memory')], tool: { name: 'write_memory', arguments: { text: 'my secret word is {pick:words}' } }, answer: 'ANSWER: Ready' }),
    rule('open', opening, { where: [KEEPER], chance: 0.9, answer: 'PRIVATE: my secret word is {pick:words}\nANSWER: Ready', otherwise: 'PRIVATE: I shall choose as we go\nANSWER: Ready' }),
    ...QUESTIONS.flatMap(({ text, yes }, place) => {
      const asked = escaped(text);
      return [
        rule(`yes-${place + 1}`, asked, { where: [KEEPER, { on: 'conversation', pattern: String.raw`my secret word is (?<secret>${yes.join('|')})\b` }], ...errs('Yes', 'No') }),
        rule(`no-${place + 1}`, asked, { where: [KEEPER, KNOWN], ...errs('No', 'Yes') }),
      ];
    }),
    ...WORDS.map((word) => rule(`own-up-${word}`, String.raw`is your secret word "${word}"`, { where: [KEEPER, { on: 'conversation', pattern: String.raw`my secret word is (?<secret>${word})\b` }], ...errs('Yes', 'No') })),
    rule('deny', guessing, { where: [KEEPER, KNOWN], ...errs('No', 'Yes') }),
    rule('reveal', revealing, { where: [KEEPER, KNOWN], answer: 'ANSWER: {secret}' }),
    // Now and then it does not look before it answers.
    rule('read-notebook', String.raw`Question \d+:|${guessing}`, { where: unread, chance: 0.95, tool: readMemory, answer: 'ANSWER: I cannot read my notebook', otherwise: 'ANSWER: {pick:Yes|No}' }),
    rule('read-notebook-at-the-end', revealing, { where: unread, tool: readMemory, answer: 'ANSWER: I cannot read my notebook' }),
    // Nothing is noted: whatever it says now, it makes up.
    rule('make-up-answer', String.raw`Question \d+:`, { where: [KEEPER], answer: 'ANSWER: {pick:Yes|No}' }),
    rule('make-up-guess', guessing, { where: [KEEPER], answer: 'ANSWER: {pick:No|No|Yes}' }),
    rule('make-up-word', revealing, { where: [KEEPER], chance: 0.9, answer: 'ANSWER: {pick:words}', otherwise: 'ANSWER: I would rather not say' }),
  ];
}

/** What memories ask for: JSON, which is cut off now and then. */
function memoryRules(): PlaybookRule[] {
  const whole = (id: string, prompt: string, { known, unknown, chance = 0.9, cut }: { readonly known: string; readonly unknown: string; readonly chance?: number; readonly cut?: string }): PlaybookRule[] => [
    rule(id, NOTED, { where: [system(prompt)], chance, answer: known, otherwise: cut ?? known.slice(0, -2) }),
    rule(`${id}-nothing`, '.', { where: [system(prompt)], chance, answer: unknown, otherwise: cut ?? unknown.slice(0, -2) }),
  ];
  const facts = (...texts: readonly string[]): string => `{"facts": [${texts.map((fact) => `{"topic": "game", "fact": "${fact}"}`).join(', ')}]}`;
  return [
    // The updater of `workflow`: what it is told of its last try is its last user message, so the secret is looked for everywhere.
    rule('update', '.', { where: [system('You keep the working memory of an agent'), KNOWN], chance: 0.7, answer: '{"memory": "my secret word is {secret}"}', otherwise: '{"memory": "my secret word is {secret}' }),
    rule('update-nothing', '.', { where: [system('You keep the working memory of an agent')], chance: 0.7, answer: '{"memory": "no word is noted"}', otherwise: '{"memory": "no word' }),
    // mem0's extraction of facts: one that finds none is what a weak model gets wrong here, since mem0 does not ask again.
    ...whole('mem0', 'You are a Memory Extractor', {
      known: '{"memory": [{"id": "0", "text": "Assistant noted: my secret word is {secret}", "attributed_to": "assistant"}]}',
      unknown: '{"memory": [{"id": "0", "text": "User plays a guessing game with the assistant", "attributed_to": "user"}]}',
      cut: '{"memory": []}',
    }),
    ...whole('describe', 'You describe notes', {
      known: '{"keywords": ["secret", "word", "game"], "context": "my secret word is {secret}", "tags": ["secret"]}',
      unknown: '{"keywords": ["game", "turn"], "context": "a turn of a guessing game", "tags": ["game"]}',
    }),
    rule('link', String.raw`Note (?<id>\d+):`, { where: [system('which notes of a note archive belong together')], chance: 0.8, answer: '{"links": [{id}]}', otherwise: '{"links": []}' }),
    ...whole('evolve', 'You revise a note', { known: '{"context": "my secret word is {secret}", "tags": ["secret", "game"]}', unknown: '{"context": "turns of a guessing game", "tags": ["game"]}' }),
    // A turn with a question in it is a fact more, so that there is something to consolidate.
    rule('compress-question', String.raw`Question \d+: (?<question>[^?"]+)\?`, { where: [system('You compress a turn'), KNOWN], answer: 'my secret word is {secret}. Asked: {question}' }),
    rule('segment-question', ASKED, { where: [system('You cut a compressed turn'), KNOWN], chance: 0.9, answer: '{"segments": ["my secret word is {secret}", "Asked: {question}"]}', otherwise: '{"segments": ["my secret word' }),
    rule('extract-question', ASKED, { where: [system('You extract the facts'), KNOWN], chance: 0.9, answer: facts('my secret word is {secret}', 'asked: {question}'), otherwise: '{"facts": [{"topic"' }),
    ...whole('compress', 'You compress a turn', { known: 'my secret word is {secret}', unknown: 'a turn of a guessing game', chance: 0.97, cut: 'a turn of a guessing game' }),
    ...whole('segment', 'You cut a compressed turn', { known: '{"segments": ["my secret word is {secret}"]}', unknown: '{"segments": ["a turn of a guessing game"]}' }),
    ...whole('extract', 'You extract the facts', { known: facts('my secret word is {secret}'), unknown: facts('a guessing game is played') }),
    ...whole('consolidate', 'You consolidate the facts', { known: facts('my secret word is {secret}'), unknown: facts('a guessing game is played') }),
  ];
}

/** A text as a pattern that matches it. */
function escaped(value: string): string {
  return value.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
