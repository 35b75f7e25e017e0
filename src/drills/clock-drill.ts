import { fileURLToPath } from 'node:url';
import { signalProcess } from '../control/process.ts';
import type { Ops } from '../control/protocol.ts';
import { isoOf } from '../kernel/instant.ts';
import { HOUR_MS } from '../kernel/measures.ts';
import { entryFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';
import type { Measured } from './plans.ts';
import type { Scratch, ScratchPlan } from './scratch.ts';
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
export const CLOCK_PLAN: ScratchPlan = {
  name: 'clock',
  promise: 'a clock that jumps an hour ahead and back skips no slot in silence and runs none twice',
  promisedMs: SETTLED_WITHIN_MS,
  options: {
    agent: { schedule: '*/5 * * * * *', timezone: 'UTC', catchUp: 'skip', overlap: 'queue' },
    preload: fileURLToPath(entryFile('drills/jumping-clock.js')),
  },
  run: jump,
};

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

const isDecided = ({ state }: Slot) => state !== 'planned';

/** Times between the first and the last slot that have no slot, or two. */
function holesIn(slots: readonly Slot[]): number {
  const times = slots.map(({ due }) => Date.parse(due)).sort((a, b) => a - b);
  return times.slice(1).filter((due, index) => due - times[index]! !== EVERY_MS).length;
}
