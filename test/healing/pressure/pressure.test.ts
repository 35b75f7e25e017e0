import { beforeEach, expect, it } from 'vitest';
import { createGrowers } from '../../../src/healing/pressure/growers.ts';
import {
  CATCH_UP_PRIORITY,
  createPressure,
  type Pressure,
  pressureOn,
} from '../../../src/healing/pressure/pressure.ts';
import type { PressureSample } from '../../../src/healing/pressure/strain.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { Clock } from '../../clock.ts';

const MB = 1024 ** 2;
let clock: Clock;
let pressure: Pressure;
/** What was asked of the rooms, in order. */
let asked: string[];
let free: { memoryMb: number; diskMb: number | null };
let throttled: number;
let working: number;
let lacksRoom: boolean;

beforeEach(() => {
  clock = new Clock();
  asked = [];
  free = { memoryMb: 400, diskMb: 50_000 };
  throttled = 0;
  working = 5;
  lacksRoom = true;
  pressure = createPressure({
    time: clock,
    log: silentLog,
    read: async () => look(),
    marks: () => ({ memoryFree: 0.15, memoryStall: 5, ioStall: 60, cpuThrottled: 25 }),
    reliefMs: () => 30_000,
    changed: (isEasing) => void asked.push(isEasing ? 'eased' : 'pressed'),
    workers: () => working,
    lacksRoom: () => lacksRoom,
    dropIdle: () => void asked.push('drop idle'),
    recycleGrower: () => void asked.push('recycle'),
    report: (_signal, note) => void asked.push(`incident: ${note}`),
    mended: () => void asked.push('mended'),
    record: ({ kind, message }) => void asked.push(`${kind}: ${message}`),
  });
});

function look(): Omit<PressureSample, 'at'> {
  const second = Math.round(clock.monotonic() / 1_000);
  return {
    reading: {
      memory: {
        bounds: [{ of: 'cgroup', limitBytes: 512 * MB, usedBytes: (512 - free.memoryMb) * MB }],
        stalls: null,
        oomKills: 0,
      },
      cpu: { cores: 1, quotas: [{ periods: second * 10, throttled: second * throttled }], stalls: null },
      io: { stalls: null },
    },
    disk: free.diskMb === null ? null : { freeBytes: free.diskMb * MB, totalBytes: 100_000 * MB },
  };
}

const seconds = (count: number) => clock.pass(count * 1_000);
const incidents = () => asked.filter((one) => one.startsWith('incident'));
const rungs = () => pressure.inForce().map(({ rung }) => rung);

