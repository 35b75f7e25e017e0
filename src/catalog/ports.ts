import type { Agent } from '../jobs/agent.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Service } from '../kernel/service.ts';

/** What changed in the set of agents that are in force. */
export interface CatalogChange {
  added: Agent[];
  changed: { before: Agent; after: Agent }[];
  removed: Agent[];
}

/** Everything that the folders name, in force or not, for people. */
export interface Listing {
  name: string;
  plugin: string;
  /** `live`: in force · `off`: `enabled: false` · `idle`: nothing triggers it (it can be run by hand) · `rejected`: no version of it is good. */
  is: 'live' | 'idle' | 'off' | 'rejected';
  why: string;
  /** What is wrong with the newest state of its files, also while an older version goes on running. */
  problem: PlainFault | null;
}

/** One value of an agent or of the host, and where it was said: `default`, `plugins/x.ts`, `agents/x.yaml:6:3`, `config/daruma.yaml:2:1`. */
export interface OriginValue {
  path: string;
  value: unknown;
  origin: string;
}

/** Reads `plugins/` and `agents/`, and hands out the set of agents in force. A rejected file changes nothing that runs. */
export interface Catalog extends Service {
  /** Agents in force, by name; those that are idle included, for they can be run by hand. */
  agents(): ReadonlyMap<string, Agent>;
  listings(): Listing[];
  /** Every problem of the newest state of the files. */
  problems(): PlainFault[];
  /** Looks at the folders now; resolves when all that is found is in force or rejected. */
  rescan(): Promise<void>;
  /** Each value of an agent with its origin; undefined for an unknown agent. */
  origins(agent: string): OriginValue[] | undefined;
  /** Calls back after each change of the set, and once after `start`; returns what ends it. */
  onChange(call: (change: CatalogChange) => void): () => void;
}
