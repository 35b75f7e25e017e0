import type { Agent } from '../jobs/agent.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Rejection } from './rollout/probation.ts';
import type { StoredVersion } from './versions/versions.ts';

/** A change of the set of agents that are in force. */
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
  /**
   * `live`: in force · `off`: `enabled: false` · `idle`: no trigger starts it (it can be run by hand) · `rejected`: no
   * version of it is good.
   */
  is: 'live' | 'idle' | 'off' | 'rejected';
  why: string;
  /** The problem of the newest state of its files, also while an older version goes on running. */
  problem: PlainFault | null;
  /** The state of an agent in force: good, on probation, held by a person, or in place of a bad state. */
  rollout?: RolloutState;
}

/** An agent that went with a change of its files within the last seven days, and has not come back. */
export interface GoneAgent {
  agent: string;
  plugin: string;
  /** Epoch ms. */
  at: number;
  /** The file that named the plugin, after which the agent no longer ran by itself; null: its own files are gone. */
  by: string | null;
  /** The agent of the same plugin that came when it went: it was renamed. */
  heir: string | null;
}

/**
 * A value of an agent or of the host, and its place: `default`, `plugins/x.ts`, `agents/x.yaml:6:3`,
 * `config/daruma.yaml:2:1`.
 */
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
  /** The state that a rollback goes to; null: there is none. */
  good: Agent | null;
}

/** A version that is kept. */
export interface VersionFacts {
  id: string;
  /** Epoch ms. */
  madeAt: number;
  bytes: number;
  /** The agents in force that know the version; empty: it has never run, or long ago. */
  agents: { agent: string; is: 'good' | 'probation' | 'bad'; runs: boolean; why?: string }[];
}

/** An agent whose files describe a state that was rejected on probation. */
export interface RolledBack extends Pick<Rejection, 'kind' | 'why'> {
  agent: string;
  /** The id of the rejected version, and of the version in force; equal when the settings were to blame. */
  bad: string;
  good: string;
  /** When the version was rejected, epoch ms. */
  at: number;
}

/** The order to roll an agent back. */
export interface RollBackRequest {
  /** The id or its first digits, 4 at least; undefined: the good state before. */
  version?: string;
  /** Allows a version that is known to be bad. */
  force?: boolean;
}

/** Which states of agents are good. Every change is in force, and told to those who listen, when the call returns. */
export interface Rollouts {
  probationers(): Probationer[];
  /** The same of one agent; undefined: it has no state on probation. */
  probationer(agent: string): Probationer | undefined;
  /** Marks the state on probation as good. False: it is not in force any more. */
  approve(agent: string, fingerprint: string): boolean;
  /**
   * Marks the state on probation as bad: the good state is in force from now on. False: it is not in force, or no state
   * came before.
   */
  reject(agent: string, fingerprint: string, rejection: Rejection): boolean;
  /** Tries the rejected state again; failures of the cause do not count. */
  waive(agent: string, fingerprint: string, cause: string): boolean;
  /** Holds the agent to an older state until its files change; resolves with what is in force. Rejects with a Fault. */
  rollBack(agent: string, ask: RollBackRequest): Promise<Agent>;
  /** Ends that, and forgives the state that the files describe now. */
  latest(agent: string): Agent;
  /**
   * The state that the agent's files describe, in force or not, and the newest state that is known to be good. Throws a
   * Fault.
   */
  statesOf(agent: string): { wanted: Agent; good: Agent | null };
  /** The agent on another version, by its id (or first digits) or itself; nothing that runs changes. Rejects with a Fault. */
  resolveOn(agent: string, version: string | StoredVersion): Promise<Agent>;
  /** The agents that are rolled back: the state that their files describe was rejected. */
  rolledBack(): RolledBack[];
  /** Oldest first. */
  versionsOf(plugin: string): VersionFacts[];
  /** The author's files of a version: path → text. Rejects with a Fault for an unknown one. */
  sourcesOf(plugin: string, version: string): Promise<Map<string, string>>;
}

/** The result of a change of one file, for people who wait for it. */
export interface FileReport {
  /** Relative to the installation. */
  file: string;
  is: 'accepted' | 'rejected' | 'removed';
  /** Null for a file that belongs to no known plugin. */
  plugin: string | null;
  /** The version that runs now, in case of a rejection the version before; null for none. */
  version: string | null;
  /** Agents in force that are made of it. */
  agents: string[];
  /** Time from the change to now; null when the file does not show it. */
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
  /** Notes: nobody has to act on them. */
  notes(): PlainFault[];
  /** Newest last. */
  gone(): readonly GoneAgent[];
  /** Whether everything that was found is in force or rejected. False after `start` where plugins take longer than it waits for them. */
  isSettled(): boolean;
  /** Resolves as soon as that is so, at the latest after `withinMs`. */
  settled(withinMs: number): Promise<void>;
  /** Scans the folders now; resolves when everything found is in force or rejected. */
  rescan(): Promise<void>;
  /** An agent that its file switches off, as it would be in force; undefined: it is not off, or its plugin is not good. Rejects with a Fault. */
  switchedOff(agent: string): Promise<Agent | undefined>;
  /** Each value of an agent with its origin; undefined for an unknown agent. */
  origins(agent: string): ValueSource[] | undefined;
  rollouts: Rollouts;
  /** Deletes every version that nobody needs; resolves with the bytes that came free. */
  shrink(): Promise<number>;
  /** Calls back after each change of the set, and once after `start`; the returned function ends that. */
  onChange(call: (change: CatalogChange) => void): () => void;
  /**
   * Calls back for each file that was changed after `start`, when it is in force or rejected; the returned function
   * ends that.
   */
  onFileReport(call: (report: FileReport) => void): () => void;
}

/** The services that a catalog uses. */
export interface CatalogNeeds {
  time: Time;
  log: Log;
  /** The zone of schedules that name none. */
  hostTimezone(): string;
}

/** The folders of a catalog, and its bounds. */
export interface CatalogOptions {
  /** The installation, absolute and without symbolic links. */
  folder: string;
  /** The folder of versions; absolute. The catalog makes it when it is missing. */
  versionsFolder: string;
  /**
   * The size of all kept versions together, at most; asked each time; default 256 MB. Good versions stay in any case.
   */
  versionsBudgetBytes?: () => number;
  /** Folders outside of the installation to which links in `plugins/` may lead; absolute or relative to it. Default: none. */
  linkFolders?: readonly string[];
  /** A file that has not changed for this long is finished. Default 100 ms. */
  settleMs?: number;
  /** A file that is missing or empty for this long is meant to be. Default 2 s. */
  goneMs?: number;
  /** Time between two full scans, whatever the watcher sees. Default 30 s. */
  scanMs?: number;
  /** The longest that compiling one plugin may take. Default 20 s. */
  compileMs?: number;
  /** The longest that loading one plugin may take. Default 5 s. */
  inspectMs?: number;
  /** The builder is kept this long after its last request. Default 10 s. */
  warmMs?: number;
}
