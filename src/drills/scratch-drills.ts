import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signalProcess } from '../control/process.ts';
import type { DrillView, Ops } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { HOUR_MS } from '../kernel/measures.ts';
import { entryFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';
import { drillView, type Measured } from './plans.ts';
import { openScratch, type Scratch, type ScratchPlan } from './scratch.ts';
import { until } from './until.ts';

const EVERY_MS = 5_000;
/** A host that went through the hour has at least so many slots in it. */
const LEAST_SLOTS = 700;
const SETTLED_WITHIN_MS = 35_000;
const PLANNED_WITHIN_MS = 5_000;
/** After the clock went back, a job is done within this time. */
const WORKS_WITHIN_MS = 10_000;

type Slot = Ops['slots']['value'][number];

/** Puts the clock of a whole Daruma an hour ahead and back. */
const CLOCK_PLAN: ScratchPlan = {
  name: 'clock',
  promise: 'a clock that jumps an hour ahead and back skips no slot in silence and runs none twice',
  promisedMs: SETTLED_WITHIN_MS,
  options: {
    agent: { schedule: '*/5 * * * * *', timezone: 'UTC', catchUp: 'skip', overlap: 'queue' },
    preload: fileURLToPath(entryFile('drills/jumping-clock.js')),
  },
  run: jump,
};

const isDecided = ({ state }: Slot) => state !== 'planned';

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

async function jump(scratch: Scratch, time: Time): Promise<Measured> {
  const from = time.now();
  await until(time, PLANNED_WITHIN_MS, async () => (await slotsOf(scratch, from, time.now() + HOUR_MS)).length > 0);
  const host = scratch.host()!;
  signalProcess(host, 'SIGUSR2');
  const begun = time.monotonic();
  const isSettled = await until(time, SETTLED_WITHIN_MS, async () => {
    const slots = await slotsOf(scratch, from, time.now() + HOUR_MS - EVERY_MS);
    return slots.length > LEAST_SLOTS && slots.every(isDecided);
  });
  const repairMs = isSettled ? time.monotonic() - begun : null;
  signalProcess(host, 'SIGUSR2');
  const backAt = time.now();
  const job = await scratch.runCanary(WORKS_WITHIN_MS);
  const slots = await slotsOf(scratch, from, backAt + HOUR_MS - EVERY_MS);
  const undecided = slots.filter((slot) => !isDecided(slot)).length;
  return {
    detectMs: repairMs,
    repairMs,
    lost: holesIn(slots) + undecided + (job?.state === 'done' ? 0 : 1),
    left: 0,
    seen: `${slots.length} slots in that hour, each with one end`,
  };
}

async function slotsOf(scratch: Scratch, from: number, to: number): Promise<Slot[]> {
  return scratch.ask('slots', { agent: 'canary', from: isoOf(from), to: isoOf(to) });
}

/** Times between the first and the last slot that have no slot, or two. */
function holesIn(slots: readonly Slot[]): number {
  const times = slots.map(({ due }) => Date.parse(due)).sort((a, b) => a - b);
  return times.slice(1).filter((due, index) => due - times[index]! !== EVERY_MS).length;
}
