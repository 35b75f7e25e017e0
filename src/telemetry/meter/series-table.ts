import type { SeriesKind } from '../../kernel/series.ts';

/** Series of authors begin so: `context.orders`. No series of Daruma does. */
export const OWN_PREFIX = 'context.';

/** A series that Daruma measures, for people. */
interface MeasuredSeries {
  kind: SeriesKind;
  /** Of its values; empty: a number of something. */
  unit: '' | 'ms' | 'bytes' | '%' | '$';
  labels: readonly string[];
  about: string;
}

/**
 * Every series that Daruma measures of each agent. The store counts those up to `duration` itself, in the transactions that end attempts: `jobs`,
 * `jobs.dead` and `attempts.failed` are sums of `attempts`.
 */
export const AGENT_SERIES: Readonly<Record<string, MeasuredSeries>> = {
  jobs: { kind: 'counter', unit: '', labels: [], about: 'Jobs that were done.' },
  'jobs.dead': { kind: 'counter', unit: '', labels: [], about: 'Jobs that gave up.' },
  'attempts.failed': {
    kind: 'counter',
    unit: '',
    labels: [],
    about: 'Attempts that failed: those that were tried again, and the last ones of dead jobs.',
  },
  'jobs.late': {
    kind: 'histogram',
    unit: 'ms',
    labels: [],
    about: 'From when a job was due until its first attempt was given out: its lateness, and its wait in the queue.',
  },
  memory: { kind: 'gauge', unit: 'bytes', labels: [], about: 'The most that one worker held.' },
  attempts: {
    kind: 'counter',
    unit: '',
    labels: ['version', 'outcome'],
    about: 'Attempts that ended: `done`, `retrying` or `dead`.',
  },
  duration: { kind: 'histogram', unit: 'ms', labels: ['version'], about: 'Attempts that were done.' },
  cpu: { kind: 'counter', unit: 'ms', labels: [], about: 'Processor time of its workers.' },
  disk: {
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    about: 'Its state, its share of the versions of its plugin and of the log files; measured each hour.',
  },
  'log.written': { kind: 'counter', unit: 'bytes', labels: [], about: 'Its lines of the log.' },
  restarts: { kind: 'counter', unit: '', labels: [], about: 'Workers that ended otherwise than by a drain.' },
  calls: {
    kind: 'counter',
    unit: '',
    labels: ['origin', 'end'],
    about: 'Calls of other servers by `fetch`: `good`, `bad`, or `gone` (given up).',
  },
  'calls.retried': { kind: 'counter', unit: '', labels: ['origin'], about: 'Tries after the first of a call.' },
  'calls.refused': { kind: 'counter', unit: '', labels: ['origin'], about: 'Answers of 429.' },
  'calls.saved': {
    kind: 'counter',
    unit: '',
    labels: ['origin'],
    about: 'Calls that were not sent, since the server was known to be down.',
  },
  'models.calls': {
    kind: 'counter',
    unit: '',
    labels: ['rung'],
    about: 'Calls of models that ended, by the rung of their last try.',
  },
  'models.tokens': { kind: 'counter', unit: '', labels: ['rung'], about: 'Tokens of the tries of these calls.' },
  'models.money': {
    kind: 'counter',
    unit: '$',
    labels: ['rung'],
    about: 'What these calls cost; tokens without a price are not in it.',
  },
};

/** True for a series of an agent that the store keeps from its own counts. */
export function isCounted(name: string): boolean {
  return COUNTED_SERIES.has(name);
}
const COUNTED_SERIES: ReadonlySet<string> = new Set(['attempts', 'duration', 'jobs.late', 'memory']);

/** Every series that Daruma measures of the host itself. */
export const HOST_SERIES: Readonly<Record<string, MeasuredSeries>> = {
  workers: { kind: 'gauge', unit: '', labels: [], about: 'Worker threads.' },
  'workers.busy': { kind: 'gauge', unit: '', labels: [], about: 'Workers that run a job.' },
  'jobs.waiting': { kind: 'gauge', unit: '', labels: [], about: 'Jobs that are queued or wait for another attempt.' },
  cells: { kind: 'gauge', unit: '', labels: [], about: 'Cells, the processes that hold workers.' },
  'cells.memory': { kind: 'gauge', unit: 'bytes', labels: [], about: 'Resident memory of all cells.' },
  'host.memory': { kind: 'gauge', unit: 'bytes', labels: [], about: 'Resident memory of the host.' },
  'host.cpu': { kind: 'counter', unit: 'ms', labels: [], about: 'Processor time of the host.' },
  'loop.delay': {
    kind: 'gauge',
    unit: 'ms',
    labels: [],
    about: 'The 99th percentile of the delay of its event loop in the minute.',
  },
  'store.latency': { kind: 'histogram', unit: 'ms', labels: [], about: 'From a call of the store until its answer.' },
  pressure: {
    kind: 'gauge',
    unit: '%',
    labels: ['resource'],
    about:
      'The share of the last minute in which some process of the machine waited for `cpu`, `memory` or `io` (PSI).',
  },
  'disk.free': { kind: 'gauge', unit: 'bytes', labels: [], about: 'Free room on the disk of the store.' },
  'store.size': { kind: 'gauge', unit: 'bytes', labels: [], about: 'The store on disk.' },
  'log.written': { kind: 'counter', unit: 'bytes', labels: [], about: 'Lines of the log that no agent wrote.' },
  'log.size': { kind: 'gauge', unit: 'bytes', labels: [], about: 'All log files.' },
  'rung.calls': {
    kind: 'counter',
    unit: '',
    labels: ['rung', 'verdict'],
    about: 'Tries of rungs of models, by what came of them.',
  },
  'rung.latency': { kind: 'histogram', unit: 'ms', labels: ['rung'], about: 'Until the first token of good answers.' },
};

/** The unit of a series; of those of authors only lengths of time have one. */
export function unitOf(agent: string | null, name: string, kind: SeriesKind): MeasuredSeries['unit'] {
  const known = (agent === null ? HOST_SERIES : AGENT_SERIES)[name];
  return known?.unit ?? (kind === 'histogram' ? 'ms' : '');
}
