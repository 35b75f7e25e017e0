import type { AgentDebounce } from '../kernel/debounce.ts';

/** An event of the installation, for people and reports; kept in the store before it is logged. */
export interface FleetEvent {
  /** Epoch ms. */
  at: number;
  /** `host.started`, `worker.gone`, `file.saved`, … : a room, a dot, what happened. */
  kind: string;
  agent: string | null;
  /** A sentence. */
  message: string;
  data?: Record<string, unknown>;
  /**
   * The actor: a person or program by its door (`cli:ann`, `page:…`, `mcp:…`), the owner of a file (`owner:ann`), or the room of the host
   * that decided (`healing`). Default: nobody that is known.
   */
  who?: string | null;
  /** The subjects that the event is about (`kernel/subjects.ts`): events that come of one of them have this event as their cause. */
  about?: readonly string[];
  /** The subjects that it came of, the nearest first. The cause of the event is the newest event about the first of them that has an event. */
  cameOf?: readonly string[];
}

/** An event as the store keeps it. `cause`: the id of an earlier event, which may be cleared up by now; null: none is known. */
export interface KeptEvent extends Omit<FleetEvent, 'who' | 'about' | 'cameOf'> {
  id: number;
  who: string | null;
  cause: number | null;
}

/** The line of causes of an event. */
export interface CauseLine {
  /** From the first cause that is kept up to the event, oldest first. */
  line: KeptEvent[];
  /** The events that came of the event, and of those, oldest first. */
  after: KeptEvent[];
  /** False: an earlier cause is cleared up, or the line is longer than was asked for. */
  isWhole: boolean;
}

/** An agent that listens to events. */
export interface Listener {
  agent: string;
  /** Kinds of events. */
  topics: string[];
  /** The attempts of its jobs. */
  attempts: number;
  /** How its jobs become one. */
  debounce?: AgentDebounce;
}

/** Bounds of what events make. */
export interface EventBounds {
  /** Events that are looked at for each listener in one call. */
  events: number;
  /** Jobs that may wait for a listener; events beyond wait for their turn. */
  waiting: number;
}

/** The jobs that events made for a listener. `isBehind`: there are more events for it now. */
export interface EventDelivery {
  agent: string;
  jobs: number;
  isBehind: boolean;
}

export interface EventStore {
  /** Adds events, each with its cause: one that was written before it, in the same call too. */
  append(events: FleetEvent[]): Promise<void>;
  /**
   * Gives each listener a job for each event since it was first named here, in their order and once: job and mark are one
   * transaction. Left out are events about the listener itself, and about a job that came of an event of the host, by whatever
   * chain of jobs. The mark of an agent that is not named goes: when it is named again, it begins with the events of then.
   */
  deliverEvents(listeners: Listener[], bounds: EventBounds): Promise<EventDelivery[]>;
  /** The events that match, newest first. */
  events(filter: { kind?: string; agent?: string; since?: number; limit: number }): Promise<KeptEvent[]>;
  /**
   * The line of causes of an event by its id, or of the newest event about a subject: at most `limit` events up to it, and as many that
   * came of it. undefined: there is no such event.
   */
  causesOf(of: { id: number } | { about: string }, limit: number): Promise<CauseLine | undefined>;
}
