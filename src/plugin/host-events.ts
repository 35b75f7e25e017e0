/** The data of each event of the host that an agent can listen to, by topic. Times are ISO 8601, lengths milliseconds. */
export interface HostEventData {
  'incident.opened': IncidentData;
  /** Healing asks a person. `why`: the reason, in words. */
  'incident.escalated': IncidentData & { why: string };
  /** A model answered why an incident escalated; the host has checked the answer. `outcome`: what became of the remedy, in words. */
  'incident.diagnosed': {
    incident: string;
    cause: string;
    advice: string;
    remedy: string | null;
    /** 0 … 1, by the model's own word. */
    confidence: number;
    /** Ids of the evidence that the cause rests on. */
    evidence: string[];
    model: string | null;
    outcome: string | null;
  };
  /** `tookMs`: from the first signal to the proof; `proof`: how it is known, in words. */
  'incident.healed': IncidentData & { tookMs: number; proof: string };
  /** A person ended it, or its agent is gone. `why`: in words. */
  'incident.closed': IncidentData & { why: string };
  'job.dead': JobDeadData;
  /** The host before this one ended without an orderly stop. A fact that is not known is null. */
  'host.lost': {
    pid: number | null;
    endedAt: string;
    why: string;
    code: number | null;
    signal: string | null;
    uptimeMs: number | null;
  };
  'host.started': { agents: number; node: string };
  /** A slot or a job of the agent is due for more than a minute, twice in a row, while nothing holds it up. */
  'agent.late': { incident: string; seen: string };
  /** The agent has used up its restart budget. */
  'agent.quarantined': { incident: string };
  'agent.released': { incident: string; why: string };
  /** A person paused the agent. `until` null: without end. */
  'agent.paused': { until: string | null };
  'agent.resumed': Record<string, never>;
  /** The agent may have another number of workers, by its load. */
  'agent.scaled': AgentScaledData;
  /** `bad`, `good`: ids of the versions; `reason`: what was worse. */
  'version.rolled-back': { bad: string; good: string; reason: string };
}

interface AgentScaledData {
  /** Workers that the agent could have before, and can have now. */
  from: number;
  to: number;
  reason: 'high-load' | 'low-load' | 'pressure' | 'file';
  /** Share of worker time of the last second that was at work, 0 to 1; null: no worker was ready. */
  busy: number | null;
  /** How long the first due job had waited. */
  queueWaitMs: number;
  /** Share of a core that a worker used, 0 to 1, as a mean; null: it was not measured. */
  cpu: number | null;
}

interface IncidentData {
  /** `inc-3`: `daruma incidents inc-3`. */
  incident: string;
  verdict: string;
  /** The signal, in words. */
  seen: string;
  /** The job that it was first seen in; null: in none. */
  job: string | null;
}

interface JobDeadData {
  job: string;
  /** Why the job was there: `schedule`, `send`, … */
  trigger: string;
  /** The attempts that it took. */
  attempts: number;
  /** Of the last failure. */
  code: string;
  error: string;
  /** Equal for failures that differ in numbers, quotes and ids only. */
  cause: string | null;
}

/** The name of an event of the host. */
export type HostTopic = keyof HostEventData;

/** The `job.input` of an agent that listens to events of the host. */
export type HostEvent<Topic extends HostTopic = HostTopic> = {
  [One in Topic]: {
    topic: One;
    /** Null: the host. Events of plugins name the agent that emitted them. */
    from: null;
    /** Counts up from event to event; the same however often the event is told. */
    id: number;
    /** When it happened, ISO 8601. */
    at: string;
    /** The agent that it is about; null: the host. */
    agent: string | null;
    /** A sentence for people. */
    message: string;
    data: HostEventData[One];
  };
}[Topic];

const TOPICS: Readonly<Record<HostTopic, true>> = {
  'incident.opened': true,
  'incident.escalated': true,
  'incident.diagnosed': true,
  'incident.healed': true,
  'incident.closed': true,
  'job.dead': true,
  'host.lost': true,
  'host.started': true,
  'agent.late': true,
  'agent.quarantined': true,
  'agent.released': true,
  'agent.paused': true,
  'agent.resumed': true,
  'agent.scaled': true,
  'version.rolled-back': true,
};

/** All topics of the host, in the order of docs/events.md. */
export const HOST_TOPICS = Object.keys(TOPICS) as readonly HostTopic[];

const RESERVED = /^(?:incident|job|host|agent|version|worker|config)\./;

/** Whether the name belongs to the host: no plugin emits it. */
export function isReservedTopic(topic: string): boolean {
  return RESERVED.test(topic);
}

/** Whether agents can listen to the topic of the host. */
export function isHostTopic(topic: string): topic is HostTopic {
  return Object.hasOwn(TOPICS, topic);
}

/** The refusal of an `emit` of a topic of the host. */
export function topicReserved(agent: string, topic: string): { code: string; message: string; next: string } {
  const [prefix] = topic.split('.');
  return {
    code: 'TOPIC_RESERVED',
    message: `${agent} emits ${topic}: topics that begin with ${prefix}. are the host's own`,
    next: `choose another name, such as '${agent}.${topic.slice(prefix!.length + 1)}'`,
  };
}
