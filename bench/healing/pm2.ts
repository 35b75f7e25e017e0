import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPm2, type Pm2 } from '../pm2.ts';
import { isAlive, kill, openWorld, until, type World } from '../world.ts';
import { clearedOf, type FaultName, type Found, openNotes, WATCHED_MS } from './found.ts';

const SYSTEMS = join(import.meta.dirname, '../systems');

/**
 * An app of PM2 that fails. Detected: PM2 tells of its end; repaired: a new instance has started, the work of the old one is
 * lost. `lateMs`: how long after the daemon a leaking app is started. The daemon looks at memory every 30 s from its own start
 * on, so an app that always came as soon would always meet the same wait.
 */
export async function pm2Fault(fault: FaultName, lateMs: number): Promise<Found> {
  const world = openWorld('pm2');
  try {
    const notes = openNotes(world);
    const pm2 = openPm2(world);
    if (fault === 'buffers' && lateMs > 0) {
      await pm2.do('ping');
      await sleep(lateMs);
    }
    await pm2.start({
      name: 'app',
      script: join(SYSTEMS, 'pm2-app.mjs'),
      // The host's fault is put in from outside.
      args: [notes.file, fault === 'host' ? 'none' : fault, '200'],
      max_memory_restart: '200M',
    });
    if (fault === 'host') return await daemonKilled(pm2, notes);
    listen(world, pm2, notes.file);
    if (!(await notes.fault())) throw new Error(`the app did not fail: ${fault}`);
    if (fault === 'children') return await clearedOf(notes);
    const begun = notes.at('fault')!;
    await until(WATCHED_MS, () => notes.again() !== undefined);
    return {
      detectMs: notes.since(notes.at('exit', begun)),
      repairMs: notes.since(notes.again()),
      ...notes.peak(),
    };
  } finally {
    world.end();
  }
}

/** PM2's daemon is guardian and host in one. */
async function daemonKilled(pm2: Pm2, notes: ReturnType<typeof openNotes>): Promise<Found> {
  await until(10_000, () => notes.at('start') !== undefined);
  const [daemon, app] = [pm2.daemon()!, Number(notes.lines()[0]![2])];
  const killed = Date.now();
  kill(daemon);
  const isReplaced = await until(WATCHED_MS, () => {
    const now = pm2.daemon();
    return (now !== undefined && now !== daemon && isAlive(now)) || notes.at('start', killed) !== undefined;
  });
  const tookMs = isReplaced ? Date.now() - killed : null;
  const fate = isAlive(app) ? 'its app lives on unwatched' : 'its app is gone';
  const known = await pm2.apps();
  return {
    detectMs: tookMs,
    repairMs: tookMs,
    note: `${fate}; the next command starts a daemon with ${known.length} apps`,
  };
}

/** PM2's own events go into the notes. */
function listen(world: World, pm2: Pm2, file: string) {
  const out = openSync(file, 'a');
  const env = { ...world.env, PM2_HOME: pm2.home };
  spawn(process.execPath, [join(SYSTEMS, 'pm2-events.mjs')], { env, stdio: ['ignore', out, 'inherit'] }).unref();
}
