import { Command } from 'commander';
import { OUTCOME_KINDS, UsageError, type Goal, type OutcomeKind, type Run } from '../../core/index.ts';
import { isoTime, runListView } from '../../report/index.ts';
import type { Store } from '../../store/contract.ts';
import type { Cli } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { count, oneLine } from '../format.ts';
import { choice } from '../option-choice.ts';
import { outcomeText } from '../outcome-text.ts';
import { positiveInteger } from '../option-values.ts';
import { holdsCallsAlone, runSubject } from '../run-subject.ts';
import { renderTable } from '../table.ts';
import { goalText, type GoalDetail } from '../goal-text.ts';

interface ShowOptions {
  readonly outcome?: OutcomeKind | 'open';
  readonly plugin?: string;
  readonly limit: number;
  readonly from: number;
}

export function showCommand(host: CommandHost): Command {
  return new Command('show')
    .argument('<run>', "the run's id, a unique part of it, or last")
    .argument('[goal]', "a goal's number: shows its whole transcript")
    .addOption(choice('--outcome <kind>', 'only goals with this outcome', [...OUTCOME_KINDS, 'open']))
    .option('--plugin <name>', 'only goals of this plugin, e.g. probes.encoding.base64')
    .option('--limit <n>', 'at most this many goals', positiveInteger, 50)
    .option('--from <goal>', 'start at this goal', goalNumber, 0)
    .action(
      host.action<ShowOptions, [string, string | undefined]>((cli, options, reference, goal) =>
        cli.withStore(async (store) => {
          const run = await store.findRun(reference);
          if (goal === undefined) await showGoals(cli, store, run, options);
          else await showGoal(cli, store, run, goalNumber(goal));
        }),
      ),
    );
}

async function showGoals(cli: Cli, store: Store, run: Run, options: ShowOptions): Promise<void> {
  const { from, limit, plugin, outcome } = options;
  const goals = await store.goals(run.id, { from, limit, ...(outcome === undefined ? {} : { outcomes: [outcome] }), ...(plugin === undefined ? {} : { plugin }) });
  const counts = await store.countGoals(run.id);
  if (cli.json) {
    return cli.printJson({ ...runListView([run])[0], goals: goals.map((goal) => goalItem(goal)), by_outcome: counts.byOutcome });
  }
  const { bold, dim, yellow } = cli.colors;
  const tally = Object.entries(counts.byOutcome)
    .filter(([, number]) => number > 0)
    .map(([kind, number]) => `${count(number)} ${kind}`)
    .join(', ');
  await cli.print(
    [
      `${bold(run.id)} ${run.status}${run.reason === null ? '' : ` (${run.reason})`}${run.simulated ? yellow(' simulated') : ''}`,
      `${runSubject(run)}${holdsCallsAlone(run) ? '' : `, seed ${run.seed}`}${run.resumes > 0 ? `, resumed ${run.resumes === 1 ? 'once' : `${count(run.resumes)} times`}` : ''}`,
      ...(run.engagement === null ? [] : [`engagement: ${oneLine(run.engagement, cli.width)}`]),
      `${counts.planned === 1 ? '1 goal' : `${count(counts.planned)} goals`}${tally === '' ? '' : `: ${tally}`}`,
      '',
      goals.length === 0 ? dim(holdsCallsAlone(run) ? `it holds calls alone: \`assay usage ${run.id}\` shows them by trial, branch, role and model` : 'no goals to show') : goalsTable(goals, cli),
      ...(goals.length === limit ? [dim(`more with --from ${goals.at(-1)!.index + 1}`)] : []),
    ].join('\n'),
  );
}

function goalsTable(goals: readonly Goal[], cli: Cli): string {
  return renderTable(
    [{ title: 'goal', align: 'right' }, { title: 'outcome' }, { title: 'plugin' }, { title: 'target' }, { title: 'text', flexible: true }],
    goals.map((goal) => [String(goal.index), outcomeText(goal.outcome, cli.colors), goal.plugin, goal.target, oneLine(goal.text, 200)]),
    { width: cli.width, heading: cli.colors.bold },
  );
}

async function showGoal(cli: Cli, store: Store, run: Run, index: number): Promise<void> {
  const goal = await store.goal(run.id, index);
  if (goal === undefined) {
    const { planned } = await store.countGoals(run.id);
    throw new UsageError({
      code: 'not_found',
      message: `run ${run.id} has no goal ${index}`,
      hint: planned === 0 ? 'it has no goals yet' : `its goals are numbered 0 to ${planned - 1}; \`assay show ${run.id}\` lists them`,
    });
  }
  const [attempts, scores, transcript, history] = await Promise.all([
    store.attempts(run.id, index),
    store.scores(run.id, index),
    store.transcript(run.id, index),
    store.goalHistory(run.id, index),
  ]);
  const detail: GoalDetail = { run, goal, attempts, scores, transcript, history };
  if (cli.json) {
    return cli.printJson({
      run: run.id,
      simulated: run.simulated,
      ...goalItem(goal),
      attempts: attempts.map(withoutPlace),
      scores: scores.map(withoutPlace),
      transcript: transcript.map(withoutPlace),
      history: history.map(({ outcome, at }) => ({ outcome, at: isoTime(at) })),
    });
  }
  await cli.print(goalText(detail, cli.colors));
}

function goalItem(goal: Goal): object {
  const { runId: _run, key: _key, data: _data, startedAt, endedAt, ...rest } = goal;
  return { ...rest, started_at: startedAt === null ? null : isoTime(startedAt), ended_at: endedAt === null ? null : isoTime(endedAt) };
}

function withoutPlace<T extends { readonly runId: string; readonly goalIndex: number }>({ runId: _run, goalIndex: _goal, ...rest }: T): Omit<T, 'runId' | 'goalIndex'> {
  return rest;
}

function goalNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError({ message: `'${text}' is not a goal's number`, hint: '`assay show RUN` lists the goals with their numbers, from 0' });
  return Number(text);
}
