/** The step of the schema by which one job takes the inputs of further ones over. */
export const DEBOUNCE_STEP = `
-- The key by which a job of an agent that debounces takes the input of the next ones over; NULL: it does not.
ALTER TABLE job ADD COLUMN debounce TEXT;
CREATE INDEX job_debounce ON job (agent, debounce) WHERE debounce IS NOT NULL AND state = 'queued' AND attempt = 0;

-- Keys that were given with an input that such a job took over.
CREATE TABLE further_key (
  agent TEXT    NOT NULL,
  key   TEXT    NOT NULL,
  job   INTEGER NOT NULL,
  PRIMARY KEY (agent, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX further_key_job ON further_key (job);
`;

/** The step of the schema by which jobs beyond the limit of their key are set aside. */
export const KEY_LIMITS_STEP = `
-- Jobs that are due and wait for the limit of their key. Their run_at is the last time that there is, so that no claim looks at them; their own
-- is due_at.
CREATE TABLE limited_job (
  job      INTEGER PRIMARY KEY,
  agent    TEXT    NOT NULL,
  key      TEXT    NOT NULL,
  priority INTEGER NOT NULL,
  due_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX limited_job_key ON limited_job (agent, key, priority DESC, due_at, job);

-- When attempts of jobs began whose agent has a rate for each key; kept as long as the rate counts them.
CREATE TABLE limited_start (
  job   INTEGER NOT NULL,
  agent TEXT    NOT NULL,
  key   TEXT    NOT NULL,
  at    INTEGER NOT NULL
) STRICT;
CREATE INDEX limited_start_key ON limited_start (agent, key, at);
CREATE INDEX limited_start_at ON limited_start (agent, at);
CREATE INDEX limited_start_job ON limited_start (job);
`;
