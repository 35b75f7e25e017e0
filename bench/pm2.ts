import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { World } from './world.ts';

const run = promisify(execFile);
const PM2 = join(import.meta.dirname, 'node_modules/.bin/pm2');
const ASKED_WITHIN_MS = 30_000;

/** PM2 with a home and a daemon of its own, which end with the world. */
export interface Pm2 {
  /** Its `PM2_HOME`. */
  home: string;
  /** A command of its command line. */
  do(...args: string[]): Promise<void>;
  /** Starts what an ecosystem file would. */
  start(app: Record<string, unknown>): Promise<void>;
  /** PM2's own list of its apps; starts a daemon when there is none. */
  apps(): Promise<{ name: string; pid: number; status: string; restarts: number }[]>;
  /** undefined when it has not been started. */
  daemon(): number | undefined;
}

export function openPm2(world: World): Pm2 {
  const home = join(world.folder, 'pm2');
  // Neither colours nor a look at the folder's Git history: neither is what is measured.
  const env = { ...world.env, PM2_HOME: home, PM2_DISCRETE_MODE: 'true', NO_COLOR: '1' };
  const ask = async (args: string[]) => (await run(PM2, args, { env, timeout: ASKED_WITHIN_MS })).stdout;
  return {
    home,
    async do(...args) {
      await ask(args);
    },
    async start(app) {
      const file = join(world.folder, 'ecosystem.json');
      writeFileSync(file, JSON.stringify({ apps: [{ vizion: false, ...app }] }));
      await ask(['start', file]);
    },
    async apps() {
      const line = (await ask(['jlist', '--silent'])).split('\n').find((one) => one.startsWith('['));
      const list = JSON.parse(line ?? '[]') as {
        name: string;
        pid: number;
        pm2_env: { status: string; restart_time: number };
      }[];
      return list.map(({ name, pid, pm2_env }) => ({
        name,
        pid,
        status: pm2_env.status,
        restarts: pm2_env.restart_time,
      }));
    },
    daemon() {
      const file = join(home, 'pm2.pid');
      return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
    },
  };
}
