import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalProcess } from '../control/process.ts';
import type { DrillView } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import { CLOCK_PLAN } from './clock-drill.ts';
import { drillView } from './plans.ts';
import { openScratch, type Scratch, type ScratchPlan } from './scratch.ts';
import { until } from './until.ts';

const DISK_MB = 24;
const ENOUGH_JOBS = 3;

/** The drills that need a whole Daruma of their own. */
export const SCRATCH_PLANS: readonly ScratchPlan[] = [
  CLOCK_PLAN,
  {
    name: 'host',
    promise: 'a killed host is replaced and does jobs again within 3 s, every job accounted for',
    promisedMs: 3_000,
    options: {},
    async run(scratch, time) {
      const accepted = [];
      for (let index = 0; index < ENOUGH_JOBS; index++) accepted.push(await scratch.ask('run', { agent: 'canary' }));
      const host = scratch.host()!;
      signalProcess(host, 'SIGKILL');
      const begun = time.monotonic();
      const replaced = await until(time, 10_000, () => {
        const now = scratch.host();
        return now !== undefined && now.pid !== host.pid;
      });
      const detectMs = replaced ? time.monotonic() - begun : null;
      const job = await scratch.runCanary(20_000);
      const repairMs = job?.state === 'done' ? time.monotonic() - begun : null;
      let lost = 0;
      for (const { id } of accepted) {
        const done = await until(time, 10_000, async () => (await scratch.ask('job', { id })).state === 'done');
        if (!done) lost++;
      }
      return { detectMs, repairMs, lost, left: 0, seen: 'host killed' };
    },
  },
  {
    name: 'disk',
    promise: 'a full disk loses nothing that was accepted; jobs go on within 30 s after space is free',
    promisedMs: 30_000,
    options: { sizeMb: DISK_MB },
    async run(scratch, time) {
      const before = await scratch.runCanary(10_000);
      const ballast = join(scratch.folder, 'ballast');
      const { bavail, bsize } = statfsSync(scratch.folder);
      const begun = time.monotonic();
      fill(ballast, bavail * bsize);
      const refused = await until(time, 20_000, () => refuses(scratch));
      const detectMs = refused ? time.monotonic() - begun : null;
      rmSync(ballast, { force: true });
      const freed = time.monotonic();
      const after = await scratch.runCanary(60_000);
      const kept = await scratch.ask('job', { id: before!.id });
      const isWell = after?.state === 'done';
      return {
        detectMs,
        repairMs: isWell ? time.monotonic() - freed : null,
        lost: (isWell ? 0 : 1) + (kept.state === 'done' ? 0 : 1),
        left: 0,
        seen: refused ? 'STORE_FULL' : null,
      };
    },
  },
];

/** A job that is offered on a full disk is refused with the reason, not lost in silence. */
async function refuses(scratch: Scratch): Promise<boolean> {
  try {
    await scratch.ask('run', { agent: 'canary', input: 'x'.repeat(100_000) });
    return false;
  } catch (error) {
    return error instanceof Fault && /FULL/.test(error.plain.code);
  }
}

function fill(file: string, bytes: number) {
  const chunk = 64 * 1024;
  for (let left = bytes; left > 0; left -= chunk) {
    try {
      writeFileSync(file, Buffer.alloc(Math.min(chunk, left)), { flag: 'a' });
    } catch {
      return;
    }
  }
}

/** Runs a drill in a Daruma of its own. A drill that the machine cannot carry is skipped, with the reason. */
export async function scratchDrill(plan: ScratchPlan, time: Time): Promise<DrillView> {
  let scratch: Scratch;
  try {
    scratch = await openScratch(time, plan.options);
  } catch (error) {
    if (!(error instanceof Fault) || error.plain.code !== 'DRILL_NO_MOUNT') throw error;
    const nothing = { detectMs: null, repairMs: null, lost: 0, left: 0, seen: null };
    return { ...drillView(plan, nothing), ok: true, skipped: error.plain.message };
  }
  try {
    return drillView(plan, await plan.run(scratch, time));
  } finally {
    await scratch.leave();
  }
}
