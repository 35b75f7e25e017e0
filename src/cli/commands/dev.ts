import type { Stage } from '../ports.ts';

export const outlivesReaders = true;

/** Runs the host in this process from whatever it was loaded from, for working on Daruma itself. */
export async function run(stage: Stage): Promise<number> {
  return await stage.house.host({ folder: stage.folder, json: stage.json, safe: false, dev: true });
}
