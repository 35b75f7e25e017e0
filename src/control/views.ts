/** What operations answer, as clients see it: times are ISO 8601, lengths milliseconds, sizes bytes. */
import type { PlainFault } from '../kernel/fault.ts';

/** What becomes of a changed config/daruma.yaml. */
export interface ConfigView {
  /** Its settings are tried; or those that last worked are in force in place of them. */
  is: 'on-probation' | 'taken-back';
  /** When they count as good at the latest; null when they are taken back. */
  until: string | null;
  /** Why they are taken back. */
  why: string | null;
  /** What it says differently from the settings that last worked, as text; secrets are hidden. */
  changed: { path: string; before: string; after: string }[];
}

export interface WhyView {
  agent: string;
  slot: string | null;
  state: string;
  steps: { at: string; what: string; why: string | null }[];
  sentence: string;
}

/** One disturbance of an agent, or of the host (agent null): what was seen, what was done, what came of it. */
export interface IncidentView {
  id: string;
  agent: string | null;
  verdict: string;
  /** open, healed, escalated, closed. */
  state: string;
  openedAt: string;
  /** null unless it was healed. */
  healedAt: string | null;
  /** Healed or closed. */
  endedAt: string | null;
  seen: string;
  version: string | null;
  jobs: string[];
  /** `outcome`: held, did not hold, or pending until the agent's next real job is done. */
  remedies: { kind: string; at: string; what: string; outcome: 'held' | 'did not hold' | 'pending' }[];
  timeline: { at: string; what: string; text: string }[];
  /** What was found; its times as ISO 8601. */
  evidence: Record<string, unknown> | null;
  fingerprint: string;
  /** How often the same came again before it ended. */
  repeats: number;
  note: string | null;
}

/** What came of a file in `plugins/` or `agents/` that was saved, moved or removed. */
export interface ChangeView {
  at: string;
  file: string;
  is: 'accepted' | 'rejected' | 'removed';
  plugin: string | null;
  /** That runs now; after a rejection the one before. */
  version: string | null;
  /** Agents that are made of it. */
  agents: string[];
  /** The next time that one of them is due. */
  nextSlot: string | null;
  /** From the change of the file until it was in force. */
  tookMs: number | null;
  problem: PlainFault | null;
}

/** A version of a plugin that is kept. */
export interface VersionView {
  id: string;
  madeAt: string;
  bytes: number;
  /** What it is to the agents in force: candidate (on trial), good, bad, or untried. */
  standing: 'candidate' | 'good' | 'bad' | 'untried';
  agents: { agent: string; is: string; runs: boolean; why?: string }[];
}

/** A line of a log, as it stands in the file. */
export interface LogLine {
  time: string;
  level: 'debug' | 'info' | 'warn' | 'error';
  msg: string;
  agent?: string;
  job?: string;
  worker?: string;
  [key: string]: unknown;
}

/** What came of a drill; `detectMs` and `repairMs` count from the fault. */
export interface DrillView {
  name: string;
  promise: string;
  detectMs: number | null;
  repairMs: number | null;
  promisedMs: number;
  lost: number;
  left: number;
  seen: string | null;
  ok: boolean;
  /** Why the machine cannot carry it; it is neither kept nor broken then. */
  skipped?: string;
}

export interface DrillNewsView {
  drill: string;
  at: string;
  what: 'started' | 'fault' | 'seen' | 'repaired' | 'memory' | 'done';
  text: string;
  memoryBytes?: number;
}

/** One key of an agent's state. */
export interface StateEntryView {
  key: string;
  value: unknown;
  /** Of its JSON text in UTF-8. */
  bytes: number;
  setAt: string;
}

export interface StateSizeView {
  agent: string;
  keys: number;
  bytes: number;
}

/** Why a job that waits does not start. */
export interface HoldUpView {
  /** A person's pause; the host's hold (safe mode); its agent is no more, or needs setup; a server that is down; the machine is short. */
  is: 'paused' | 'held' | 'quarantined' | 'off' | 'setup' | 'origin' | 'deferred';
  /** One sentence without times. */
  text: string;
  /** When it is over, or looked at again; null: nobody knows. */
  until: string | null;
  /** What a person can type to end it. */
  next: string | null;
}

/** The job that has a key: nothing was queued. */
export interface UsedKeyView {
  since: string;
  state: string;
  sameInput: boolean;
}

/** What was, or would be, done to many jobs: how many, and the first 1,000 of their ids. */
export interface ManyView {
  count: number;
  jobs: string[];
}
