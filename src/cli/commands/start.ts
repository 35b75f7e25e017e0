import type { Stage } from '../ports.ts';

export const outlivesReaders = true;

/** Runs the host in this process; resolves with its exit code once it has ended. */
export async function run(stage: Stage): Promise<number> {
  return await stage.house.host({ folder: stage.folder, json: stage.json });
}
