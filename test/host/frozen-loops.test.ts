import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openConfigFiles } from '../../src/host/config/files.ts';
import { readConfig } from '../../src/host/config/read.ts';
import { createHealth } from '../../src/host/health/health.ts';
import { type Host, startHost } from '../../src/host/host.ts';
import { type Outside, openOutside } from '../../src/host/lifecycle/outside.ts';
import type { Service } from '../../src/kernel/service.ts';
import { machineTime } from '../../src/kernel/time.ts';
import type { HealthView } from '../../src/operations/results/health.ts';
import { plugin } from '../e2e/installation.ts';
import { HANGS_MS } from '../hangs.ts';

/** How a turn of each loop of `kernel/loop` is held, by the `alive` of the loop. */
const held = vi.hoisted(() => new Map<unknown, Hold>());
interface Hold {
  until: PromiseWithResolvers<void> | undefined;
  reached(): void;
}

/** Every loop turns so often that all that are not held have turned a moment after the clock went on. */
const SOON_MS = 50;
vi.mock('../../src/kernel/loop.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/kernel/loop.ts')>();
  const createLoop: typeof original.createLoop = (needs, terms) => {
    const hold: Hold = { until: undefined, reached() {} };
    const loop = original.createLoop(needs, {
      everyMs: Math.min(terms.everyMs, 50),
      firstMs: Math.min(terms.firstMs ?? 0, 50),
      async turn(turn) {
        hold.reached();
        await hold.until?.promise;
        const waitMs = await terms.turn(turn);
        return waitMs === undefined ? undefined : Math.min(waitMs, 50);
      },
    });
    held.set(loop.alive, hold);
    return loop;
  };
  return { ...original, createLoop };
});

/** Timers of rooms that have no loop of `kernel/loop`: the file that sets them, whether they are held, and what is held back. */
const TIMERS: Record<string, { file: string; isHeld: boolean; calls: (() => void)[] }> = {
  catalog: { file: 'catalog/coordination.ts', isHeld: false, calls: [] },
};
let aheadMs = 0;
let isStoreHeld = false;
const toStore: (() => void)[] = [];

let folder: string;
let outside: Outside;
let host: Host;
const loops = () => outside.loops as Map<string, Service>;
let health: () => Promise<HealthView>;

beforeAll(async () => {
  vi.spyOn(machineTime, 'monotonic').mockImplementation(() => performance.now() + aheadMs);
  const { after } = machineTime;
  vi.spyOn(machineTime, 'after').mockImplementation((ms, call) => {
    const stack = new Error().stack ?? '';
    const room = Object.values(TIMERS).find(({ file }) => stack.includes(file));
    if (!room) return after(ms, call);
    return after(Math.min(ms, SOON_MS), () => {
      if (room.isHeld) room.calls.push(call);
      else call();
    });
  });
  const { postMessage } = Worker.prototype;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    const send = () => postMessage.apply(this, args);
    if (isStoreHeld && this.threadName === 'store writer') toStore.push(send);
    else send();
  });
  delete process.env.DARUMA_WEB;
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-frozen-')));
  for (const place of ['plugins', 'agents', 'config']) mkdirSync(join(folder, place));
  writeFileSync(join(folder, 'config/daruma.yaml'), 'web: { port: 0 }\n');
  writeFileSync(join(folder, 'plugins/tick.ts'), plugin('return 1;', `schedule: '@every 1h',`));
  writeFileSync(
    join(folder, 'plugins/sleeps.ts'),
    plugin(`await context.exec('sleep', ['60']);`, `needs: { exec: ['sleep'] },`),
  );
  outside = await openOutside({});
  const config = readConfig(openConfigFiles(folder), { unattended: false, now: Date.now() });
  const terms = { folder, config, loops: loops(), ending() {}, gone() {} };
  host = await startHost(terms as Parameters<typeof startHost>[0]);
  health = createHealth(host.hostContext);
});
afterAll(async () => {
  await host?.stop(false, 0);
  await outside?.close();
  rmSync(folder, { recursive: true, force: true });
  vi.restoreAllMocks();
});

