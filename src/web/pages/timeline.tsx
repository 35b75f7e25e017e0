import type { JobView } from '../../control/protocol.ts';
import { type Clock, clockTime } from '../../kernel/clock.ts';
import { formatDuration } from '../../kernel/units.ts';
import { Said, Section } from './parts.tsx';

/** A part of the life of a job, in epoch ms. */
interface TimelinePart {
  is: 'waiting' | 'failed' | 'done' | 'running' | 'cancelled';
  from: number;
  to: number;
  /** The label beside the part: `attempt 2`, `waits for attempt 3`. */
  words: string;
  /** The error of the attempt, in its author's words. */
  said: string | null;
}

/** The life of a job from the time that it was queued: each wait and each attempt, oldest first. */
export function timelineOf(job: JobView, now: number): TimelinePart[] {
  const parts: TimelinePart[] = [];
  let at = Date.parse(job.queuedAt);
  const wait = (to: number, words: string) => {
    if (to > at) parts.push({ is: 'waiting', from: at, to, words, said: null });
    at = Math.max(at, to);
  };
  const failures = job.failures ?? [];
  for (const { attempt, startedAt, finishedAt, worker, error } of failures) {
    wait(Date.parse(startedAt), attempt === 1 ? 'queued' : `waits for attempt ${attempt}`);
    at = Date.parse(finishedAt);
    const words = `attempt ${attempt}${worker ? ` on ${worker}` : ''}`;
    parts.push({ is: 'failed', from: Date.parse(startedAt), to: at, words, said: error.message });
  }
  const isInFailures = job.state === 'dead' && failures.at(-1)?.attempt === job.attempt;
  if ((job.state === 'done' || job.state === 'running' || job.state === 'dead') && job.startedAt && !isInFailures) {
    wait(Date.parse(job.startedAt), job.attempt <= 1 ? 'queued' : `waits for attempt ${job.attempt}`);
    const to = job.finishedAt === null ? now : Date.parse(job.finishedAt);
    const is = job.state === 'dead' ? 'failed' : job.state;
    parts.push({
      is,
      from: at,
      to: Math.max(at, to),
      words: `attempt ${job.attempt}`,
      said: job.error?.message ?? null,
    });
  }
  if (job.state === 'queued' || job.state === 'retrying') wait(now, `waits for attempt ${job.attempt + 1}`);
  if (job.state === 'cancelled' && job.finishedAt) wait(Date.parse(job.finishedAt), 'waited until it was cancelled');
  return parts;
}

const WIDTH = 1_000;
/** A part is never too thin to be seen. */
const THINNEST = 6;
const SIGNS: Record<TimelinePart['is'], { sign: string; tone: string }> = {
  waiting: { sign: '·', tone: 'dim' },
  failed: { sign: '✗', tone: 'red' },
  done: { sign: '✓', tone: 'green' },
  running: { sign: '▸', tone: 'cyan' },
  cancelled: { sign: '–', tone: 'dim' },
};

/** The life of a job as a bar and as a list. */
export function Timeline({ job, clock }: { job: JobView; clock: Clock }) {
  const parts = timelineOf(job, clock.now);
  if (parts.length === 0) return null;
  const from = parts[0]!.from;
  const span = Math.max(1, parts.at(-1)!.to - from);
  return (
    <Section title="Timeline" id="timeline">
      <svg class="timeline" viewBox={`0 0 ${WIDTH} 24`} preserveAspectRatio="none" aria-hidden="true">
        {parts
          .toSorted((one, other) => Number(other.is === 'waiting') - Number(one.is === 'waiting'))
          .map((part) => (
            <PartBar part={part} from={from} span={span} />
          ))}
      </svg>
      <ol class="lines">
        {parts.map((part) => {
          const { sign, tone } = SIGNS[part.is];
          return (
            <li>
              <time>{clockTime(part.from, clock, true)}</time>{' '}
              <span class={`state ${tone}`}>
                <span class="sign">{sign}</span> {part.words}
                {part.is === 'failed' && ' failed'}
              </span>{' '}
              <span class="dim">{formatDuration(part.to - part.from)}</span>{' '}
              {part.said && <Said text={part.said} most={200} />}
            </li>
          );
        })}
      </ol>
    </Section>
  );
}

function PartBar({ part, from, span }: { part: TimelinePart; from: number; span: number }) {
  const x = Math.min(WIDTH - THINNEST, ((part.from - from) / span) * WIDTH);
  const width = Math.max(THINNEST, ((part.to - part.from) / span) * WIDTH);
  const isWait = part.is === 'waiting';
  return (
    <rect
      class={SIGNS[part.is].tone}
      x={x.toFixed(1)}
      y={isWait ? 10 : 0}
      width={width.toFixed(1)}
      height={isWait ? 4 : 24}
    />
  );
}
