import type { Agent } from '../jobs/agent.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Rejection } from './rollout/probation.ts';
import type { StoredVersion } from './versions/versions.ts';

/** What changed in the set of agents that are in force. */
export interface CatalogChange {
  added: Agent[];
  changed: { before: Agent; after: Agent }[];
  removed: Agent[];
}

/** State of an agent that runs: `good`, on `probation`, held by a person (`pinned`), or the good one in place of a bad one (`rolled-back`). */
export type RolloutState = 'good' | 'probation' | 'pinned' | 'rolled-back';

/** Everything that the folders name, in force or not, for people. */
export interface Listing {
  name: string;
  plugin: string;
  /** `live`: in force · `off`: `enabled: false` · `idle`: nothing triggers it (it can be run by hand) · `rejected`: no version of it is good. */
  is: 'live' | 'idle' | 'off' | 'rejected';
  why: string;
  /** What is wrong with the newest state of its files, also while an older version goes on running. */
  problem: PlainFault | null;
  /** Of an agent in force: whether what runs is good, on probation, held by a person, or in place of something bad. */
  rollout?: RolloutState;
}

/** An agent that went with a change of its files within the last seven days, and has not come back. */
export interface GoneAgent {
  agent: string;
  plugin: string;
  /** Epoch ms. */
  at: number;
  /** It ran by itself until this file named its plugin; null: its own files are gone. */
  by: string | null;
  /** The agent of the same plugin that came when it went: it was renamed. */
  heir: string | null;
}

/** One value of an agent or of the host, and where it was said: `default`, `plugins/x.ts`, `agents/x.yaml:6:3`, `config/daruma.yaml:2:1`. */
export interface ValueSource {
  path: string;
  value: unknown;
  origin: string;
}

/** An agent whose state in force is not known to be good yet. */
export interface Probationer {
  agent: Agent;
  /** Epoch ms. */
  since: number;
  /** Causes of failure that are not held against the agent: the good state has them as well. */
  waived: readonly string[];
  /** What it goes back to; null: there is nothing. */
  good: Agent | null;
}

/** A version that is kept. */
export interface VersionFacts {
  id: string;
  /** Epoch ms. */
  madeAt: number;
  bytes: number;
  /** What it is to agents in force; empty: it has never run, or long ago. */
  agents: { agent: string; is: 'good' | 'probation' | 'bad'; runs: boolean; why?: string }[];
}

export interface RollBackRequest {
  /** The id or its first digits, 4 at least; undefined: the good state before. */
  version?: string;
  /** Also to a version that is known to be bad. */
  force?: boolean;
}

/** Which states of agents are good. Every change is in force, and told to those who listen, when the call returns. */
export interface Rollouts {
  probationers(): Probationer[];
  /** The state on probation is good. False: it is not in force any more. */
  approve(agent: string, fingerprint: string): boolean;
  /** The state on probation is bad: the good one is in force from now on. False: it is not in force, or nothing came before. */
  reject(agent: string, fingerprint: string, rejection: Rejection): boolean;
  /** The rejected state is tried again; failures of the cause do not count. */
  waive(agent: string, fingerprint: string, cause: string): boolean;
  /** Holds the agent to an older state until its files change; resolves with what is in force. Rejects with a Fault. */
  rollBack(agent: string, ask: RollBackRequest): Promise<Agent>;
  /** Ends that, and forgives what the files say now. */
  latest(agent: string): Agent;
  /** What the files of the agent say, in force or not, and the newest state that is known to be good. Throws a Fault. */
  statesOf(agent: string): { wanted: Agent; good: Agent | null };
  /** The agent on another version, by its id (or first digits) or itself; nothing that runs changes. Rejects with a Fault. */
  resolveOn(agent: string, version: string | StoredVersion): Promise<Agent>;
  /** Oldest first. */
  versionsOf(plugin: string): VersionFacts[];
  /** The author's files of a version: path → text. Rejects with a Fault for an unknown one. */
  sourcesOf(plugin: string, version: string): Promise<Map<string, string>>;
}

/** What came of a change of one file, for people who wait for it. */
export interface FileReport {
  /** Relative to the installation. */
  file: string;
  is: 'accepted' | 'rejected' | 'removed';
  /** null when nobody knows which. */
  plugin: string | null;
  /** What runs now, in case of a rejection the one before; null for nothing. */
  version: string | null;
  /** Agents in force that are made of it. */
  agents: string[];
  /** From the change to now; null when the file does not tell. */
  tookMs: number | null;
  problem: PlainFault | null;
}

/** Reads `plugins/` and `agents/`, and hands out the set of agents in force. A rejected file changes nothing that runs. */
export interface Catalog extends Service {
  /** Agents in force, by name; those that are idle included, for they can be run by hand. */
  agents(): ReadonlyMap<string, Agent>;
  listings(): Listing[];
  /** Every problem of the newest state of the files. */
  problems(): PlainFault[];
  /** What may be meant so, and is worth a line: nothing has to be done about it. */
  notes(): PlainFault[];
  /** Newest last. */
  gone(): readonly GoneAgent[];
  /** Looks at the folders now; resolves when all that is found is in force or rejected. */
  rescan(): Promise<void>;
  /** Each value of an agent with its origin; undefined for an unknown agent. */
  origins(agent: string): ValueSource[] | undefined;
  rollouts: Rollouts;
  /** Deletes every version that nobody needs; resolves with the bytes that came free. */
  shrink(): Promise<number>;
  /** Calls back after each change of the set, and once after `start`; returns what ends it. */
  onChange(call: (change: CatalogChange) => void): () => void;
  /** Calls back for each file that was changed after `start`, when it is in force or rejected; returns what ends it. */
  onFileReport(call: (report: FileReport) => void): () => void;
}

export interface CatalogNeeds {
  time: Time;
  log: Log;
  /** The zone of schedules that name none. */
  hostTimezone(): string;
}

export interface CatalogOptions {
  /** The installation, absolute and without symbolic links. */
  folder: string;
  /** Where versions are kept; absolute. It is made when missing. */
  versionsFolder: string;
  /** What all kept versions may take together, asked each time; default 256 MB. Good versions stay in any case. */
  versionsBudgetBytes?: () => number;
  /** Folders outside of the installation to which links in `plugins/` may lead; absolute or relative to it. Default: none. */
  linkFolders?: readonly string[];
  /** A file that has not changed for this long is finished. Default 100 ms. */
  settleMs?: number;
  /** A file that is missing or empty for this long is meant to be. Default 2 s. */
  goneMs?: number;
  /** Everything is looked at this often, whatever the watcher says. Default 30 s. */
  scanMs?: number;
  /** The longest that compiling one plugin may take. Default 20 s. */
  compileMs?: number;
  /** The longest that loading one plugin may take. Default 5 s. */
  inspectMs?: number;
  /** The builder is kept this long after its last request. Default 10 s. */
  warmMs?: number;
}
