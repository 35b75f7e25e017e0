import { BOUNDS } from '../../../../kernel/bounds.ts';
import { INSTANTS } from '../../../../kernel/instant.ts';
import { SERIES_KINDS } from '../../../../kernel/series.ts';
import { ALERT_RULES } from './alert-rules.ts';
import { noCount, noDay, noRow, noTime, notAmong, notList, notObject, outside, quoted, sums } from './column-checks.ts';

/** When a column cannot be read, as SQL, and the SQL of what stands in its place then. `?1` is now. */
interface ColumnRule {
  readonly isBad: string;
  readonly instead: string;
}

/** When a row of a table is unreadable, and how it is mended. */
export interface TableRule {
  /** Names the row for people, as SQL. */
  readonly key: string;
  /** The agent that it belongs to, as SQL. */
  readonly agent: string;
  /** Columns without which a row means nothing: the row is taken out of its table. */
  readonly required: Readonly<Record<string, string>>;
  /** Columns that are replaced by a harmless value. */
  readonly mended: Readonly<Record<string, ColumnRule>>;
  /** More that is changed in a row that is mended, as SQL. */
  readonly besides?: Readonly<Record<string, string>>;
}

const time = (column: string, instead = '?1'): Record<string, ColumnRule> => ({
  [column]: { isBad: noTime(column), instead },
});
const count = (column: string, instead = '0'): Record<string, ColumnRule> => ({
  [column]: { isBad: noCount(column), instead },
});

const ENDED = `state IN ('done', 'dead', 'cancelled')`;
const FAULT = { code: 'text', message: 'text' };
/** The error of a job whose row could not be read. */
const JOB_FAULT = JSON.stringify({
  code: 'ROW_UNREADABLE',
  message: 'its row in the store could not be read; its content is kept',
  next: 'daruma store check; daruma replay runs the job again',
});
const INCIDENT_RECORD = JSON.stringify({
  seen: 'its record in the store could not be read; its content is kept: daruma store check',
  version: null,
  jobs: [],
  remedies: [],
  timeline: [],
  evidence: null,
  repeats: 0,
  note: null,
});

/**
 * Every table with numbers or JSON in it. A job, a pause, an incident and an effect stay where they are, with other values:
 * their numbers never come again, a pause goes on holding, an effect is never repeated. A job that waited is a dead letter,
 * since the time at which it was to run is unknown.
 */
