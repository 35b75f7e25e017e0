import type { JobView, UsedKeyView } from '../../control/protocol.ts';
import { heldUpWords, holdUpWords, jobState, neverAgain, outcomeWords } from '../../control/words/job.ts';
import { type Clock, clockTime, fullTime, relative, shortTime } from '../../kernel/clock.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { oneLine, plainLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { formatDuration } from '../../kernel/units.ts';
import { faultLines } from './fault.ts';
import type { Paint } from './paint.ts';
import type { Look } from './status.ts';
import { type Column, type Row, table } from './table.ts';
import { cut, pad } from './width.ts';

/** A line for each job, in the order given. */
export function jobTable(jobs: JobView[], look: Look): string[] {
  const { clock } = look;
  const columns: Column[] = [
    '',
    'JOB',
    { title: 'AGENT', atLeast: 12 },
    'STATE',
    { title: 'FROM', drop: 1 },
    { title: 'QUEUED', drop: 3 },
    { title: 'TOOK', right: true, drop: 2 },
    { title: 'WHAT CAME OF IT', atLeast: 20 },
  ];
  const rows = jobs.map((job): Row => {
    const { sign, style } = signOf(job.state);
    return [
      [sign, style],
      job.id,
      job.agent,
      [jobState(job), style],
      job.trigger,
      shortTime(Date.parse(job.queuedAt), clock),
      job.durationMs === null ? '–' : formatDuration(job.durationMs),
      outcomeWords(job, look.clock),
    ];
  });
  return table(columns, rows, look);
}

/** A job in full, with its attempts. */
export function jobLines(job: JobView, look: Look): string[] {
  const { paint } = look;
  const { sign, style } = signOf(job.state);
  const facts = factsOf(job, look).flatMap(([name, text]) => (text ? [`  ${pad(name, 10)} ${text}`] : []));
  const lines = [
    `${paint(style, sign)} ${paint('bold', job.id)}  ${job.agent}  ${paint(style, jobState(job))}`,
    ...facts,
  ];
  if (job.summary) {
    const summary = job.summary.trimEnd().split('\n');
    // The author's own words, marked as such: a line of them may look like advice of Daruma.
    lines.push('', ...summary.map((line) => `  ${paint('dim', '│')} ${plainLine(line)}`.trimEnd()));
  }
  for (const failure of job.failures ?? []) lines.push('', ...failureLines(failure, look));
  const last = job.failures?.at(-1);
  if (job.error && (!last || last.error.message !== job.error.message)) lines.push('', ...indented(job.error, look));
  const never = neverAgain(job);
  if (never) lines.push('', `  ${never}`);
  const next = nextStep(job);
  if (next) lines.push('', `  ${paint('cyan', '→')} ${next}`);
  return lines;
}

/** Names and texts of what is known of a job; a fact without a text is left out. */
function factsOf(job: JobView, { clock, width }: Look): [string, string | null | undefined][] {
  const when = (iso: string | null) =>
    iso && `${fullTime(Date.parse(iso), clock)}, ${relative(Date.parse(iso), clock)}`;
  const took = job.durationMs === null ? '' : `, took ${formatDuration(job.durationMs)}`;
  const left = job.attempts - job.attempt;
  const isOpen = job.state === 'queued' || job.state === 'retrying';
  return [
    ['from', [job.trigger, job.key && `key ${job.key}`].filter(Boolean).join(' · ')],
    ['slot', when(job.slot)],
    ['queued', when(job.queuedAt)],
    ['started', when(job.startedAt)],
    ['ended', job.finishedAt && `${when(job.finishedAt)}${took}`],
    ['made by', job.madeBy && `${job.madeBy}${job.hops ? `, hop ${job.hops}` : ''}`],
    ['next try', isOpen && !job.holdUp ? when(job.runAt) : null],
    ['held', heldUpWords(job, clock)],
    [
      'waits for',
      job.waitsFor &&
        `${job.waitsFor}${job.waitsFor.includes('://') ? ', which is down' : ''}; no attempt is lost by it`,
    ],
    ['waits', job.waits ? `${job.waits} in a row that its plugin asked for; no attempt is lost by them` : null],
    ['attempt', job.waitsFor || job.waits ? `${job.attempt}, and ${left} left` : `${job.attempt} of ${job.attempts}`],
    ['version', job.version],
    ['cause', job.cause],
    ['input', jsonWords(job.input, width - 13)],
    ['result', jsonWords(job.result, width - 13)],
  ];
}

