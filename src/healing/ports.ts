import type { Owner } from '../jobs/ports.ts';
import type { Outage, Recovery } from '../kernel/origin.ts';
import type { Evidence } from '../workers/ports.ts';

export type { Evidence, WorkerReading } from '../workers/ports.ts';

/**
 * The meaning of a reading or an end. `crashed`: its code threw outside of a job or ended its thread · `out-of-memory`: the
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
 * A remedy that healing carries out itself. `own-cell`: the agent gets a cell of its own from now on · `fresh-worker`: its idle
 * workers go, its next job gets a new worker in a cell of its own · `catch-up`: the agent is woken · `recycle`: the worker
 * goes between two jobs · `quarantine`: no work but slow probes; its gate closes before the incident is written ·
 * `clean-up`: logs and versions give up space ·
 * `plan-again`: the agent's next slots are written anew.
 */
export type Action = 'own-cell' | 'fresh-worker' | 'catch-up' | 'recycle' | 'quarantine' | 'clean-up' | 'plan-again';

/**
 * A remedy that another room carried out by itself, and the room. `retry`: the job again on a clean worker · `refuse`: jobs
 * that its jobs make are refused · `kill`: the worker goes now · `kill-children`: processes that it left · `roll-back`: the
 * good version, or the good settings, are in force again · `restart-host` · `fail-over`: calls are refused or go to the next
 * server in the chain, jobs wait · `probe`: one call goes out · `set-aside`: rows are kept apart · `relieve`: a step of
 * the ladder of pressure is in force.
 */
export type Observed =
  | { kind: 'retry' | 'refuse'; by: 'jobs' }
  | { kind: 'kill'; by: 'workers' }
  | { kind: 'kill-children'; by: 'exec' }
  | { kind: 'roll-back'; by: 'rollout' | 'config' }
  | { kind: 'restart-host'; by: 'guardian' }
  | { kind: 'fail-over' | 'probe'; by: 'origins' }
  | { kind: 'set-aside'; by: 'store' }
  | { kind: 'relieve'; by: 'pressure' };

/** The name of a remedy in an incident's record, of any room. */
export type RemedyKind = Action | Observed['kind'];

export interface Remedy {
  kind: RemedyKind;
  /** The room that did it, or `diagnosis`: healing did it because a model advised it. Missing in records of older hosts. */
  by?: 'healing' | 'diagnosis' | Observed['by'];
  /** Epoch ms. */
  at: number;
  /** A sentence: what was done. */
  what: string;
  /** Whether the remedy held: the agent's next real job was done. null: not known yet. */
  held: boolean | null;
}

/** open → healed | escalated; escalated → healed | closed; open → closed by a person. */
type IncidentState = 'open' | 'healed' | 'escalated' | 'closed';

/** The record of one trouble of one agent (or of the host: agent null), from what was seen to what came of it. */
export interface Incident {
  /** `inc-42`. */
  id: string;
  agent: string | null;
  verdict: Verdict;
  state: IncidentState;
  /** Epoch ms. */
  openedAt: number;
  endedAt: number | null;
  /** Equal for signals of one kind and place: the key of the remedy statistics. */
  fingerprint: string;
  /** A sentence with figures and limits: what was seen. */
  seen: string;
  /** The version that ran. */
  version: string | null;
  /** Jobs that the incident affected. */
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

/** Why a quarantine ended, in words, and the person who ended it. */
export interface QuarantineEnd {
  why: string;
  /** Default: healing. */
  who?: string | undefined;
}

/** A cause of incidents that people want to hear nothing of until then. */
export interface Mute {
  fingerprint: string;
  /** Epoch ms. */
  until: number;
}

/** Outages of origins, as the room that lets calls out knows them. */
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

/** The host that holds incidents, and for how long from now unless it renews. */
export interface IncidentTerms {
  owner: Owner;
  leaseMs: number;
}

/** A change of an incident, a quarantine or a mute by a host or a person. `by`: the host, null: a person's order. */
export interface HealingChange {
  is: 'incident' | 'quarantine' | 'mute';
  by: string | null;
}

/** A change of an incident, for people and agents that listen. */
export interface IncidentReport {
  /** Epoch ms. */
  at: number;
  /** `incident.opened`, … */
  kind: string;
  /** Goes on after the incident's id. */
  words: string;
  data: Record<string, unknown>;
  /** Default: healing. */
  who?: string;
  /** Subjects beside the incident itself. */
  about?: string[];
  /** The subjects that the incident came of, the nearest first. */
  cameOf?: string[];
  /** True: an event of another room in the line of the incident; its words and data stand by themselves. Default false. */
  isPlain?: boolean;
}

/**
 * The store as healing needs it. Every method resolves only when what it says is on disk. Each incident that has not ended has a host that holds it and
 * writes its record; the others know of it, so that a trouble which two hosts see is one incident.
 */
export interface IncidentStore {
  /**
   * Adds an incident, held by the owner. Where another host holds an incident of the same agent and fingerprint that has not ended,
   * nothing is added: the answer has the id of that incident, and `isNew: false`. The reports of a new incident are written as events in
   * the same transaction, as `reportEvent` makes them.
   */
  openIncident(
    incident: Omit<Incident, 'id'>,
    terms: IncidentTerms,
    reports?: IncidentReport[],
  ): Promise<{ id: string; isNew: boolean }>;
  /**
   * Replaces an incident. `by` null: by a person's order, whichever host holds it. Refused with code `INCIDENT_UNKNOWN`, and
   * with `INCIDENT_HELD` when another host has it by now.
   */
  updateIncident(incident: Incident, by: Owner | null, reports?: IncidentReport[]): Promise<void>;
  /**
   * Takes or renews the hold on incidents that have not ended and that belong to the owner's host (any run of it) or to no
   * host any more. Returns all that the host then holds, oldest first, at most 1,000.
   */
  holdIncidents(terms: IncidentTerms): Promise<Incident[]>;
  incident(id: string): Promise<Incident | undefined>;
  /** Newest first. */
  incidents(filter: IncidentFilter): Promise<Incident[]>;
  /** Adds to the remedy statistics. */
  recordRemedy(fingerprint: string, kind: RemedyKind, held: boolean): Promise<void>;
  remedyRecords(fingerprint: string): Promise<RemedyRecord[]>;
  /** Writes a quarantine down, and with it the event `agent.quarantined` as soon as its incident has an id. */
  putQuarantine(record: QuarantineRecord, by: Owner): Promise<void>;
  /** Ends a quarantine. `end`: with the event `agent.released`, and the person who ended it, if one did; undefined: the agent is gone. */
  endQuarantine(agent: string, by: Owner, end?: QuarantineEnd): Promise<void>;
  quarantines(): Promise<QuarantineRecord[]>;
  /** Mutes a cause for so long from now, or ends its mute (`forMs` null). Returns the end, epoch ms. */
  muteCause(fingerprint: string, forMs: number | null): Promise<number | null>;
  /** The causes that were muted, by fingerprint; a mute that is over is kept for a while. */
  mutes(): Promise<Mute[]>;
  /** Calls back with each change of incidents, quarantines and mutes, with the promises of `JobQueue.changes`. The answer ends it. */
  healingChanges(call: (change: HealingChange) => void): () => void;
}
