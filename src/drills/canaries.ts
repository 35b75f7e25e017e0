import { fileURLToPath } from 'node:url';
import type { ControlClient } from '../control/client.ts';
import { Fault } from '../kernel/fault.ts';
import { packageFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';

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
