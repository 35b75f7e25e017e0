import { FIRST_SCHEMA } from './first-schema.ts';
import { DEBOUNCE_STEP, KEY_LIMITS_STEP } from './queue-steps.ts';

/** Marks the file as one of ours (`DRMA`), so that another program's database is never touched. */
export const APPLICATION_ID = 0x44524d41;

/**
 * Numbered and forward only: step n takes a store from schema n − 1 to n, in one transaction. A step that was published
 * is never edited; the next one changes what it did.
 */
export const MIGRATIONS: readonly string[] = [
  FIRST_SCHEMA,
  `
-- What is only read together with its incident is in one text.
CREATE TABLE incident (
  id          INTEGER PRIMARY KEY,
  agent       TEXT,
  verdict     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  opened_at   INTEGER NOT NULL,
  ended_at    INTEGER,
  fingerprint TEXT    NOT NULL,
  record      TEXT    NOT NULL
) STRICT;
CREATE INDEX incident_unended ON incident (state) WHERE ended_at IS NULL;
CREATE INDEX incident_agent ON incident (agent) WHERE agent IS NOT NULL;
CREATE INDEX incident_ended ON incident (ended_at) WHERE ended_at IS NOT NULL;

-- The ledger of remedies.
CREATE TABLE remedy (
  fingerprint TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  tried       INTEGER NOT NULL,
  held        INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
  agent         TEXT PRIMARY KEY,
  since         INTEGER NOT NULL,
  incident      TEXT    NOT NULL,
  probes        INTEGER NOT NULL,
  next_probe_at INTEGER NOT NULL,
  fingerprint   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
`,
  `
ALTER TABLE job ADD COLUMN parent INTEGER; -- the job that made it
ALTER TABLE job ADD COLUMN depth INTEGER NOT NULL DEFAULT 0; -- hops from the job that no job made
ALTER TABLE job ADD COLUMN freed_key TEXT; -- the key that it had before it was cancelled
UPDATE job SET freed_key = key, key = NULL WHERE state = 'cancelled' AND key IS NOT NULL;
`,
  `
-- Why the result of an effect that was done could not be kept.
ALTER TABLE effect ADD COLUMN problem TEXT;
`,
  `
-- Rows that nobody could read, as they were.
CREATE TABLE set_aside (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  source  TEXT    NOT NULL, -- the table
  name    TEXT    NOT NULL,
  agent   TEXT,
  why     TEXT    NOT NULL,
  content TEXT    NOT NULL, -- the row as a JSON object
  told    INTEGER NOT NULL DEFAULT 0
) STRICT;
`,
  `
-- The host that holds an incident which has not ended, and until when; see owner and lease_until of job.
ALTER TABLE incident ADD COLUMN owner TEXT;
ALTER TABLE incident ADD COLUMN lease_until INTEGER;
`,
  `
-- The last sign of life of loops, agents and programs outside.
CREATE TABLE heartbeat (
  kind TEXT    NOT NULL, -- loop, run, beat, ping
  name TEXT    NOT NULL,
  at   INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
`,
  `
-- What each agent did in a minute, an hour and a day; the sketches are JSON lists of bucket, count, bucket, count, …
CREATE TABLE aggregate (
  span            INTEGER NOT NULL, -- ms
  start           INTEGER NOT NULL,
  agent           TEXT    NOT NULL,
  done            INTEGER NOT NULL,
  dead            INTEGER NOT NULL,
  failed_attempts INTEGER NOT NULL,
  durations       TEXT    NOT NULL,
  lateness        TEXT    NOT NULL,
  memory_peak     INTEGER,
  PRIMARY KEY (span, start, agent)
) STRICT, WITHOUT ROWID;

-- Jobs that ended before that table came and are not summed up yet. No row: there are none.
CREATE TABLE aggregate_past (next_job INTEGER NOT NULL, last_job INTEGER NOT NULL, before INTEGER NOT NULL) STRICT;
INSERT INTO aggregate_past SELECT 1, id, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM job ORDER BY id DESC LIMIT 1;
`,
  `
CREATE INDEX job_cancelled ON job (state) WHERE state = 'cancelled';
`,
  `
ALTER TABLE heartbeat ADD COLUMN within_ms INTEGER;
`,
  `
-- Causes of incidents that nobody wants to be told of until then.
CREATE TABLE mute (fingerprint TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
  `
CREATE INDEX job_delivery ON job (agent) WHERE trigger = 'webhook';
`,
  `
-- Acts on many jobs. next_job: while collecting, jobs below it are still to be looked at; then the last item that has its result.
CREATE TABLE batch (
  id         INTEGER PRIMARY KEY,
  act        TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  next_job   INTEGER NOT NULL,
  total      INTEGER NOT NULL,
  done       INTEGER NOT NULL,
  stale      INTEGER NOT NULL,
  gone       INTEGER NOT NULL,
  failed     INTEGER NOT NULL,
  terms      TEXT    NOT NULL -- the rest of the order, as a JSON object
) STRICT;

-- The jobs of a batch, with the attempt at which each of them was when it became an item.
CREATE TABLE batch_item (
  batch   INTEGER NOT NULL,
  job     INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  result  TEXT,
  why     TEXT,
  PRIMARY KEY (batch, job)
) STRICT, WITHOUT ROWID;
`,
  `
-- Agents that listen to events of the host, and the last event that each was told of.
CREATE TABLE listener (agent TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
  `
-- Answers that cost something: what a model said of a cause, what a drill measured.
CREATE TABLE finding (
  kind   TEXT    NOT NULL, -- diagnosis, drill-models, drill-diagnosis
  key    TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  record TEXT    NOT NULL, -- a JSON object
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
`,
  `
-- What each agent spent on the models of a rung on a day of the host's zone. Money is in millionths of a dollar.
CREATE TABLE model_spend (
  day               TEXT    NOT NULL, -- 2026-11-27
  agent             TEXT    NOT NULL,
  rung              TEXT    NOT NULL, -- '': of calls whose ends nobody knows
  calls             INTEGER NOT NULL,
  prompt_tokens     INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  micros            INTEGER NOT NULL,
  failed_tries      INTEGER NOT NULL,
  unpriced_tokens   INTEGER NOT NULL,
  PRIMARY KEY (day, agent, rung)
) STRICT, WITHOUT ROWID;

-- The most that an agent can have spent on a day, written before its calls go out. No row: what model_spend says.
CREATE TABLE model_ahead (
  day    TEXT    NOT NULL,
  agent  TEXT    NOT NULL,
  calls  INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  micros INTEGER NOT NULL,
  PRIMARY KEY (day, agent)
) STRICT, WITHOUT ROWID;

-- What each agent used of the machine on a day of the host's zone.
CREATE TABLE agent_usage (
  day          TEXT    NOT NULL,
  agent        TEXT    NOT NULL,
  heap_kbs     INTEGER NOT NULL, -- kilobytes × seconds
  native_kbs   INTEGER NOT NULL,
  children_kbs INTEGER NOT NULL,
  cpu_ms       INTEGER NOT NULL,
  disk_bytes   INTEGER NOT NULL, -- the last that was measured
  PRIMARY KEY (day, agent)
) STRICT, WITHOUT ROWID;
`,
  `
-- The most workers and waiting jobs of the host in each ten minutes.
CREATE TABLE host_load (
  start   INTEGER PRIMARY KEY,
  workers INTEGER NOT NULL,
  busy    INTEGER NOT NULL,
  waiting INTEGER NOT NULL
) STRICT;
`,
  `
-- The event that an event came of, and who did it.
ALTER TABLE event ADD COLUMN cause INTEGER;
ALTER TABLE event ADD COLUMN who TEXT;
CREATE INDEX event_cause ON event (cause) WHERE cause IS NOT NULL;

-- The newest event about a thing: later events find their cause by its name.
CREATE TABLE event_about (name TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX event_about_event ON event_about (event);
`,
  `
-- What people are told of each trouble.
CREATE TABLE alert (
  id       TEXT    PRIMARY KEY,
  agent    TEXT,             -- NULL: the host
  since    INTEGER NOT NULL,
  ended_at INTEGER,
  record   TEXT    NOT NULL  -- the rest of it, as a JSON object
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_since ON alert (since);

-- Stretches of time in which people do not want to be told.
CREATE TABLE maintenance (
  id     INTEGER PRIMARY KEY,
  agent  TEXT,               -- NULL: everything
  begins INTEGER NOT NULL,
  ends   INTEGER NOT NULL,
  note   TEXT
) STRICT;
`,
  `
-- What the meter measures, by agent ('': the host), name and labels. seen: the last day with a value, in days since 1970.
CREATE TABLE metric_series (
  id     INTEGER PRIMARY KEY,
  agent  TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  labels TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  seen   INTEGER NOT NULL,
  UNIQUE (agent, name, labels, kind)
) STRICT;

-- The points of a series: the minutes of an hour, the hours of a day, the days of 32, packed. Points of one time add up.
CREATE TABLE metric_points (
  span   INTEGER NOT NULL, -- of a point, ms
  start  INTEGER NOT NULL, -- of the first that may be in it
  series INTEGER NOT NULL,
  points BLOB    NOT NULL,
  PRIMARY KEY (span, start, series)
) STRICT, WITHOUT ROWID;

-- Spans before that time are rolled up, and of the span that begins then the series up to that number.
CREATE TABLE metric_rolled (span INTEGER PRIMARY KEY, until INTEGER NOT NULL, series INTEGER NOT NULL) STRICT;

-- The meter measures these now.
DROP TABLE host_load;
`,
  `
-- What versions of agents ('': memory, and versions that nobody knows) did in minutes that are no points of series yet. The sketches are JSON
-- lists of bucket, count, bucket, count, …
CREATE TABLE minute_count (
  start           INTEGER NOT NULL,
  agent           TEXT    NOT NULL,
  version         TEXT    NOT NULL,
  done            INTEGER NOT NULL,
  dead            INTEGER NOT NULL,
  failed_attempts INTEGER NOT NULL,
  durations       TEXT    NOT NULL,
  lateness        TEXT    NOT NULL,
  memory_peak     INTEGER,
  PRIMARY KEY (start, agent, version)
) STRICT, WITHOUT ROWID;
-- After this step the rows of aggregate are carried over to the series, see carry-over.ts.
`,
  `
DROP TABLE aggregate;
`,
  `
-- The unfinished jobs of an agent's slots, however many others of its jobs wait: each due slot asks for them.
CREATE INDEX job_unfinished_slot ON job (agent, slot) WHERE slot IS NOT NULL AND state IN ('queued', 'running', 'retrying');
`,
  DEBOUNCE_STEP,
  KEY_LIMITS_STEP,
];

/** The number of the newest schema that this code writes and reads. */
export const SCHEMA = MIGRATIONS.length;
