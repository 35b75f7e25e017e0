import type { LogLine } from '../../control/protocol.ts';
import { clockTime, dayOf, localTimes } from '../../kernel/clock.ts';
import type { PageCall } from '../page.ts';
import { addressOf, Choices, Said } from './parts.tsx';

const SIGNS: Record<string, { sign: string; tone: string }> = {
  debug: { sign: '·', tone: 'dim' },
  info: { sign: 'i', tone: 'cyan' },
  warn: { sign: '!', tone: 'yellow' },
  error: { sign: '✗', tone: 'red' },
};
const LEVELS = [
  { value: 'debug', text: 'all' },
  { value: 'info', text: 'info' },
  { value: 'warn', text: 'warnings' },
  { value: 'error', text: 'errors' },
] as const;
/** Keys of a line that are shown elsewhere, or to nobody. */
const HIDDEN = new Set([
  'time',
  'at',
  'level',
  'msg',
  'agent',
  'job',
  'worker',
  'room',
  'pid',
  'hostname',
  'v',
  'stack',
  'event',
]);

/** The choice of the lowest level. */
export function LevelChoice({ call }: { call: PageCall }) {
  return <Choices call={call} name="level" choices={LEVELS} fallback="debug" label="The lowest level" />;
}

interface LogLinesProps {
  lines: readonly LogLine[];
  call: PageCall;
  /** All lines are of one job, so neither job nor agent is said. */
  ofJob?: boolean;
  /** The query of the stream by which the script follows the log, until a person scrolls up. */
  follow?: string | undefined;
}

/** Lines of the log, oldest first. */
export function LogLines({ lines, call, ofJob, follow }: LogLinesProps) {
  if (lines.length === 0) return <p class="empty">No such lines in the newest 50,000 of the log.</p>;
  return (
    <section class="scroll log" tabindex={0} aria-label="Lines of the log" data-follow={follow}>
      <ol>
        {lines.map((line) => {
          const { sign, tone } = SIGNS[line.level] ?? SIGNS.info!;
          const ms = Date.parse(typeof line.at === 'string' ? line.at : line.time);
          return (
            <li class={tone}>
              <time datetime={line.time} title={dayOf(ms, call.clock)}>
                {clockTime(ms, call.clock, true)}
              </time>{' '}
              <span class="sign">{sign}</span> <span class="level">{line.level}</span> {!ofJob && <Who line={line} />}
              <Said text={line.worker === undefined ? localTimes(line.msg, call.clock) : line.msg} most={1_000} />{' '}
              <small class="said">{dataWords(line)}</small>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Who({ line }: { line: LogLine }) {
  return (
    <>
      {line.agent ? (
        <a href={addressOf('agents', line.agent)}>{line.agent}</a>
      ) : (
        <span class="dim">{String(line.room ?? 'host')}</span>
      )}{' '}
      {line.job && <a href={addressOf('jobs', line.job)}>{line.job}</a>}{' '}
    </>
  );
}

function dataWords(line: LogLine): string {
  const { data, ...rest } = line as LogLine & { data?: unknown };
  const own = typeof data === 'object' && data !== null ? Object.entries(data) : [];
  const parts = [
    ...Object.entries(rest).filter(([key]) => !HIDDEN.has(key)),
    ...own.filter(([key]) => key !== 'stack'),
  ];
  const text = parts.map(([key, value]) => `${key}=${wordOf(value)}`).join(' ');
  return text.slice(0, 400);
}

/** The code of a fault, whose words the line has already; any other value as it is. */
function wordOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { code, message } = (value ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' && typeof message === 'string' ? code : (JSON.stringify(value) ?? '');
}
