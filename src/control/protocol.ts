/**
 * The control socket speaks lines of JSON. A request is `{ id, op, args }`; its answer `{ id, ok: true, value }` or
 * `{ id, ok: false, error }`; an op that streams sends `{ id, item }` before its answer. One connection carries any number of requests.
 */
import type { PlainFault } from '../kernel/fault.ts';
import type { OriginView } from './origins.ts';
import type { RehearsalView } from './rehearsal.ts';
import type { SecretsView } from './secrets.ts';
import type {
  ChangeView,
  ConfigView,
  DrillNewsView,
  DrillView,
  HoldUpView,
  IncidentView,
  LogLine,
  ManyView,
  StateEntryView,
  StateSizeView,
  UsedKeyView,
  VersionView,
  WhyView,
} from './views.ts';

export type * from './views.ts';

export type Request = { id: number; op: string; args: unknown };
export type Answer =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; error: PlainFault }
  | { id: number; item: unknown };

/** Times are ISO 8601 UTC with milliseconds, durations end in `Ms`, sizes in `Bytes`. Fields are added, never renamed. */
export interface JobView {
  id: string;
  agent: string;
  version: string | null;
  state: string;
  trigger: string;
  attempt: number;
  attempts: number;
  slot: string | null;
  key: string | null;
  priority: number;
  queuedAt: string;
  runAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  durationMs: number | null;
  input: unknown;
  result: unknown;
  summary: string | null;
  error: PlainFault | null;
  cause: string | null;
  /** What holds it up while it is retrying, as `https://api.example`: it waits, and loses no attempt. */
  waitsFor?: string | null;
  /** While it is retrying: how often in a row its plugin asked to be tried later (RetryLater), which loses no attempt for a day. */
  waits?: number;
  /** The job that made it by a send or an emit, and the hops from the one that no job made. */
  madeBy?: string | null;
  hops?: number;
  /** Why it does not start; null when nothing holds it up but its own time or a free worker. Missing while the host is down. */
  holdUp?: HoldUpView | null;
  /** Only in `job`: every failed attempt. */
  failures?: { attempt: number; startedAt: string; finishedAt: string; worker: string | null; error: PlainFault }[];
}

export interface AgentView {
  name: string;
  plugin: string;
  about: string;
  version: string | null;
  /** Of that version: good, candidate (on trial), pinned (held by a person), rolled-back; null: nothing of it is known. */
  standing?: string | null;
  /** new, ok, running, retrying, late, healing, quarantined, failed, unscheduled (no next run), done (its schedule has ended), paused, needs setup, off. */
  state: string;
  /** One sentence that says why it is in that state. */
  why: string;
  schedule: string | null;
  timezone: string | null;
  /** `from 2026-12-01 until 2027-03-31`: what bounds the schedule; null: nothing does. */
  range?: string | null;
  /** What its jobs may be given, as JSON Schema draft 7, and whether that may be nothing; null: anything. */
  input?: { schema: unknown; takesNothing: boolean } | null;
  lastJob: JobView | null;
  nextSlot: string | null;
  p95Ms: number | null;
  memory: { usedBytes: number | null; limitBytes: number };
  workers: { now: number; min: number; max: number };
  queued: number;
  /** All that waits: queued, and before another attempt. */
  waiting?: number;
  dead: number;
  /** The last 24 hours, oldest first. */
  hours: { done: number; dead: number }[];
  /** What is wrong with its plugin or agent file, when an older version goes on running or nothing runs. */
  problem: PlainFault | null;
}

export interface StatusView {
  host: {
    version: string;
    pid: number;
    startedAt: string;
    folder: string;
    /** Who starts it again when it ends; null: nobody does. */
    watchedBy: 'guardian' | 'systemd' | null;
    /** The guardian's process id. */
    guardian: number | null;
    /** It failed to start again and again, and holds its agents. */
    safeMode: boolean;
    memoryBytes: number;
    loopLagMs: number;
    cells: number;
    workers: number;
    queued: number;
    /** All that waits: queued, and before another attempt. */
    waiting?: number;
    socket: string;
    store: string;
    logs: string;
    /** Of config/daruma.yaml; null or missing: it says what is known to be good. */
    config?: ConfigView | null;
  } | null;
  edge: { url: string; pid: number } | null;
  agents: AgentView[];
  /** Not ended; healed within the last 24 hours. */
  incidents: { open: number; healedToday: number };
  /** Servers that agents call: those that are down first, then the newest, at most 100. Empty while the host is down. */
  origins?: OriginView[];
  /** Files that were rejected and plugins that are idle. */
  problems: PlainFault[];
  /** What may be meant so, and is worth a line. */
  notes?: PlainFault[];
}

