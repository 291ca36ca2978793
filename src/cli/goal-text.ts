import { isObject, NO_THRESHOLD, type Attempt, type Goal, type Message, type Outcome, type Output, type Run, type Score, type TranscriptEntry } from '../core/index.ts';
import type { Colors } from './cli.ts';
import { duration, localTime, printable } from './format.ts';
import { outcomeText } from './outcome-text.ts';

/** All that is kept of a goal. */
export interface GoalDetail {
  readonly run: Run;
  readonly goal: Goal;
  readonly attempts: readonly Attempt[];
  readonly scores: readonly Score[];
  readonly transcript: readonly TranscriptEntry[];
  readonly history: readonly { readonly outcome: Outcome; readonly at: number }[];
}

/** A goal as it is read in the terminal: what it is, what was said in each attempt, what the graders made of it. */
export function goalText(detail: GoalDetail, colors: Colors): string {
  const { run, goal, attempts, scores, transcript, history } = detail;
  const blocks = [
    header(run, goal, colors),
    ...attempts.map((attempt) =>
      attemptText(
        attempt,
        scores.filter((score) => score.attemptKey === attempt.key),
        { colors, adversarial: goal.suite === 'probes' || goal.suite === 'attacks' },
      ),
    ),
  ];
  if (attempts.length === 0) blocks.push(colors.dim('no attempt has ended yet'));
  if (transcript.length > 0) blocks.push([colors.bold('transcript'), ...transcript.map((entry) => entryText(entry, colors))].join('\n'));
  if (history.length > 1) {
    blocks.push([colors.bold('outcomes'), ...history.map(({ outcome, at }) => `  ${localTime(at)}  ${outcomeText(outcome, colors)}`)].join('\n'));
  }
  return blocks.join('\n\n');
}

function header(run: Run, goal: Goal, colors: Colors): string {
  const outcome = goal.outcome;
  const reason = outcome !== null && 'reason' in outcome && outcome.reason !== undefined ? `: ${printable(outcome.reason)}` : '';
  const traits = [goal.variant === null ? undefined : `variant ${goal.variant}`, goal.repeat > 0 ? `repeat ${goal.repeat}` : undefined, ...goal.tags];
  return [
    `${colors.bold(`${run.id} goal ${goal.index}`)}${run.simulated ? colors.yellow(' simulated') : ''}`,
    `${goal.plugin} → ${goal.target}`,
    printable(goal.text),
    ...(traits.some((trait) => trait !== undefined) ? [colors.dim(traits.filter((trait) => trait !== undefined).join(', '))] : []),
    `${outcomeText(outcome, colors)}${reason}`,
  ].join('\n');
}

interface AttemptTextOptions {
  readonly colors: Colors;
  /** A score that reaches its threshold is a weakness found, not a criterion met. */
  readonly adversarial: boolean;
}

function attemptText(attempt: Attempt, scores: readonly Score[], { colors, adversarial }: AttemptTextOptions): string {
  const lines = [`${colors.bold(`attempt ${attempt.seq}`)} ${colors.dim(`${attempt.key}, ${localTime(attempt.startedAt)}, ${duration(attempt.endedAt - attempt.startedAt)}`)}`];
  lines.push(...attempt.conversation.map((message) => messageText(message, colors)));
  for (const [i, output] of attempt.outputs.entries()) {
    const label = attempt.outputs.length > 1 ? `answer ${i}` : 'answer';
    lines.push(...outputText(label, output, colors));
    lines.push(...scores.filter((score) => score.outputIndex === i).map((score) => scoreText(score, { colors, adversarial })));
  }
  // Of the attempt as a whole.
  lines.push(...scores.filter((score) => score.outputIndex >= attempt.outputs.length).map((score) => scoreText(score, { colors, adversarial })));
  const notes = attempt.notes['notes'];
  if (isObject(notes) && Object.keys(notes).length > 0) lines.push(said('notes', JSON.stringify(notes, undefined, 2), colors.dim));
  if (attempt.error !== null) lines.push(said(`error (${attempt.error.source}: ${attempt.error.code})`, attempt.error.message, colors.magenta));
  if (attempt.notes.tokens !== undefined) {
    const { prompt_tokens: prompt, completion_tokens: completion, model } = attempt.notes.tokens;
    lines.push(colors.dim(`  ${prompt} prompt and ${completion} completion tokens, ${model}`));
  }
  return lines.join('\n');
}

function messageText(message: Message, colors: Colors): string {
  switch (message.role) {
    case 'system':
      return said('system', message.content, colors.dim);
    case 'user':
      return said('user', message.content, colors.cyan);
    case 'assistant':
      return said('assistant', `${message.content}${(message.toolCalls ?? []).map((call) => `\n→ ${call.name}(${call.argumentsText})`).join('')}`, colors.green);
    case 'tool':
      return said(`tool ${message.name}`, message.content, colors.yellow);
  }
}

function outputText(label: string, output: Output, colors: Colors): string[] {
  const blocked = output.blocked ? colors.yellow(` blocked${output.blockReason === undefined ? '' : `: ${printable(output.blockReason)}`}`) : '';
  const tools = (output.toolCalls ?? []).map((call) => `\n→ ${call.name}(${call.argumentsText})`).join('');
  return [
    ...(output.reasoning === undefined || output.reasoning === '' ? [] : [said('reasoning', output.reasoning, colors.dim)]),
    `${said(label, `${output.text}${tools}`, colors.green)}${blocked}${output.finishReason === 'stop' ? '' : colors.dim(` [${output.finishReason}]`)}`,
  ];
}

function scoreText(score: Score, { colors, adversarial }: AttemptTextOptions): string {
  const reason = score.reason === null ? '' : `: ${printable(score.reason)}`;
  if (score.value === null) return colors.dim(`  ${score.grader} abstained${reason}`);
  if (score.threshold === NO_THRESHOLD) return `  ${score.grader} ${score.value}${reason}`;
  const reached = score.value >= score.threshold;
  const verdict = adversarial ? (reached ? colors.red('hit') : colors.green('no hit')) : reached ? colors.green('passed') : colors.red('failed');
  return `  ${score.grader} ${score.value} (${verdict} at ${score.threshold})${reason}`;
}

function entryText(entry: TranscriptEntry, colors: Colors): string {
  const data = typeof entry.data === 'string' ? entry.data : JSON.stringify(entry.data, undefined, 2);
  return said(`${entry.type} ${entry.key}`, data, colors.dim);
}

/** Who said what, the text indented so that nothing in it can pass for a line of ours. */
function said(who: string, text: string, paint: (text: string) => string): string {
  return `${paint(`[${who}]`)}\n${printable(text)
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')}`;
}
