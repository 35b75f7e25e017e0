import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ControlClient } from '../control/client.ts';
import { drillAgent } from '../kernel/drill-agents.ts';
import { Fault } from '../kernel/fault.ts';
import { MB } from '../kernel/measures.ts';
import { packageFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';
import { type CanaryPlan, ORIGIN_PLAN } from './plans.ts';

/** Everything that a drill on a running host works with. */
export interface DrillHost {
  time: Time;
  client: ControlClient;
  /** Opens a further connection, for a stream. The caller closes it. */
  connect(): Promise<ControlClient>;
  /** The process of the host. */
  pid: number;
}

/** The plugin of all canaries. */
export const CANARY = fileURLToPath(packageFile('drills/canary.ts'));

/** Brings the canaries of some drills to a host, as {@link bringGuests} does. */
export function bringCanaries(host: Pick<DrillHost, 'connect'>, plans: readonly CanaryPlan[]): Promise<() => void> {
  return bringGuests(host, [
    { path: 'plugins/canary.ts', text: readFileSync(CANARY, 'utf8') },
    ...plans.map((plan) => ({ path: `agents/${drillAgent(plan.name)}.yaml`, text: agentFile(plan) })),
  ]);
}

/**
 * Brings files to a host as guest agents: they are never scheduled and in no list. Resolves with a function that takes them away
 * again; rejects with `DRILL_BUSY` while another drill has brought the same ones.
 */
export async function bringGuests(
  { connect }: Pick<DrillHost, 'connect'>,
  files: { path: string; text: string }[],
): Promise<() => void> {
  const client = await connect();
  try {
    await new Promise<void>((resolve, reject) => {
      client.ask('guests', { files }, () => resolve()).then(() => resolve(), reject);
    });
  } catch (thrown) {
    client.close();
    if (!(thrown instanceof Fault) || thrown.plain.code !== 'AGENT_TAKEN') throw thrown;
    throw new Fault({ code: 'DRILL_BUSY', message: 'a drill is under way already', next: 'wait for it' });
  }
  return () => client.close();
}

function agentFile({ fault, limits }: CanaryPlan): string {
  return JSON.stringify({
    plugin: 'canary',
    // A canary may take its process down: it never shares one.
    isolation: 'own',
    needs: { net: fault === ORIGIN_PLAN.fault ? ['127.0.0.1'] : [] },
    settings: { fault, limitMb: limits.memoryBytes / MB },
    limits: {
      memory: `${limits.memoryBytes}B`,
      timeout: `${limits.timeoutMs}ms`,
      silence: `${limits.silenceMs}ms`,
      grace: `${limits.graceMs}ms`,
    },
  });
}
