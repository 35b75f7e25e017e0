import type { Said, Stage } from '../ports.ts';
import { usage } from '../usage.ts';

export interface ManyOptions {
  cause?: string;
  dryRun?: boolean;
  yes?: boolean;
}

/** Puts one dead job back in the queue, or all of a cause. All of a cause wants `--yes`: otherwise it only says what it would do. */
export async function run(stage: Stage, [id]: (string | undefined)[], options: ManyOptions): Promise<Said> {
  const which = jobsMeant(id, options, 'replay');
  const dryRun = options.dryRun === true || (id === undefined && !options.yes);
  const answer = await stage.ask('replay', { ...which, dryRun });
  const lines = dryRun
    ? [
        ...plan('would run again', answer.jobs),
        ...orYes(stage, options, answer.jobs, `daruma replay --cause ${options.cause}`),
      ]
    : [
        `${stage.paint('green', '✓')} ${count(answer.jobs)} in the queue again        daruma jobs ${answer.jobs.length === 1 ? answer.jobs[0] : ''}`.trimEnd(),
      ];
  return { json: answer, lines, code: codeOf(answer.jobs, dryRun, options) };
}

/** One job or one cause; USAGE for neither or both. */
export function jobsMeant(
  id: string | undefined,
  { cause }: ManyOptions,
  command: string,
): { id: string } | { cause: string } {
  if (id !== undefined && cause === undefined) return { id };
  if (cause !== undefined && id === undefined) return { cause };
  throw usage(`${command} wants the id of a job or a --cause`, 'daruma dlq');
}

/** `14 jobs`. */
export function count(jobs: string[]): string {
  return `${jobs.length} ${jobs.length === 1 ? 'job is' : 'jobs are'}`;
}

/** What would be done, with the first ids. */
export function plan(what: string, jobs: string[]): string[] {
  if (jobs.length === 0) return [`nothing ${what}: no such dead letters`];
  const shown = jobs.slice(0, 5).join(' ');
  return [`${what}: ${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'} (${shown}${jobs.length > 5 ? ' …' : ''})`];
}

/** How to do it for real. */
export function orYes(stage: Stage, { dryRun }: ManyOptions, jobs: string[], command: string): string[] {
  if (jobs.length === 0) return [];
  return dryRun
    ? [`  ${stage.paint('cyan', '→')} ${command} --yes`]
    : [`  not done; ${stage.paint('cyan', '→')} ${command} --yes`];
}

/** 1 when what was asked for was not done: there was nothing, or `--yes` was missing. */
export function codeOf(jobs: string[], dryRun: boolean, options: ManyOptions): number {
  if (jobs.length === 0) return 1;
  return dryRun && !options.dryRun ? 1 : 0;
}
