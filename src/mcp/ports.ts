import type { Op, Ops } from '../control/protocol.ts';
import type { OPERATIONS } from '../operations/table.ts';

/** The name of an operation that reads. */
type ReadOp = { [O in Op]: (typeof OPERATIONS)[O]['kind'] extends 'read' ? O : never }[Op];

/** The installation as an assistant's tools see it, for one request or one connection. */
export interface McpHost {
  /** Asks an operation that reads, with the rights of a reader: the host, or its store while no host answers. */
  ask<O extends ReadOp>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']>;
  /** undefined: the last answer came from the host itself. `lastSign`: of the host that did not answer, ISO 8601. */
  down(): { lastSign: string | null } | undefined;
  /** Plans and applies acts, by the host itself; undefined: this client may only read. */
  acts: McpActs | undefined;
  /** The text of AGENTS.md of the installation; undefined: there is none. */
  guide(): string | undefined;
}

/** Acts of an assistant: a plan first, then its token. */
export interface McpActs {
  plan(args: Ops['plan']['args']): Promise<Ops['plan']['value']>;
  apply(args: Ops['apply']['args']): Promise<Ops['apply']['value']>;
}

/** An answer of a tool, before it is bounded and marked. */
export interface ToolAnswer {
  /** Sentences of ours: they hold names, ids and figures, and no text of plugins. */
  says: string[];
  /** Fields that are there once. Texts that are not ours are marked by their keys: `untrusted.ts`. */
  data?: Record<string, unknown>;
  /** Rows, newest or first ones first; those that do not fit are left for the next page. */
  rows?: { row: Record<string, unknown>; cursor: string }[];
  /** Where the next page begins when all rows fit; undefined: this is the last page. */
  more?: string;
  /** Ids of agents, jobs, incidents and lines of the log on which the answer stands. */
  evidence: string[];
}
