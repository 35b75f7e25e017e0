import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import type { World } from '../world.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');

/** A host of the compiled code in a process of its own, in the world's folder. */
export interface DarumaHost {
  pid: number;
  client: ControlClient;
  stop(): Promise<void>;
}

/** Makes the folders of an installation, with `out` for what plugins write; files may be put in before {@link openDaruma}. */
export function makeInstallation(folder: string) {
  for (const name of ['plugins', 'agents', 'config', 'out']) mkdirSync(join(folder, name), { recursive: true });
}

/** Starts the host and waits until it takes requests. `options`: for its Node; `env`: beside the world's. */
export async function openDaruma(
  world: World,
  options: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<DarumaHost> {
  const host = spawn(process.execPath, [...options, MAIN, 'host', '--dir', world.folder, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...world.env, ...env },
  });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  const { pid, socket } = await new Promise<{ pid: number; socket: string }>((resolve, reject) => {
    host.stdout.once('data', (text) => resolve(JSON.parse(String(text).split('\n')[0]!)));
    host.once('exit', () => reject(new Error('the host did not start')));
  });
  const client = await connectControl(socket);
  return {
    pid,
    client,
    async stop() {
      client.close();
      host.kill('SIGTERM');
      await ended;
    },
  };
}
