import type { Outage, Recovery } from '../kernel/origin.ts';
import type { Evidence } from '../workers/ports.ts';

export type { Evidence, WorkerReading } from '../workers/ports.ts';

/**
 * What a reading or an end means. `crashed`: its code threw outside of a job or ended its thread · `out-of-memory`: the
 * heap limit, or its cell aborted · `leaking`: its memory will reach the limit · `over-limit`: it has · `stuck`: past
 * its timeout · `silent`: no beat, no progress · `children-left`: processes of an ended job · `crash-looping`: the
 * restart budget is spent · `late`: a slot was not started by its grace · `cell-lost`: a neighbour or a native fault
 * took its cell · `pressed`: the machine's memory is short · `disk-short`: so is the disk of the store · `host-lost`: the host ended or stood still ·
 * `bad-version`: a version on probation does worse than the one before ·
 * `bad-config`: the host's settings on probation do harm · `failing-over`: a server that agents call is down ·
 * `looping`: its jobs make jobs without end · `falling-behind`: more comes than it does ·
 * `unscheduled`: it has a schedule and no next slot · `unreadable`:
 * rows of the store hold what nobody can read.
 */
export type Verdict =
  | 'crashed'
  | 'out-of-memory'
  | 'leaking'
  | 'over-limit'
  | 'stuck'
  | 'silent'
  | 'children-left'
  | 'crash-looping'
  | 'late'
  | 'cell-lost'
  | 'pressed'
  | 'disk-short'
  | 'host-lost'
  | 'bad-version'
  | 'bad-config'
  | 'failing-over'
  | 'looping'
  | 'falling-behind'
  | 'unscheduled'
  | 'unreadable';

/**
 * What is done. `retry`: the job again on a clean worker · `recycle`: the worker goes between two jobs · `kill`: it goes
 * now · `own-cell`: a cell of its own from now on · `quarantine`: no work but slow probes · `kill-children` ·
 * `catch-up` · `fresh-worker`: idle ones go, the next job gets a new one in a cell of its own · `shed`: growth stops, idle workers go · `defer`: jobs of a priority below 0 wait · `recycle-largest`: the
 * worker that holds most goes between two jobs · `clean-up`: logs and versions give up space · `restart-host` · `roll-back`: the good version runs again · `fail-over`: calls are
 * refused or go to the next in the chain, jobs wait · `refuse`: jobs that its jobs make are refused · `probe`: one call goes out to see · `plan-again`: its next slots are written anew · `set-aside`: rows are kept apart · `escalate`: a person or a model is asked.
 */
export type RemedyKind =
  | 'retry'
  | 'recycle'
  | 'kill'
  | 'own-cell'
  | 'quarantine'
  | 'kill-children'
  | 'catch-up'
  | 'fresh-worker'
  | 'shed'
  | 'defer'
  | 'recycle-largest'
  | 'clean-up'
  | 'restart-host'
  | 'roll-back'
  | 'fail-over'
  | 'refuse'
  | 'probe'
  | 'plan-again'
  | 'set-aside'
  | 'escalate';

export interface Remedy {
  kind: RemedyKind;
  /** Epoch ms. */
  at: number;
  /** One sentence: what was done. */
  what: string;
  /** Whether it held: the agent's next real job was done. null: not known yet. */
  held: boolean | null;
}

/** open → healed | escalated; escalated → healed | closed; open → closed by a person. */
export type IncidentState = 'open' | 'healed' | 'escalated' | 'closed';

/** The record of one disturbance of one agent (or of the host: agent null), from what was seen to what came of it. */
export interface Incident {
  /** `inc-42`. */
  id: string;
  agent: string | null;
  verdict: Verdict;
  state: IncidentState;
  /** Epoch ms. */
  openedAt: number;
  endedAt: number | null;
  /** Equal for disturbances of one kind and place: the key of the ledger of remedies. */
  fingerprint: string;
  /** One sentence with figures and limits: what was seen. */
  seen: string;
  /** The version that ran. */
  version: string | null;
  /** Jobs that it struck. */
  jobs: string[];
  remedies: Remedy[];
  /** Everything that was noticed, oldest first. */
  timeline: { at: number; what: string; text: string }[];
  evidence: Evidence | null;
  /** How often the same thing came again while it was open. */
  repeats: number;
  /** A person's note with the acknowledgement. */
  note: string | null;
}

/** How often a remedy was tried and held for a fingerprint. */
export interface RemedyRecord {
  fingerprint: string;
  kind: RemedyKind;
  tried: number;
  held: number;
}

/** An agent that has used up its restart budget. */
export interface QuarantineRecord {
  agent: string;
  /** Epoch ms. */
  since: number;
  incident: string;
  /** Probes so far that failed: the pause before the next one grows with it. */
  probes: number;
  nextProbeAt: number;
  /** A change of it lifts the quarantine. */
  fingerprint: string;
}

/** What healing needs of those who let calls out. */
export interface OutageSource {
  outages(): Outage[];
  /** undefined: it was not seen to recover. */
  recovery(origin: string): Recovery | undefined;
  forget(origin: string): void;
}

/** Which incidents are wanted. */
export interface IncidentFilter {
  agent?: string;
  /** Leaves out those of agents whose names begin so. */
  exceptPrefix?: string;
  states?: IncidentState[];
  /** Not ended, or ended at that time (epoch ms) or later. */
  since?: number;
  limit: number;
}

/** What healing needs of a store. Every method resolves only when what it says is on disk. */
export interface IncidentStore {
  /** Adds an incident and gives it its id. */
  openIncident(incident: Omit<Incident, 'id'>): Promise<string>;
  /** Replaces it; an unknown id is refused with code `INCIDENT_UNKNOWN`. */
  updateIncident(incident: Incident): Promise<void>;
  incident(id: string): Promise<Incident | undefined>;
  /** Newest first. */
  incidents(filter: IncidentFilter): Promise<Incident[]>;
  /** Adds to the ledger of remedies. */
  recordRemedy(fingerprint: string, kind: RemedyKind, held: boolean): Promise<void>;
  remedyRecords(fingerprint: string): Promise<RemedyRecord[]>;
  putQuarantine(record: QuarantineRecord): Promise<void>;
  endQuarantine(agent: string): Promise<void>;
  quarantines(): Promise<QuarantineRecord[]>;
}