/** The last lines of an attempt that are shown with it; `daruma logs --job` has the others. */
const LINES_SHOWN = 5;

function failureLines(
  { attempt, startedAt, finishedAt, worker, error, lines = [] }: NonNullable<JobView['failures']>[number],
  look: Look,
): string[] {
  const tookMs = Date.parse(finishedAt) - Date.parse(startedAt);
  const at = fullTime(Date.parse(finishedAt), look.clock);
  const on = worker ? ` on ${worker}` : '';
  const logged = lines.slice(-LINES_SHOWN).map(({ at: time, level, message }) => {
    const text = `${clockTime(Date.parse(time), look.clock)} ${level.toUpperCase()} ${oneLine(message)}`;
    return `    ${look.paint('dim', cut(text, look.width - 5))}`;
  });
  return [
    `  attempt ${attempt} failed ${at}${on} after ${formatDuration(tookMs)}`,
    ...indented(error, look),
    ...logged,
  ];
}

function indented(fault: PlainFault, { paint }: Look): string[] {
  const lines = faultLines(fault, paint).map((line) => `  ${line}`);
  if (!fault.file && !fault.frame) {
    const stack =
      fault.stack
        ?.split('\n')
        .filter((line) => /^\s+at /.test(line))
        .slice(0, 4) ?? [];
    lines.splice(1, 0, ...stack.map((line) => `      ${oneLine(line)}`));
  }
  return lines;
}

function jsonWords(value: unknown, width: number): string | null {
  return value === null || value === undefined ? null : cut(oneLine(JSON.stringify(value)), width);
}

function nextStep({ id, state, agent, holdUp }: JobView): string | undefined {
  if (state === 'dead' || state === 'cancelled') return `daruma replay ${id}   daruma logs ${agent} --job ${id}`;
  if (state === 'done') return undefined;
  const wayOut = holdUp?.next ? `${holdUp.next}   ` : '';
  return `${wayOut}daruma logs ${agent} --job ${id} -f   daruma cancel ${id}`;
}

/** Why a job that was asked for does not run now, and what to type. */
export function holdUpLines(job: JobView, { clock, paint }: { clock: Clock; paint: Paint }): string[] {
  if (!job.holdUp) return [];
  const words = holdUpWords(job.holdUp, clock).replace(/^it waits/, 'waits');
  const lines = [`${paint('yellow', '‖')} ${job.id} ${words.startsWith('waits') ? words : `waits: ${words}`}`];
  if (job.holdUp.next) lines.push(`  ${paint('cyan', '→')} ${job.holdUp.next}`);
  return lines;
}

/** Words for why no job was queued. */
export function usedKeyLines(
  job: JobView,
  { since, state, sameInput }: UsedKeyView,
  { clock, paint }: { clock: Clock; paint: Paint },
): string[] {
  const is = state === 'done' || state === 'dead' ? `, and is ${state}` : '';
  const differs = sameInput ? '' : '; its input differs from yours';
  const sign = isAsAsked({ state, sameInput }) ? paint('yellow', '·') : paint('red', '✗');
  const at = shortTime(Date.parse(since), clock);
  const lines = [`${sign} nothing was queued: ${job.id} of ${at} has this key${is}${differs}`];
  const next = state === 'dead' ? `daruma replay ${job.id}   ` : '';
  lines.push(`  ${paint('cyan', '→')} ${next}daruma jobs ${job.id}`);
  return lines;
}

/** True when the job that has the key has done the work, or will. */
export function isAsAsked({ state, sameInput }: Pick<UsedKeyView, 'state' | 'sameInput'>): boolean {
  return sameInput && state !== 'dead';
}
