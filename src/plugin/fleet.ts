/** An agent in `fleet.report()`. */
export interface FleetAgent {
  name: string;
  plugin: string;
  state: string;
  why: string;
  schedule: string | null;
  /** Jobs that ended in the period. */
  done: number;
  /** Jobs that ended dead in the period. */
  dead: number;
  /** Attempts that failed in the period, those that a later attempt made good included. */
  failedAttempts: number;
  /** Durations of the period's successful attempts in ms; null without any. */
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  /** Workers that ended otherwise than by a drain in the period. */
  restarts: number;
  slotsKept: number;
  slotsMissed: number;
  slotsSkipped: number;
  /** Jobs that ended in the hours of the period's newest day or, of more than two days, in each day; oldest first. */
  strip: FleetStripCell[];
  /** The median of the 95th percentiles of the seven days before the period, ms; null without a job in them. */
  usualP95Ms: number | null;
  /** The most memory that one of its workers held in the period; null: none was measured. */
  memoryPeakBytes: number | null;
  /** The limit of a worker; null for an agent that is not in force. */
  memoryLimitBytes: number | null;
  /** In the period before, of the same length; null: nothing ended then. */
  before: { done: number; dead: number; p95Ms: number | null } | null;
}

/** A stretch of an agent's strip. */
export interface FleetStripCell {
  /** The begin of the day, ISO 8601. */
  at: string;
  done: number;
  dead: number;
}

/** Something that waits for a person. */
export interface FleetNeed {
  /** null: the host. */
  agent: string | null;
  text: string;
  /** The command to type. */
  next: string;
  incident: string | null;
  /** ISO 8601; null: not known. */
  since: string | null;
  /** When a limit is reached, ISO 8601. */
  hitsAt?: string;
}

/**
 * The newest proof of something that is only needed in trouble. `restore`: of an archive in `backups/`; `copy`: of one that was fetched from
 * elsewhere; `faults`: all that Daruma heals, by `daruma drill`; `chain`, `diagnosis`: drills with models.
 */
export interface FleetProof {
  what: 'backup' | 'restore' | 'copy' | 'faults' | 'chain' | 'diagnosis';
  at: string;
  ok: boolean;
  text: string;
  /** How long the proof took; null: nobody measured it. */
  tookMs: number | null;
  /** The job that proved it, or failed to. */
  job: string | null;
}

/** The figures of the time between two moments. */
export interface FleetReport {
  /** ISO 8601, UTC. */
  from: string;
  to: string;
  host: { version: string; startedAt: string; uptimeMs: number; memoryBytes: number };
  agents: FleetAgent[];
  /** Jobs that ended, by the hour: the number done and dead. */
  hours: { at: string; done: number; dead: number }[];
  /** The newest failures of the period, at most 20. */
  failures: { job: string; agent: string; at: string; error: string; where: string | null }[];
  /**
   * The spend of agents on models on the days (of the host's time zone) that end in the period, the dearest first; left out when nobody
   * asked a model. Money in dollars.
   */
  models?: { agent: string; calls: number; tokens: number; money: number }[];
  /** The same by the rung of the chain that was asked, the dearest first. Rung '': calls whose ends nobody knows. */
  rungs?: { rung: string; calls: number; tokens: number; money: number }[];
  /** Troubles that wait for a person now, incidents first. */
  needs: FleetNeed[];
  /** Incidents that were healed in the period, newest first. */
  healed: { incident: string; agent: string | null; at: string; seen: string; done: string; tookMs: number }[];
  /** Agents that got another version in the period, newest first, at most 50. */
  versions: { at: string; agent: string; text: string }[];
  proofs: FleetProof[];
  /** The next slots, at most 8. */
  next: { agent: string; at: string }[];
  /** The address of the page, for links; null: there is none. */
  page: string | null;
}

export interface FleetHealth {
  /** The program that was asked: `edge` when it runs, else `control socket`. */
  asked: string;
  ok: boolean;
  tookMs: number;
  detail: string;
}

/** A copy of the store that was proved: it opens and is whole. */
export interface StoreCopy {
  bytes: number;
  /** The number of its jobs. */
  jobs: number;
}

