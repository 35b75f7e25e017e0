import { join } from 'node:path';
import { createInForceFile } from '../../catalog/in-force.ts';
import type { ValueSource } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import { silentLog } from '../../kernel/log.ts';

/** Where a host keeps the compiled versions, and what was in force. Relative to the installation. */
export const VERSIONS_FOLDER = 'data/versions';

/** The agents that the last host had in force, and where their values were said; none when that cannot be read. */
export async function lastInForce(
  folder: string,
): Promise<{ agents: Map<string, Agent>; origins: Map<string, ValueSource[]> }> {
  const { agents } = await createInForceFile(join(folder, VERSIONS_FOLDER), silentLog).read();
  const found = [...agents];
  return {
    agents: new Map(found.map(([name, { agent }]) => [name, agent])),
    origins: new Map(found.map(([name, { origins }]) => [name, origins])),
  };
}
