import type { ManyView, Ops } from '../../control/protocol.ts';
import { usage } from '../../kernel/fault.ts';
import { argumentsOf } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** Options of the commands that act on one job, or on all of an agent or a cause. */
interface ManyOptions {
  agent?: string;
  cause?: string;
  state?: string;
  dryRun?: boolean;
  yes?: boolean;
}

interface ManyTerms<O extends 'cancelMany' | 'replay' | 'drop'> {
  op: O;
  /** The words of the command: `dlq drop`. */
  command: string;
  /** The words for a plan: what would be done, and to which jobs. */
  would: string;
  jobs: string;
  /** The words for the result, behind the count of the jobs. */
  done(answer: ManyView): string;
}

/** Hundreds of thousands of jobs take their time; others have their turn in between. */
const WITHIN_MS = 600_000;

/**
 * Cancels unfinished jobs, running attempts included. All of an agent or a cause want `--yes`: otherwise the command only says
 * what it would do.
 */
export async function cancelCommand(stage: Stage, [id]: Words, options: ManyOptions): Promise<CommandResult> {
  if (id !== undefined && isOneAlone(options)) {
    const job = await stage.ask('cancel', { id });
    return { json: job, lines: [`${stage.paint('green', '✓')} ${job.id} of ${job.agent} is ${job.state}`] };
  }
  const done = () => 'cancelled';
  return await many(stage, id, options, {
    op: 'cancelMany',
    command: 'cancel',
    would: 'would be cancelled',
    jobs: 'unfinished jobs',
    done,
  });
}

/** Puts a dead job back in the queue, or all of a cause or an agent. Many want `--yes`, as above. */
export async function replayCommand(stage: Stage, [id]: Words, options: ManyOptions): Promise<CommandResult> {
  const done = ({ jobs }: ManyView) =>
    `in the queue again        daruma jobs ${jobs.length === 1 ? jobs[0] : ''}`.trimEnd();
  return await many(stage, id, options, {
    op: 'replay',
    command: 'replay',
    would: 'would run again',
    jobs: 'dead letters',
    done,
  });
}

/** Takes dead jobs out of the dead letters; they cannot be replayed after that. Many want `--yes`, as above. */
export async function dropCommand(stage: Stage, [id]: Words, options: ManyOptions): Promise<CommandResult> {
  const done = () => 'dropped';
  return await many(stage, id, options, {
    op: 'drop',
    command: 'dlq drop',
    would: 'would drop',
    jobs: 'dead letters',
    done,
  });
}

async function many<O extends 'cancelMany' | 'replay' | 'drop'>(
  stage: Stage,
  id: string | undefined,
  options: ManyOptions,
  terms: ManyTerms<O>,
): Promise<CommandResult> {
  const { op, command } = terms;
  const hasGroup = options.agent !== undefined || options.cause !== undefined;
  if (id === undefined ? !hasGroup : !isOneAlone(options)) {
    throw usage(`${command} wants the id of a job, or --agent or --cause`, `daruma ${command} --agent <agent>`);
  }
  const dryRun = options.dryRun === true || (id === undefined && !options.yes);
  const given = argumentsOf(op, { ...options }, { clock: stage.clock, command });
  const args = { ...given, ...(id === undefined ? {} : { id }), dryRun } as Ops[O]['args'];
  const answer: ManyView = await stage.ask(op, args, WITHIN_MS);
  if (dryRun || answer.count === 0) {
    const code = answer.count === 0 || !options.dryRun ? 1 : 0;
    return { json: answer, lines: planLines(stage, options, answer, terms), code };
  }
  const count = `${answer.count} ${answer.count === 1 ? 'job is' : 'jobs are'}`;
  return { json: answer, lines: [`${stage.paint('green', '✓')} ${count} ${terms.done(answer)}`], code: 0 };
}

/** Whether no option names further jobs beside an id. */
function isOneAlone({ agent, cause, state }: ManyOptions): boolean {
  return agent === undefined && cause === undefined && state === undefined;
}

/** Lines that say what would be done, with the first ids, and the command that does it. */
function planLines(
  stage: Stage,
  { agent, cause, state, dryRun }: ManyOptions,
  { count, jobs }: ManyView,
  { would, jobs: none, command }: Pick<ManyTerms<'drop'>, 'would' | 'jobs' | 'command'>,
): string[] {
  if (count === 0) return [`nothing ${would}: no such ${none}`];
  const shown = jobs.slice(0, 5).join(' ');
  const asked = Object.entries({ agent, cause, state }).flatMap(([name, value]) =>
    value ? [`--${name} ${value}`] : [],
  );
  return [
    `${would}: ${count} ${count === 1 ? 'job' : 'jobs'} (${shown}${count > 5 ? ' …' : ''})`,
    `  ${dryRun ? '' : 'not done; '}${stage.paint('cyan', '→')} daruma ${command} ${asked.join(' ')} --yes`,
  ];
}
