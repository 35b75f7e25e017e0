import type { Socket } from 'node:net';
import type { Stage } from '../ports.ts';

export const outlivesReaders = true;

export interface HostCommandOptions {
  safe?: boolean;
  /** It may run from sources, for working on Daruma itself. */
  dev?: boolean;
  /** It ends when its standard input does. */
  withParent?: boolean;
}

/** Runs the host in this process, for a guardian or systemd that watches over it; resolves with its exit code. */
export async function run(stage: Stage, _args: unknown[], options: HostCommandOptions): Promise<number> {
  if (options.withParent) endWithParent(process.stdin);
  const { folder, json } = stage;
  return await stage.launcher.host({ folder, json, safe: options.safe === true, dev: options.dev === true });
}

/** The pipe itself holds nothing up: a host that ends by itself ends. */
function endWithParent(stdin: Partial<Pick<Socket, 'unref'>> & NodeJS.ReadStream): void {
  stdin.resume().once('close', () => process.kill(process.pid, 'SIGTERM'));
  stdin.unref?.();
}
