/**
 * The probe that a reason turns red. `livez`: the host must be started again · `readyz`: it takes or runs no work, which may
 * pass · `healthz`: it works, and a person has to look at a part of it. A red probe turns those after it red, too.
 */
export type HealthProbe = 'livez' | 'readyz' | 'healthz';

interface ReasonRow {
  probe: HealthProbe;
  /** Whom `who` names. */
  who: string;
  about: string;
}

/** Every reason for which health is not ok, a row each: the contract, the judgement and docs/health.md come out of these rows. */
export const HEALTH_REASONS = {
  HOST_DOWN: { probe: 'livez', who: 'host', about: 'No host runs, or it is starting or stopping.' },
  HOST_SILENT: { probe: 'livez', who: 'host', about: 'The host is there and gives no answer in time: it is frozen.' },
  LOOP_STILL: {
    probe: 'livez',
    who: 'the loop',
    about: 'A loop of the host has not turned for longer than it may.',
  },
  STORE_SILENT: { probe: 'readyz', who: 'store', about: 'The store gives no answer.' },
  STORE_REFUSES: { probe: 'readyz', who: 'store', about: 'The store takes no writes: its disk is full or fails.' },
  CELLS_FAIL: { probe: 'readyz', who: 'cells', about: 'Cells end before they are ready: no job can start.' },
  NOT_PLANNED: { probe: 'readyz', who: 'schedule', about: 'No agent with a schedule has its slots planned.' },
  SAFE_MODE: { probe: 'readyz', who: 'host', about: 'The host holds all agents, since its last starts failed.' },
  AGENT_LATE: { probe: 'healthz', who: 'the agent', about: 'A slot or a job of the agent has not started in time.' },
  AGENT_QUARANTINED: { probe: 'healthz', who: 'the agent', about: 'The agent has used up its restart budget.' },
  AGENT_UNSCHEDULED: { probe: 'healthz', who: 'the agent', about: 'The agent has a schedule and no next slot.' },
  AGENT_FAILED: { probe: 'healthz', who: 'the agent', about: 'The last job of the agent is a dead letter.' },
  AGENT_NEEDS_SETUP: { probe: 'healthz', who: 'the agent', about: 'The agent lacks a secret, or a fence.' },
  AGENT_REJECTED: { probe: 'healthz', who: 'the agent', about: 'Its plugin or agent file has an error.' },
  PING_LATE: { probe: 'healthz', who: 'the program', about: 'A program outside of Daruma has not pinged in time.' },
  STORE_ROWS: {
    probe: 'healthz',
    who: 'store',
    about: 'Rows of the store were set aside within the last day, since they could not be read.',
  },
  DISK_SHORT: { probe: 'healthz', who: 'disk', about: 'The disk of the store is nearly full.' },
  MEMORY_SHORT: { probe: 'healthz', who: 'memory', about: 'The machine is short of memory: less is started.' },
  CPU_THROTTLED: { probe: 'healthz', who: 'cpu', about: 'The processor quota is used up again and again.' },
  LOG_DROPPED: { probe: 'healthz', who: 'log', about: 'Log lines were lost within the last 10 minutes.' },
  BACKUP_FAILED: { probe: 'healthz', who: 'the agent', about: 'The last backup failed.' },
  INCIDENT_ESCALATED: { probe: 'healthz', who: 'the agent, or host', about: 'Healing has asked a person.' },
  BREAKER_OPEN: { probe: 'healthz', who: 'the origin', about: 'A server that agents call is down.' },
  HOST_WARNING: {
    probe: 'healthz',
    who: 'host',
    about: 'A warning of the host itself, as in status: its guardian is gone, its settings are taken back, …',
  },
} as const satisfies Record<string, ReasonRow>;

/** The code of a reason. */
export type HealthCode = keyof typeof HEALTH_REASONS;

/** Every code, for the contract. */
export const HEALTH_CODES = Object.keys(HEALTH_REASONS) as [HealthCode, ...HealthCode[]];
