import type { PlainFault } from '../../kernel/fault.ts';
import { isTurning } from '../../kernel/pulse.ts';
import { formatDuration } from '../../kernel/units.ts';
import { HEALTH_CODES, HEALTH_REASONS, type HealthCode, type HealthProbe } from '../../operations/health-reasons.ts';
import type { AgentWord } from '../api/agent-state.ts';

/** The facts from which the host judges its own health. */
export interface HealthFacts {
  loops: readonly LoopFact[];
  /** The reason why the store did not take the newest write. */
  storeRefusal: PlainFault | undefined;
  /** The reason why the newest cells ended before they were ready. */
  cellFault: PlainFault | undefined;
  /** Facts that the store knows; undefined: it gave no answer in time. */
  stored: StoredFacts | undefined;
  pings: readonly PingFact[];
  /** The figures, and the steps that a lack of memory has brought, in words. */
  memoryShort: string | undefined;
  /** The steps that the processor quota has brought, in words. */
  quotaShort: string | undefined;
  diskShort: string | undefined;
  /** Incidents about which healing has asked a person. */
  escalated: readonly { id: string; agent: string | null; seen: string }[];
  /** Log lines that were lost of late. */
  droppedLines: number;
  /** Origins that are down. */
  down: readonly { origin: string; why: string }[];
  warnings: readonly PlainFault[];
}

interface LoopFact {
  name: string;
  /** The time since the loop's last turn. */
  agoMs: number;
}

interface StoredFacts {
  agents: readonly {
    name: string;
    plugin: string;
    state: AgentWord;
    why: string;
    isRejected: boolean;
    /** The causes of all its open incidents are muted. */
    isMuted: boolean;
  }[];
  /** Agents whose slots have not been planned for a while, though they ought to be. */
  unplanned: readonly { agent: string; fault: PlainFault }[];
  /** The number of agents that have a schedule. */
  scheduled: number;
  /** Rows that were set aside within the last day. */
  asides: number;
}

interface PingFact {
  name: string;
  /** The time since the program's last ping. */
  silentMs: number;
  withinMs: number;
  isLate: boolean;
}

interface HealthReason {
  code: HealthCode;
  who: string;
  text: string;
}

/** The judgement on {@link HealthFacts}: reasons with the worst first, and what they mean. */
interface HealthDecision {
  state: 'ok' | 'degraded' | 'down';
  live: boolean;
  ready: boolean;
  reasons: HealthReason[];
}

const AGENT_CODES: Partial<Record<AgentWord, HealthCode>> = {
  late: 'AGENT_LATE',
  quarantined: 'AGENT_QUARANTINED',
  unscheduled: 'AGENT_UNSCHEDULED',
  failed: 'AGENT_FAILED',
  'needs setup': 'AGENT_NEEDS_SETUP',
};
/** Reasons that an open incident tells of: not given while its cause is muted. A dead letter stays a reason. */
const MUTABLE: ReadonlySet<HealthCode> = new Set(['AGENT_LATE', 'AGENT_QUARANTINED', 'AGENT_UNSCHEDULED']);
/** The plugin whose failure means that there is no fresh copy of the installation. */
const BACKUP_PLUGIN = 'backup';

/** Judges how the host is. The same facts give the same words. */
export function decideHealth(facts: HealthFacts): HealthDecision {
  const reasons = [...hostReasons(facts), ...storedReasons(facts.stored), ...besideReasons(facts)];
  reasons.sort((a, b) => rankOf(a) - rankOf(b) || compare(a.who, b.who) || compare(a.text, b.text));
  const isRed = (probe: HealthProbe) => reasons.some(({ code }) => HEALTH_REASONS[code].probe === probe);
  const live = !isRed('livez');
  const ready = live && !isRed('readyz');
  return { state: !ready ? 'down' : reasons.length > 0 ? 'degraded' : 'ok', live, ready, reasons };
}

function hostReasons({ loops, storeRefusal, cellFault, stored }: HealthFacts): HealthReason[] {
  const reasons = loops
    .filter(({ name, agoMs }) => !isTurning(name, agoMs))
    .map(({ name, agoMs }) =>
      reason('LOOP_STILL', name, `the loop ${name} has not turned for ${formatDuration(agoMs)}`),
    );
  if (!stored) reasons.push(reason('STORE_SILENT', 'store', 'the store gives no answer'));
  if (storeRefusal) reasons.push(reason('STORE_REFUSES', 'store', storeRefusal.message));
  if (cellFault) reasons.push(reason('CELLS_FAIL', 'cells', cellFault.message));
  return reasons;
}

function storedReasons(stored: StoredFacts | undefined): HealthReason[] {
  if (!stored) return [];
  const { agents, unplanned, scheduled, asides } = stored;
  const reasons = agents.flatMap(({ name, plugin, state, why, isRejected, isMuted }) => {
    const code = isRejected ? 'AGENT_REJECTED' : AGENT_CODES[state];
    if (!code || (isMuted && MUTABLE.has(code))) return [];
    return reason(code === 'AGENT_FAILED' && plugin === BACKUP_PLUGIN ? 'BACKUP_FAILED' : code, name, why);
  });
  if (scheduled > 0 && unplanned.length === scheduled) {
    reasons.push(reason('NOT_PLANNED', 'schedule', `no slot of any agent is planned: ${unplanned[0]!.fault.message}`));
  }
  if (asides > 0) reasons.push(reason('STORE_ROWS', 'store', `${asides} rows could not be read and were set aside`));
  return reasons;
}

function besideReasons(facts: HealthFacts): HealthReason[] {
  const { pings, memoryShort, quotaShort, diskShort, escalated, droppedLines, down, warnings } = facts;
  const late = pings.filter(({ isLate }) => isLate);
  const reasons = late.map(({ name, silentMs, withinMs }) =>
    reason(
      'PING_LATE',
      name,
      `has not pinged for ${formatDuration(silentMs)}; it has to every ${formatDuration(withinMs)}`,
    ),
  );
  if (diskShort !== undefined) reasons.push(reason('DISK_SHORT', 'disk', diskShort));
  if (memoryShort !== undefined) reasons.push(reason('MEMORY_SHORT', 'memory', memoryShort));
  if (quotaShort !== undefined) reasons.push(reason('CPU_THROTTLED', 'cpu', quotaShort));
  if (droppedLines > 0) reasons.push(reason('LOG_DROPPED', 'log', `${droppedLines} lines of the log were lost`));
  for (const { id, agent, seen } of escalated) {
    reasons.push(reason('INCIDENT_ESCALATED', agent ?? 'host', `${id}: ${seen}`));
  }
  for (const { origin, why } of down) reasons.push(reason('BREAKER_OPEN', origin, why));
  for (const { code, message } of warnings) {
    reasons.push(reason(code === 'SAFE_MODE' ? 'SAFE_MODE' : 'HOST_WARNING', 'host', message));
  }
  return reasons;
}

function reason(code: HealthCode, who: string, text: string): HealthReason {
  return { code, who, text };
}

/** The rows of {@link HEALTH_REASONS} go from the worst to the least. */
function rankOf({ code }: HealthReason): number {
  return HEALTH_CODES.indexOf(code);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