it('goes up one rung at a time, tells each once with its figures, and holds what the rung says', async () => {
  await pressure.start();
  await seconds(15);
  expect(pressure.facts()).toBeUndefined();
  free.memoryMb = 60;
  await seconds(11);
  expect(pressure.facts()).toMatchObject({ growth: 'held', pausesCatchUp: false, refusesSends: false });
  expect(pressure.facts()!.leastPriority).toBeUndefined();
  await seconds(10);
  expect(pressure.facts()).toMatchObject({ growth: 'shrink' });
  await seconds(10);
  expect(pressure.facts()).toMatchObject({ leastPriority: 0, pausesCatchUp: false });
  await seconds(30);
  expect(rungs()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(pressure.facts()).toMatchObject({ pausesCatchUp: true, refusesSends: true });
  expect(incidents()).toEqual(
    [
      'no agent gets more workers (rung 1 of 6)',
      'idle workers go (rung 2 of 6)',
      'background work waits (rung 3 of 6)',
      'slots of an absence wait (rung 4 of 6)',
      'the worker that grew most goes after the job that it holds (rung 5 of 6)',
      'new background work is refused (rung 6 of 6)',
    ].map(
      (what) =>
        `incident: the machine is short of memory (60 MB of 512 MB memory of the cgroup are free, 77 MB are to be): ${what}`,
    ),
  );
  await pressure.stop();
  expect(clock.timers()).toBe(0);
});

it('helps again each ten seconds while memory is pressed, and asks somebody a minute after the last rung', async () => {
  await pressure.start();
  free.memoryMb = 60;
  await seconds(71);
  const before = asked.length;
  await seconds(45);
  const again = asked.slice(before);
  expect(again.filter((one) => one === 'recycle')).toHaveLength(4);
  expect(again.filter((one) => one === 'drop idle')).toHaveLength(4);
  expect(incidents()).toHaveLength(6);
  await seconds(20);
  expect(incidents().at(-1)).toBe('incident: all that helps without a person has been done');
  expect(incidents()).toHaveLength(7);
  await pressure.stop();
});

it('comes down in reverse, wakes what waited, and ends the incident at the end', async () => {
  await pressure.start();
  free.memoryMb = 60;
  await seconds(31);
  expect(rungs()).toEqual([1, 2, 3]);
  free.memoryMb = 400;
  asked = [];
  await seconds(32);
  expect(rungs()).toEqual([1, 2]);
  expect(asked.filter((one) => one !== 'drop idle')).toEqual([
    'pressure.eased: there is room again (400 MB of 512 MB memory of the cgroup are free, 77 MB are to be): background work goes on (rung 3 of 6 is lifted)',
    'eased',
  ]);
  await seconds(62);
  expect(pressure.facts()).toBeUndefined();
  expect(asked.filter((one) => one === 'mended')).toHaveLength(1);
  expect(asked.filter((one) => one === 'eased')).toHaveLength(3);
  await pressure.stop();
});

it('bounds all workers by those that there are, and by one more after each step that was lifted', async () => {
  await pressure.start();
  free.memoryMb = 60;
  await seconds(11);
  expect(pressure.facts()!.mostWorkers).toBe(5);
  working = 3;
  await seconds(10);
  expect(pressure.facts()!.mostWorkers).toBe(3);
  await seconds(10);
  // Background work waits: a place for the other, whose turn would not come while long jobs go on.
  expect(pressure.facts()).toMatchObject({ defersBackground: true, mostWorkers: 4 });
  free.memoryMb = 400;
  working = 2;
  await seconds(62);
  expect(pressure.facts()).toMatchObject({ growth: 'held', mostWorkers: 3 });
  await seconds(30);
  // The last step is lifted. All that waited at once would take the room that there is again.
  expect(pressure.facts()).toBeUndefined();
  expect(pressure.mostWorkers()).toBe(3);
  await seconds(60);
  expect(pressure.mostWorkers()).toBe(5);
  free.memoryMb = 100;
  await seconds(31);
  expect(pressure.mostWorkers()).toBe(5);
  free.memoryMb = 400;
  lacksRoom = false;
  await seconds(31);
  expect(pressure.mostWorkers()).toBe(Number.POSITIVE_INFINITY);
  expect(asked.at(-1)).toBe('eased');
  await pressure.stop();
});

it('of the disk defers, pauses and refuses, and lets no worker go', async () => {
  await pressure.start();
  free.diskMb = 900;
  await seconds(60);
  expect(rungs()).toEqual([3, 4, 6]);
  expect(pressure.facts()).toMatchObject({ growth: 'free', leastPriority: 0, refusesSends: true });
  expect(asked.filter((one) => one.startsWith('incident') || one === 'recycle' || one === 'drop idle')).toEqual([]);
  expect(asked.filter((one) => one.startsWith('pressure.stepped'))).toHaveLength(3);
  await pressure.stop();
});

it('lifts no step of a disk that cannot be asked any more, and watches memory all the same', async () => {
  await pressure.start();
  free.diskMb = 900;
  await seconds(60);
  free.diskMb = null;
  await seconds(200);
  expect(rungs()).toEqual([3, 4, 6]);
  free.memoryMb = 60;
  await seconds(11);
  expect(rungs()).toEqual([1, 3, 4, 6]);
  await pressure.stop();
});

it('of a processor quota stops growth and catch-up; background work goes on', async () => {
  await pressure.start();
  throttled = 9;
  await seconds(90);
  expect(rungs()).toEqual([1, 4]);
  expect(pressure.facts()).toMatchObject({ growth: 'held', pausesCatchUp: true });
  expect(pressure.facts()!.leastPriority).toBe(CATCH_UP_PRIORITY + 1);
  await pressure.stop();
});

it('keeps the steps of one resource while another is relieved', async () => {
  await pressure.start();
  free = { memoryMb: 60, diskMb: 900 };
  await seconds(31);
  free.memoryMb = 400;
  await seconds(140);
  expect(pressure.inForce().every(({ resource }) => resource === 'disk')).toBe(true);
  expect(pressure.facts()).toMatchObject({ growth: 'free', leastPriority: 0 });
  await pressure.stop();
});

it('holds an agent by its class: background agents wait, critical ones keep their workers', () => {
  const facts = {
    since: 1,
    growth: 'shrink',
    leastPriority: 0,
    seen: '',
    pausesCatchUp: true,
    refusesSends: true,
    mostWorkers: 3,
  } as const;
  const all = { ...facts, defersBackground: true };
  expect(pressureOn(all, 'background')).toMatchObject({ waits: true, growth: 'shrink' });
  expect(pressureOn(all, undefined)).toMatchObject({ waits: false, growth: 'shrink', leastPriority: 0 });
  expect(pressureOn(all, 'critical')).toMatchObject({ waits: false, growth: 'held' });
  expect(pressureOn({ ...facts, defersBackground: false }, 'background')).toMatchObject({ waits: false });
  expect(pressureOn({ ...all, growth: 'free' }, 'critical')).toMatchObject({ growth: 'free' });
  expect(pressureOn(undefined, 'background')).toBeUndefined();
});

it('ends an incident that a host before it has left, once there is room', async () => {
  await pressure.start();
  await seconds(3);
  expect(asked).toEqual(['mended']);
  await pressure.stop();
});

it('the worker that goes is the one that grew most since its first reading, of those that may go', () => {
  const growers = createGrowers();
  const first = { w1: 300, w2: 10, w3: 10 };
  const read = (bytes: Record<string, number>, at: number) =>
    growers.read(
      Object.entries(bytes).map(([worker, held]) => ({ worker, bytes: held })),
      at,
    );
  read(first, 0);
  read({ w1: 310, w2: 90, w3: 200 }, 1_000);
  expect(growers.most(['w1', 'w2'])).toEqual({ worker: 'w2', bytes: 90, grewBytes: 80 });
  // Nobody hears of w2 and w3 any more: they are forgotten, and a worker of such a name would begin anew.
  for (let at = 2_000; at <= 122_000; at += 1_000) read({ w1: 310 }, at);
  expect(growers.most(['w1', 'w2', 'w3'])).toMatchObject({ worker: 'w1', grewBytes: 10 });
  expect(growers.most(['w2', 'w3'])).toBeUndefined();
  read({ w2: 500 }, 123_000);
  expect(growers.most(['w2'])).toBeUndefined();
});
