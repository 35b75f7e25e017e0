import type { Stage } from '../ports.ts';

export const outlivesReaders = true;

export interface StartOptions {
  /** `--no-guardian`. */
  guardian: boolean;
  safe?: boolean;
}

/** Runs a host under a guardian, which is this process; resolves with the exit code once both have ended. */
export async function run(stage: Stage, _args: unknown[], options: StartOptions): Promise<number> {
  const about = { folder: stage.folder, json: stage.json, safe: options.safe === true };
  return await (options.guardian ? stage.launcher.start(about) : stage.launcher.host(about));
}