/** Every op: what it takes and what it answers. */
export interface Ops {
  /** Who answers. The folder is missing in answers of older hosts; its id is what it is whatever it is called. */
  ping: {
    args: Record<string, never>;
    value: { pid: number; version: string; startedAt: string; folder?: string; folderId?: string | null };
  };
  status: { args: { agent?: string }; value: StatusView };
  jobs: {
    args: {
      agent?: string;
      states?: string[];
      since?: string;
      cause?: string;
      before?: string;
      limit?: number;
      /** Also those of drills; default false, unless `agent` names a drill's. */
      drills?: boolean;
    };
    value: JobView[];
  };
  /** With `wait` it answers as soon as the job has ended, otherwise at once. */
  job: { args: { id: string; wait?: boolean }; value: JobView };
  run: {
    args: { agent: string; input?: unknown; wait?: boolean; key?: string; priority?: number; attempts?: number };
    value: JobView & { usedKey?: UsedKeyView | null };
  };
  cancel: { args: { id: string }; value: JobView };
  /** All unfinished jobs of an agent or a cause, or those of some states. `jobs`: the first 1,000 ids. */
  cancelMany: {
    args: { agent?: string; states?: string[]; cause?: string; dryRun?: boolean };
    value: ManyView & { dryRun: boolean };
  };
  why: { args: { agent: string; at?: string }; value: WhyView };
  /** The times at which the agent's schedule will ask for jobs; none for an agent without a schedule. `n`: 1–100, default 5. */
  next: {
    args: { agent: string; n?: number };
    value: {
      agent: string;
      schedule: string | null;
      timezone: string | null;
      /** What the schedule will do, in words; null without one. */
      words?: string | null;
      /** What a reader could take for something else. */
      notes?: string[];
      times: string[];
    };
  };
  slots: {
    args: { agent?: string; from: string; to: string };
    value: { agent: string; due: string; state: string; reason: string | null; job: string | null }[];
  };
  dlq: {
    args: { drills?: boolean };
    value: { cause: string; agent: string; count: number; firstAt: string; lastAt: string; example: JobView }[];
  };
  /** `states`: dead (default), cancelled. */
  replay: {
    args: { id?: string; cause?: string; agent?: string; states?: string[]; dryRun?: boolean };
    value: ManyView & { dryRun: boolean };
  };
  drop: { args: { id?: string; cause?: string; agent?: string; dryRun?: boolean }; value: ManyView };
  /** Newest first. `open`: only those that have not ended. `since`: not ended, or ended then or later. */
  incidents: {
    args: { agent?: string; open?: boolean; since?: string; limit?: number; drills?: boolean };
    value: IncidentView[];
  };
  incident: { args: { id: string }; value: IncidentView };
  /** Closes an incident by hand; one that has ended only gets the note. */
  ack: { args: { id: string; note?: string }; value: IncidentView };
  pause: { args: { agent: string; forMs?: number }; value: { agent: string; until: string | null } };
  resume: { args: { agent: string }; value: { agent: string } };
  /** Newest first. `plugin`: its name, or that of an agent of it. */
  versions: { args: { plugin: string }; value: { plugin: string; versions: VersionView[] } };
  /** The author's files of a version; `version`: the first digits are enough. */
  sources: {
    args: { plugin: string; version: string };
    value: { plugin: string; files: { path: string; text: string }[] };
  };
  /** Without `version`: to the good one before. `force`: also to one that is known to be bad. `latest`: follow the files again. */
  rollback: {
    args: { agent: string; version?: string; force?: boolean; latest?: boolean };
    value: { agent: string; before: string; version: string; standing: string };
  };
  /**
   * Runs the newest source of an agent, or of all agents of a plugin, on the inputs of its last jobs; nothing that it does
   * gets out. Streams a `RehearsedView` for each job. `last`: 1–1000, default 20. `live`: GET and HEAD are done.
   */
  rehearse: {
    args: { name: string; last?: number; file?: string; against?: string; live?: boolean };
    value: RehearsalView;
  };
  /** Who holds state; agents that are gone, too. */
  stateSizes: { args: Record<string, never>; value: StateSizeView[] };
  /** What an agent keeps in `context.state`, by key; of one key when it is named. */
  state: { args: { agent: string; key?: string }; value: StateEntryView[] };
  /** `value` undefined: the key is deleted. Answers what was there. */
  stateSet: { args: { agent: string; key: string; value?: unknown }; value: { before: StateEntryView | null } };
  /** Gives the state of an agent, which may be gone, to another one; keys that it has already stay as they are. */
  stateMove: { args: { from: string; to: string }; value: { moved: string[]; kept: string[] } };
  /** Sets aside every row of the store that cannot be read; answers how many. */
  storeMend: { args: Record<string, never>; value: { mended: number } };
  level: { args: { agent: string; level: string }; value: { agent: string; level: string } };
  /** Names and places of the secrets that agents declare, looked at now; no values. */
  secrets: { args: Record<string, never>; value: SecretsView };
  /** `notes`: what may be meant so, and is worth a line. */
  check: { args: Record<string, never>; value: { agents: string[]; problems: PlainFault[]; notes?: PlainFault[] } };
  /** Without `agent`: of the host, with what becomes of its file. */
  configShow: {
    args: { agent?: string };
    value: { values: { path: string; value: unknown; origin: string }[]; config?: ConfigView | null };
  };
  /** Ends the probation of config/daruma.yaml by hand: back to the settings that last worked, until it is changed. */
  configRollback: { args: Record<string, never>; value: { changed: ConfigView['changed'] } };
  /** What config/daruma.yaml says counts as good and comes in force, whatever was seen of it. */
  configForce: { args: Record<string, never>; value: { changed: ConfigView['changed'] } };
  /** Streams {@link LogLine}s as they are written, until the client closes. `level` is the lowest that is sent. */
  follow: { args: { agent?: string; job?: string; level?: string }; value: null };
  /** Puts faults into canaries, one after the other, and measures. Streams what happens as {@link DrillNewsView}. No names: all. */
  drill: { args: { names?: string[] }; value: DrillView[] };
  /** Streams a {@link ChangeView} for each file that changes, until the client closes. */
  changes: { args: Record<string, never>; value: null };
  /** Answers before the host begins to stop; the host is gone when its process is. */
  stop: { args: Record<string, never>; value: { pid: number } };
}

export type Op = keyof Ops;
