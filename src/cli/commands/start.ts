import type { Socket } from 'node:net';
import type { Stage, Words } from '../ports.ts';

interface StartOptions {
  /** `--no-guardian`. */
  guardian: boolean;
  safe?: boolean;
}

/** Runs a host under a guardian, which is this process; resolves with the exit code once both have ended. */
export async function startHostCommand(stage: Stage, _words: Words, options: StartOptions): Promise<number> {
  const about = { folder: stage.folder, json: stage.json, safe: options.safe === true };
  return await (options.guardian ? stage.launcher.start(about) : stage.launcher.host(about));
}

interface HostCommandOptions {
  safe?: boolean;
  /** The host may run from sources, for work on Daruma itself. */
  dev?: boolean;
  /** The host ends when its standard input does. */
  withParent?: boolean;
}

/** Runs the host in this process, for a guardian or systemd that watches over it; resolves with its exit code. */
export async function hostCommand(stage: Stage, _words: Words, options: HostCommandOptions): Promise<number> {
  if (options.withParent) endWithParent(process.stdin);
  const { folder, json } = stage;
  return await stage.launcher.host({ folder, json, safe: options.safe === true, dev: options.dev === true });
}

/** The pipe itself holds nothing up: a host that ends by itself ends. */
function endWithParent(stdin: Partial<Pick<Socket, 'unref'>> & NodeJS.ReadStream): void {
  stdin.resume().once('close', () => process.kill(process.pid, 'SIGTERM'));
  stdin.unref?.();
}