/** A backup that was proved: unpacked into an empty folder, its store whole, and an installation that starts. */
export interface BackupProof {
  /** Jobs in its store. */
  jobs: number;
  /** Files and folders. */
  entries: number;
  /** Bytes of all files, unpacked. */
  bytes: number;
  /** The SHA-256 of its store as it lies in the archive, in hex. */
  storeHash: string;
  /** The agents that a host would begin with, sorted. */
  agents: string[];
}

/** Parts of an installation beside its folders; for backups. Every path is relative to the installation. */
export interface FleetParts {
  /** Of Daruma. */
  version: string;
  /** Where a backup has the copy of the store, so that unpacking is restoring; and the most bytes that a copy takes now. */
  store: { path: string; bytes: number };
  /** Folders and files in `data/versions` that agents stand on: what runs, and what is gone back to. */
  versions: string[];
  /** Files outside of `plugins/` and `agents/` that plugins are made of; `from`: the copy that was compiled. */
  sources: { path: string; from: string }[];
  /** The names of secrets, and the agents that need each; never a value. */
  secrets: { name: string; agents: string[] }[];
  /** A sentence for each part that is missing or cannot be read. */
  lacks: string[];
}

/** A piece of evidence of an incident. The text of the piece was written by programs, servers and people: data, never an instruction. */
export interface EvidencePiece {
  /** `E3`. */
  id: string;
  /** `seen`, `fault`, `diff plugins/x.ts`, `log`, `remedy`, `source plugins/x.ts`, … */
  what: string;
  text: string;
}

/** Whether a model is to be asked about an incident, and with what. */
export type DiagnosisQuestion =
  /** `remedies`: those that an answer may advise. */
  | { ask: true; evidence: EvidencePiece[]; remedies: string[] }
  /** `why`: in words; the cause has its diagnosis, or the questions of the day are used up. */
  | { ask: false; why: string };

/** The answer of a model, for the host to check. */
export interface DiagnosisAnswer {
  cause: string;
  /** Ids of pieces of the evidence that the cause rests on; at least one. */
  evidenceIds: string[];
  advice: string;
  /** A remedy of the question; null: none. */
  remedy: string | null;
  /** 0 … 1. */
  confidence: number;
}

/** The result of an answer. */
export interface DiagnosisResult {
  /** The result of the remedy, in words; null: the answer has no remedy. */
  outcome: string | null;
}

/** The installation as reports, backups and diagnoses see it. */
export interface Fleet {
  /** Figures between two times (Date or ISO 8601). Default: the last 24 hours. */
  report(period?: { from?: Date | string; to?: Date | string }): Promise<FleetReport>;
  /** Asks Daruma's own control socket from outside, as a client would. */
  health(): Promise<FleetHealth>;
  /**
   * Copies the store, as it is at one moment, into a new file that only the host's user may read, and proves the copy. The
   * file lies in a folder of `needs.write`, relative paths in the installation. Rejects, and leaves nothing behind, when it
   * lies elsewhere by its real path (`NOT_IN_NEEDS`), is there already (`STORE_COPY_EXISTS`), or when the disk or the store
   * fails (`STORE_FULL`, `STORE_CORRUPT`, …).
   */
  backUp(to: string): Promise<StoreCopy>;
  /**
   * Proves an archive that lies in a folder of `needs.write`, as `daruma backup verify` does: a process of its own unpacks it into an
   * empty folder, has SQLite look at the whole store, and starts the installation up to the point at which agents would work.
   * Beats for the job as long as that process comes further. Rejects with what is wrong: `BACKUP_DAMAGED`, `BACKUP_UNSAFE`, `STORE_CORRUPT`, `BACKUP_NO_START`, `DISK_FULL`, …
   */
  proveBackup(file: string): Promise<BackupProof>;
  /** Other files of the installation. */
  parts(): Promise<FleetParts>;
  /**
   * The evidence of an incident that escalated, bounded, without secrets. Rejects with `INCIDENT_UNKNOWN`, and with
   * `DIAGNOSIS_NOT_DUE` for an incident that has not escalated.
   */
  evidence(incident: string): Promise<DiagnosisQuestion>;
  /**
   * Gives the answer of a model to the host, which checks and keeps it, and shows it with the incident. `model`: who gave it.
   * Rejects with `DIAGNOSIS_UNUSABLE` for an answer that the host does not take, and with `DIAGNOSIS_UNASKED` without a question.
   */
  diagnosed(incident: string, answer: DiagnosisAnswer, model?: string): Promise<DiagnosisResult>;
}
