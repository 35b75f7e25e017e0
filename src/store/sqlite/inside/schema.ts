/** The number of the newest schema that this code writes and reads. */
export const SCHEMA = 15;

/** Marks the file as one of ours (`DRMA`), so that another program's database is never touched. */
export const APPLICATION_ID = 0x44524d41;

/**
 * Numbered and forward only: step n takes a store from schema n − 1 to n, in one transaction. A step that was published
 * is never edited; the next one changes what it did.
 *
 * The use of each index of `job`, since every index costs each job a little:
 * - `job_ready`: what to claim next. Priority and time are in it, age is the row itself.
 * - `job_running`, `job_retrying`, `job_dead`: small, and what a restart, a status and the dead letters read.
 * - `job_cancelled`: the newest few that were cancelled, among all the others. Rows are in it by their age.
 * - `job_agent`: an agent's jobs from the newest. Rows grow with time, so it also bounds a period (see `queue_hour`).
 * - `job_delivery`: an agent's jobs that deliveries made, from the newest.
 * - `job_key`, `job_slot`: only jobs that have one are in it.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE job (
  id          INTEGER PRIMARY KEY,
  agent       TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  trigger     TEXT    NOT NULL,
  priority    INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  allowed     INTEGER NOT NULL, -- attempts that it was given; what a redrive gives again
  queued_at   INTEGER NOT NULL,
  run_at      INTEGER NOT NULL,
  stale_at    INTEGER,
  slot        INTEGER,
  key         TEXT,
  version     TEXT,
  owner       TEXT,             -- who holds the latest attempt; means something while running only
  lease_until INTEGER,
  started_at  INTEGER,
  finished_at INTEGER,
  cause       TEXT,
  error       TEXT,             -- a PlainFault as JSON
  summary     TEXT,
  result      TEXT,
  input       TEXT
) STRICT;
CREATE INDEX job_ready ON job (agent, priority DESC, run_at) WHERE state IN ('queued', 'retrying');
CREATE INDEX job_running ON job (agent) WHERE state = 'running';
CREATE INDEX job_retrying ON job (agent, cause) WHERE state = 'retrying';
CREATE INDEX job_dead ON job (cause, agent, finished_at) WHERE state = 'dead';
CREATE INDEX job_agent ON job (agent);
CREATE UNIQUE INDEX job_key ON job (agent, key) WHERE key IS NOT NULL;
CREATE INDEX job_slot ON job (agent, slot) WHERE slot IS NOT NULL;

-- The first job that was queued in each hour: a time becomes a lower bound of rows, whatever the clock did.
CREATE TABLE queue_hour (hour INTEGER PRIMARY KEY, first_job INTEGER NOT NULL) STRICT;

-- Attempts that failed.
CREATE TABLE attempt (
  job         INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,
  agent       TEXT    NOT NULL,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  worker      TEXT,
  fault       TEXT    NOT NULL,
  PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_agent ON attempt (agent, finished_at);

CREATE TABLE effect (
  job      INTEGER NOT NULL,
  key      TEXT    NOT NULL,
  attempt  INTEGER NOT NULL,
  begun_at INTEGER NOT NULL,
  ended_at INTEGER,
  result   TEXT,
  PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
  agent  TEXT    NOT NULL,
  key    TEXT    NOT NULL,
  value  TEXT    NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (agent, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (agent TEXT PRIMARY KEY, until INTEGER, paused_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
  agent      TEXT    NOT NULL,
  due        INTEGER NOT NULL,
  state      TEXT    NOT NULL,
  reason     TEXT,
  job        INTEGER,
  planned_at INTEGER NOT NULL,
  decided_at INTEGER,
  PRIMARY KEY (agent, due)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_planned ON slot (due, agent) WHERE state = 'planned';
CREATE INDEX slot_due ON slot (due);

CREATE TABLE event (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  kind    TEXT    NOT NULL,
  agent   TEXT,
  message TEXT    NOT NULL,
  data    TEXT
) STRICT;
CREATE INDEX event_at ON event (at);
CREATE INDEX event_kind ON event (kind, at);
CREATE INDEX event_agent ON event (agent, at) WHERE agent IS NOT NULL;

-- Running totals of each agent and hour. first_job and last_job bound the rows that ended in the hour.
CREATE TABLE hour_total (
  hour            INTEGER NOT NULL,
  agent           TEXT    NOT NULL,
  done            INTEGER NOT NULL,
  dead            INTEGER NOT NULL,
  failed_attempts INTEGER NOT NULL,
  first_job       INTEGER,
  last_job        INTEGER,
  ended_job       INTEGER, -- the latest that ended
  PRIMARY KEY (hour, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX hour_total_agent ON hour_total (agent, hour);
`,
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
];
