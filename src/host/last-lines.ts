import type { Outcome } from '../jobs/model.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { PluginLine } from '../kernel/log.ts';

/** A line of the log that is kept with an attempt that failed. `at`: epoch ms. */
type KeptLine = Pick<PluginLine, 'at' | 'level' | 'message'>;

const LINES_KEPT = 20;
/** Characters of a message, and of all messages of an attempt. */
const LONGEST_MESSAGE = 300;
const MOST_CHARACTERS = 4_000;
/** Jobs whose lines are remembered until they end. */
const MOST_JOBS = 5_000;
const KEY = 'lastLines';

/** Remembers the last lines of each job that runs: those of an attempt that failed stay with it, when the log has long been rotated. */
interface LastLines {
  add(lines: readonly PluginLine[]): void;
  /** The outcome with the last lines of its job, where it failed. The job's lines are forgotten. */
  keep(outcome: Outcome): Outcome;
}

export function createLastLines(): LastLines {
  const byJob = new Map<string, KeptLine[]>();

  function linesOf(job: string): KeptLine[] {
    const known = byJob.get(job);
    if (known) return known;
    if (byJob.size >= MOST_JOBS) byJob.delete(byJob.keys().next().value!);
    const lines: KeptLine[] = [];
    byJob.set(job, lines);
    return lines;
  }

  return {
    add(lines) {
      for (const { job, at, level, message } of lines) {
        if (job === '') continue;
        const kept = linesOf(job);
        if (kept.push({ at, level, message: cut(message) }) > 2 * LINES_KEPT) kept.splice(0, LINES_KEPT);
      }
    },
    keep(outcome) {
      const lines = byJob.get(outcome.job);
      byJob.delete(outcome.job);
      if (!lines || outcome.is !== 'failed') return outcome;
      return { ...outcome, fault: { ...outcome.fault, data: { ...outcome.fault.data, [KEY]: fitted(lines) } } };
    },
  };
}

/** The fault of an attempt as it was, and the lines that were kept with it. */
export function withoutLines(fault: PlainFault): { fault: PlainFault; lines: KeptLine[] } {
  const { data, ...rest } = fault;
  const lines = data?.[KEY];
  if (!data || !Array.isArray(lines)) return { fault, lines: [] };
  const { [KEY]: _, ...own } = data;
  return { fault: Object.keys(own).length > 0 ? { ...rest, data: own } : rest, lines };
}

/** The newest lines that fit. */
function fitted(lines: readonly KeptLine[]): KeptLine[] {
  const kept = lines.slice(-LINES_KEPT);
  let characters = kept.reduce((sum, { message }) => sum + message.length, 0);
  while (characters > MOST_CHARACTERS) characters -= kept.shift()!.message.length;
  return kept;
}

function cut(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;
}