export const RULES: Readonly<Record<string, TableRule>> = {
  job: {
    key: `'job-row ' || id`,
    agent: 'agent',
    required: { id: noRow('id') },
    mended: {
      state: {
        isBad: notAmong('state', ['queued', 'running', 'retrying', 'done', 'dead', 'cancelled']),
        instead: `'dead'`,
      },
      priority: { isBad: outside('priority', BOUNDS.priority), instead: '0' },
      ...count('attempt'),
      ...count('attempts', '1'),
      ...count('allowed', '1'),
      ...time('queued_at'),
      ...time('run_at'),
      ...time('stale_at', 'NULL'),
      ...time('slot', 'NULL'),
      ...time('lease_until', 'NULL'),
      ...time('started_at', 'NULL'),
      ...time('finished_at'),
      ...count('depth'),
      parent: { isBad: noRow('parent'), instead: 'NULL' },
      error: { isBad: notObject('error', FAULT), instead: quoted(JOB_FAULT) },
    },
    besides: {
      state: `iif(${ENDED}, state, 'dead')`,
      finished_at: `iif(${ENDED}, finished_at, ?1)`,
      error: `iif(${ENDED}, error, ${quoted(JOB_FAULT)})`,
      cause: `iif(${ENDED}, cause, 'unreadable')`,
    },
  },
  slot: {
    key: `agent || ' ' || due`,
    agent: 'agent',
    required: {
      due: noTime('due'),
      state: notAmong('state', ['planned', 'ran', 'skipped', 'missed', 'caught-up', 'cancelled']),
    },
    mended: { ...time('planned_at'), ...time('decided_at'), job: { isBad: noRow('job'), instead: 'NULL' } },
  },
  attempt: {
    key: `'job-row ' || job || ' attempt ' || attempt`,
    agent: 'agent',
    required: {
      job: noRow('job'),
      attempt: noCount('attempt'),
      started_at: noTime('started_at'),
      finished_at: noTime('finished_at'),
      fault: notObject('fault', FAULT),
    },
    mended: {},
  },
  effect: {
    key: `'job-row ' || job || ' once ' || key`,
    agent: '(SELECT agent FROM job WHERE id = effect.job)',
    required: { job: noRow('job') },
    mended: { ...count('attempt'), ...time('begun_at'), ...time('ended_at') },
  },
  state: {
    key: `agent || ' ' || key`,
    agent: 'agent',
    // The host never reads a value, and SQLite refuses JSON that is nested deeper than 1,000.
    required: {},
    mended: time('set_at'),
  },
  pause: {
    key: 'agent',
    agent: 'agent',
    required: {},
    mended: { ...time('until', 'NULL'), ...time('paused_at') },
  },
  event: {
    key: `'event ' || id`,
    agent: 'agent',
    required: { id: noRow('id'), at: noTime('at') },
    mended: { data: { isBad: notObject('data', {}), instead: 'NULL' } },
  },
  hour_total: {
    key: `agent || ' ' || hour`,
    agent: 'agent',
    required: {
      hour: noTime('hour'),
      done: noCount('done'),
      dead: noCount('dead'),
      failed_attempts: noCount('failed_attempts'),
      first_job: noRow('first_job'),
      last_job: noRow('last_job'),
      ended_job: noRow('ended_job'),
    },
    mended: {},
  },
  heartbeat: {
    key: `kind || ' ' || name`,
    agent: `iif(kind IN ('run', 'beat'), name, NULL)`,
    required: { kind: notAmong('kind', ['loop', 'run', 'beat', 'ping']), at: noTime('at') },
    mended: { within_ms: { isBad: outside('within_ms', INSTANTS), instead: 'NULL' } },
  },
  finding: {
    key: `kind || ' ' || key`,
    agent: 'NULL',
    required: {
      kind: notAmong('kind', [
        ...['diagnosis', 'drill-models', 'drill-diagnosis', 'drill-faults', 'model'],
        ...['memory', 'quantity', 'heap', 'warning'],
      ]),
      at: noTime('at'),
      record: notObject('record', {}),
    },
    mended: {},
  },
  ...ALERT_RULES,
  model_spend: {
    key: `agent || ' ' || day || ' ' || rung`,
    agent: 'agent',
    required: {
      day: noDay('day'),
      ...sums('calls', 'prompt_tokens', 'completion_tokens', 'micros', 'failed_tries', 'unpriced_tokens'),
    },
    mended: {},
  },
  model_ahead: {
    key: `agent || ' ' || day`,
    agent: 'agent',
    required: { day: noDay('day'), ...sums('calls', 'tokens', 'micros') },
    mended: {},
  },
  agent_usage: {
    key: `agent || ' ' || day`,
    agent: 'agent',
    required: { day: noDay('day'), ...sums('heap_kbs', 'native_kbs', 'children_kbs', 'cpu_ms', 'disk_bytes') },
    mended: {},
  },
  minute_count: {
    key: `agent || ' ' || start`,
    agent: 'agent',
    required: {
      start: noTime('start'),
      done: noCount('done'),
      dead: noCount('dead'),
      failed_attempts: noCount('failed_attempts'),
      durations: notList('durations'),
      lateness: notList('lateness'),
    },
    mended: { memory_peak: { isBad: outside('memory_peak', INSTANTS), instead: 'NULL' } },
  },
  batch: {
    key: `'batch-' || id`,
    agent: 'NULL',
    // A batch that cannot be read acts on nothing more.
    required: {
      id: noRow('id'),
      act: notAmong('act', ['replay', 'drop', 'cancel']),
      state: notAmong('state', ['collecting', 'working', 'done', 'cancelled']),
      started_at: noTime('started_at'),
      ended_at: noTime('ended_at'),
      next_job: outside('next_job', { least: 0, most: Number.MAX_SAFE_INTEGER }),
      total: noCount('total'),
      done: noCount('done'),
      stale: noCount('stale'),
      gone: noCount('gone'),
      failed: noCount('failed'),
      terms: notObject('terms', { set: 'object' }),
    },
    mended: {},
  },
  batch_item: {
    key: `'batch-' || batch || ' job-row ' || job`,
    agent: '(SELECT agent FROM job WHERE id = batch_item.job)',
    required: {
      batch: noRow('batch'),
      job: noRow('job'),
      attempt: noCount('attempt'),
      result: notAmong('result', ['done', 'stale', 'gone', 'failed']),
    },
    mended: {},
  },
  aggregate_past: {
    key: `'jobs of before'`,
    agent: 'NULL',
    required: { next_job: noRow('next_job'), last_job: noRow('last_job'), before: noTime('before') },
    mended: {},
  },
  metric_series: {
    key: `'series ' || id`,
    agent: `nullif(agent, '')`,
    required: { id: noRow('id'), kind: notAmong('kind', SERIES_KINDS), seen: noCount('seen') },
    mended: {},
  },
  metric_points: {
    key: `'points of series ' || series`,
    agent: `(SELECT nullif(agent, '') FROM metric_series WHERE id = metric_points.series)`,
    required: { span: noTime('span'), start: noTime('start'), series: noRow('series') },
    mended: {},
  },
  metric_rolled: {
    key: `'series that are rolled up'`,
    agent: 'NULL',
    required: { span: noTime('span'), until: noTime('until'), series: noTime('series') },
    mended: {},
  },
  queue_hour: {
    key: `'hour ' || hour`,
    agent: 'NULL',
    required: { hour: noTime('hour'), first_job: noRow('first_job') },
    mended: {},
  },
  incident: {
    key: `'inc-' || id`,
    agent: 'agent',
    required: { id: noRow('id') },
    mended: {
      state: { isBad: notAmong('state', ['open', 'healed', 'escalated', 'closed']), instead: `'closed'` },
      ...time('opened_at'),
      ...time('ended_at', `iif(state IN ('open', 'escalated'), NULL, ?1)`),
      ...time('lease_until', 'NULL'),
      record: {
        isBad: notObject('record', { seen: 'text', jobs: 'array', remedies: 'array', timeline: 'array' }),
        instead: quoted(INCIDENT_RECORD),
      },
    },
    besides: { ended_at: `iif(state IN ('open', 'escalated'), NULL, coalesce(ended_at, ?1))` },
  },
  remedy: {
    key: `fingerprint || ' ' || kind`,
    agent: 'NULL',
    required: { tried: noCount('tried'), held: noCount('held') },
    mended: {},
  },
  mute: {
    key: 'fingerprint',
    agent: 'NULL',
    required: { until: noTime('until') },
    mended: {},
  },
  quarantine: {
    key: 'agent',
    agent: 'agent',
    required: {},
    mended: { ...time('since'), ...count('probes'), ...time('next_probe_at') },
  },
};
