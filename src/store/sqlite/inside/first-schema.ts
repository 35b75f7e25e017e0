/**
 * Schema 1, with which every store begins.
 *
 * The use of each index of `job`, since every index costs each job a little:
 * - `job_ready`: what to claim next. Priority and time are in it, age is the row itself.
 * - `job_running`, `job_retrying`, `job_dead`: small, and what a restart, a status and the dead letters read.
 * - `job_cancelled`: the newest few that were cancelled, among all the others. Rows are in it by their age.
 * - `job_agent`: an agent's jobs from the newest. Rows grow with time, so it also bounds a period (see `queue_hour`).
 * - `job_delivery`: an agent's jobs that deliveries made, from the newest.
 * - `job_key`, `job_slot`: only jobs that have one are in it.
 */
export const FIRST_SCHEMA = `
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
`;
