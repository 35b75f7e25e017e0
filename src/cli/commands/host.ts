import type { Stage } from '../ports.ts';

export const outlivesReaders = true;

/** Runs the host in this process, for a guardian or systemd that watches over it; resolves with its exit code. */
export async function run(stage: Stage, _args: unknown[], options: { safe?: boolean }): Promise<number> {
  return await stage.house.host({ folder: stage.folder, json: stage.json, safe: options.safe === true });
}
