import type { Agent } from '../jobs/agent.ts';
import type { HoldUp } from '../jobs/waiting.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import type { ModelWaits } from './models/model-waits.ts';
import type { Outbound } from './outbound.ts';

/** A critical job is tried again this soon after the kernel killed its cell; others wait for room, and not all at once. */
const CRITICAL_AGAIN_MS = 500;
const AGAIN_MS = { least: 5_000, most: 10_000 };

interface HeldUpNeeds {
  time: Pick<Time, 'now' | 'random'>;
  outbound: Pick<Outbound, 'heldUp'>;
  waits: Pick<ModelWaits, 'heldUp'>;
  runnableAgents(): ReadonlyMap<string, Agent>;
}

/** Says what the job of a failed attempt waits for, at no cost: memory of the machine, a server, models or their budget. */
export function createHeldUp({ time, outbound, waits, runnableAgents }: HeldUpNeeds): Outbound['heldUp'] {
  return (ref, agent, fault) =>
    memoryHoldUp({ time, isCritical: runnableAgents().get(agent)?.class === 'critical' }, fault) ??
    outbound.heldUp(ref, agent, fault) ??
    waits.heldUp(ref, agent, fault);
}

/** The wait of a job whose cell the kernel killed for the memory of the machine; undefined for any other fault. */
function memoryHoldUp(
  { time, isCritical }: Pick<HeldUpNeeds, 'time'> & { isCritical: boolean },
  { code }: Pick<PlainFault, 'code'>,
): HoldUp | undefined {
  if (code !== 'MACHINE_MEMORY') return undefined;
  const { least, most } = AGAIN_MS;
  const pauseMs = isCritical ? CRITICAL_AGAIN_MS : least + Math.round((most - least) * time.random());
  return { until: time.now() + pauseMs, waitsFor: 'memory of the machine' };
}