async function until(holds: (seen: HealthView) => boolean): Promise<HealthView> {
  const deadline = performance.now() + HANGS_MS;
  for (;;) {
    const seen = await health();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`it did not come true: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const still = ({ reasons }: HealthView) => reasons.filter(({ code }) => code === 'LOOP_STILL').map(({ who }) => who);

/** Lets the loop stand still for three hours, as the clock of the host has it. */
async function freezes(name: string, hold: () => Promise<void> | void, letGo: () => void): Promise<void> {
  await until(({ live }) => live);
  try {
    await hold();
    const seen = await until((one) => {
      // What was under way when it was held may still have ended by the new clock.
      if (!still(one).includes(name)) aheadMs += 3 * 3_600_000;
      return still(one).join() === name;
    });
    expect(seen).toMatchObject({ state: 'down', live: false, ready: false });
  } finally {
    letGo();
  }
  await until(({ live }) => live);
}

/** The loops of a host, as a list that a new one cannot slip past. */
const LOOPS = [
  'pulse',
  'own heap',
  'pauses',
  'healing',
  'pressure',
  'secrets',
  'mounts',
  'jobs',
  'batches',
  'scaling',
  'schedule',
  'retention',
  'probation',
  'host events',
  'always agents',
  'heartbeats',
  'aggregation',
  'alerts',
  'ledger',
  'usage',
  'early warnings',
  'model drills',
  'workers',
  'held files',
  'config probation',
  'web',
];

test('all loops of a host are looked at', async () => {
  const named = (await until(({ live }) => live)).loops.map(({ name }) => name);
  expect(named.sort()).toEqual([...LOOPS, 'catalog', 'exec', 'store'].sort());
});

test.each(LOOPS)('a turn of %s that does not end makes the host not live, by name, until it ends', async (name) => {
  const hold = held.get(loops().get(name)!.alive)!;
  await freezes(
    name,
    () => {
      hold.until = Promise.withResolvers();
      return new Promise<void>((resolve) => {
        hold.reached = resolve;
      });
    },
    () => {
      hold.until!.resolve();
      hold.until = undefined;
    },
  );
});

test.each(Object.keys(TIMERS))(
  '%s that does not look any more makes the host not live, until it does',
  async (name) => {
    const room = TIMERS[name]!;
    await freezes(
      name,
      () => {
        room.isHeld = true;
      },
      () => {
        room.isHeld = false;
        for (const call of room.calls.splice(0)) call();
      },
    );
  },
);

test('a store whose thread does not answer makes the host not live and not ready, until it does', async () => {
  await until(({ live }) => live);
  isStoreHeld = true;
  await vi.waitUntil(() => toStore.length > 0, { timeout: 10_000, interval: 5 });
  aheadMs += 3 * 3_600_000;
  const seen = await until((one) => still(one).includes('store'));
  expect(seen).toMatchObject({ state: 'down', live: false, ready: false });
  expect(seen.reasons.map(({ code }) => code)).toContain('STORE_SILENT');
  isStoreHeld = false;
  for (const send of toStore.splice(0)) send();
  expect((await until(({ live, ready }) => live && ready)).reasons.map(({ code }) => code)).not.toContain(
    'STORE_SILENT',
  );
});

test('an exec broker that stands still makes the host not live, until it goes on or is replaced', async () => {
  const [added] = await host.hostContext.jobs.add([{ agent: 'sleeps', trigger: 'manual', input: null, attempts: 1 }]);
  const broker = await vi.waitUntil(() => brokerWithChild(), { timeout: 20_000, interval: 20 });
  await freezes(
    'exec',
    () => void process.kill(broker, 'SIGSTOP'),
    () => void process.kill(broker, 'SIGCONT'),
  );
  await host.hostContext.jobs.cancel(added!.id, { code: 'CANCELLED', message: 'enough' });
});

/** The broker of this host, once it runs a command. */
function brokerWithChild(): number | undefined {
  const parentOf = new Map<number, number>();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    try {
      parentOf.set(pid, Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]));
    } catch {
      // It ended while it was looked at.
    }
  }
  const isSleep = (pid: number) => /\bsleep\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  for (const [pid, parent] of parentOf) {
    try {
      if (parentOf.get(parent) === process.pid && isSleep(pid)) return parent;
    } catch {
      // As above.
    }
  }
  return undefined;
}
