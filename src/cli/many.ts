import type { ManyView } from '../control/protocol.ts';
import { wordOf } from './given.ts';
import type { Stage } from './ports.ts';
import { usage } from './usage.ts';

/** The jobs that are meant, and whether the command acts or only says what it would do. */
export interface ManyOptions {
  agent?: string;
  cause?: string;
  state?: string;
  dryRun?: boolean;
  yes?: boolean;
}

/** Hundreds of thousands of jobs take their time; others have their turn in between. */
export const MANY_WITHIN_MS = 600_000;

type Meant<State> = { id: string } | { cause?: string; agent?: string; states?: State[] };

/** The jobs that the options name: one by its id, or all of a cause, of an agent, or of both. Throws USAGE for neither, or for an id and others. `may`: states that can be named. */
export function jobsMeant<State extends string>(
  id: string | undefined,
  options: ManyOptions,
  command: string,
  may: readonly State[],
): Meant<State> {
  const { cause, agent, state } = options;
  if (id !== undefined && cause === undefined && agent === undefined && state === undefined) return { id };
  if (id !== undefined || (cause === undefined && agent === undefined))
    throw usage(`${command} wants the id of a job, or --agent or --cause`, `daruma ${command} --agent <agent>`);
  const states = state?.split(',').flatMap((word) => {
    const said = wordOf<State | 'all'>(
      word.trim(),
      [...may, 'all'],
      'state of these jobs',
      `daruma ${command} --state`,
    );
    return said === 'all' ? may : [said as State];
  });
  return {
    ...(cause === undefined ? {} : { cause }),
    ...(agent === undefined ? {} : { agent }),
    ...(states === undefined ? {} : { states: [...new Set(states)] }),
  };
}

/** True when the command only says what it would do: more than one job wants `--yes`. */
export function isDry(id: string | undefined, { dryRun, yes }: ManyOptions): boolean {
  return dryRun === true || (id === undefined && !yes);
}

/** `14 jobs are`. */
export function countNoun(many: ManyView): string {
  return `${many.count} ${many.count === 1 ? 'job is' : 'jobs are'}`;
}

/** Lines that say what would be done, with the first ids, and the command that does it. `none`: the words for jobs that are not there. */
export function plan(
  stage: Stage,
  options: ManyOptions,
  many: ManyView,
  words: { what: string; none: string; command: string },
): string[] {
  if (many.count === 0) return [`nothing ${words.what}: no such ${words.none}`];
  const shown = many.jobs.slice(0, 5).join(' ');
  const line = `${words.what}: ${many.count} ${many.count === 1 ? 'job' : 'jobs'} (${shown}${many.count > 5 ? ' …' : ''})`;
  const { agent, cause, state } = options;
  const asked = [
    ...(agent === undefined ? [] : [`--agent ${agent}`]),
    ...(cause === undefined ? [] : [`--cause ${cause}`]),
    ...(state === undefined ? [] : [`--state ${state}`]),
  ];
  const arrow = stage.paint('cyan', '→');
  return [line, `  ${options.dryRun ? '' : 'not done; '}${arrow} daruma ${words.command} ${asked.join(' ')} --yes`];
}

/** 1 when what was asked for was not done: there was nothing, or `--yes` was missing. */
export function codeOf(many: ManyView, dry: boolean, options: ManyOptions): number {
  if (many.count === 0) return 1;
  return dry && !options.dryRun ? 1 : 0;
}
