import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createHeldUp } from '../../src/host/held-up.ts';
import { createHostPressure, mustTakeSend } from '../../src/host/pressure.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { WorkersView } from '../../src/workers/view.ts';
import { Clock } from '../clock.ts';

const MB = 1024 ** 2;

/** A host whose machine is a folder of files, with workers that only note what is asked of them. */
function hostIn(
  agents: Record<string, Partial<Agent>>,
  workers: Partial<WorkersView['workers'][number]>[],
  storeFolder = '.',
) {
  const root = mkdtempSync(join(tmpdir(), 'daruma-pressure-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const own = 'sys/fs/cgroup/memory/jobs';
  write('proc/self/cgroup', '4:memory:/jobs\n');
  write('proc/self/mountinfo', '31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n');
  write('proc/meminfo', 'MemTotal: 8000000 kB\nMemAvailable: 7000000 kB\n');
  write(`${own}/memory.limit_in_bytes`, String(512 * MB));
  write(`${own}/memory.stat`, 'total_inactive_file 0\n');
  const clock = new Clock();
  const asked: string[] = [];
  const all = new Map(Object.entries(agents).map(([name, agent]) => [name, { name, ...agent } as Agent]));
  const pressure = createHostPressure(
    {
      time: clock,
      log: silentLog,
      settings: {
        pressure: { memoryFree: 15, memoryStall: 5, cpuThrottled: 25, ioStall: 60, reliefMs: 30_000 },
      },
      events: { record() {} },
      bus: { emit: (_fact, startable) => void asked.push(`wake ${[...(startable as string[])].join(',')}`) },
      healer: { report() {}, pressureOver() {} },
      facts: { store: { file: join(root, storeFolder, 'daruma.db') } } as never,
      workers: {
        view: () => ({ workers }) as WorkersView,
        recycle: (worker) => void asked.push(`recycle ${worker}`),
      },
      runnableAgents: () => all,
    },
    root,
  );
  onTestFinished(() => pressure.stop());
  return {
    clock,
    pressure,
    asked,
    all,
    uses: (megabytes: number) => write(`${own}/memory.usage_in_bytes`, String(megabytes * MB)),
  };
}

/** The disk is the real one, which is asked in a thread of its own. */
async function seconds(at: ReturnType<typeof hostIn>, count: number) {
  // A look is over when the next one is planned.
  const settle = () => expect.poll(() => at.clock.timers(), { interval: 1 }).toBeGreaterThan(0);
  await at.clock.pass(count * 1_000, settle);
}

it('lets idle workers go but those of critical agents, and of all that work the one that grew most', async () => {
  const at = hostIn({ vital: { class: 'critical' }, shop: {}, hoard: {}, loop: { always: true } }, [
    { worker: 'w1', agent: 'vital', is: 'idle' },
    { worker: 'w2', agent: 'shop', is: 'idle' },
    { worker: 'w3', agent: 'hoard', is: 'busy' },
    { worker: 'w4', agent: 'loop', is: 'busy' },
    { worker: 'w5', agent: 'shop', is: 'busy' },
  ]);
  const reading = (worker: string, bytes: number) =>
    ({ worker, heapBytes: bytes, externalBytes: 0, childrenBytes: 0 }) as never;
  at.pressure.readings(['w1', 'w2', 'w3', 'w4', 'w5'].map((worker) => reading(worker, 10)));
  at.pressure.readings([reading('w1', 900), reading('w3', 500), reading('w4', 800), reading('w5', 100)]);
  at.uses(470);
  await at.pressure.start();
  await seconds(at, 22);
  expect(at.asked.filter((one) => one.startsWith('recycle'))).toEqual(['recycle w2']);
  await seconds(at, 30);
  expect(at.asked).toContain('recycle w3');
  expect(at.asked).not.toContain('recycle w1');
  expect(at.asked).not.toContain('recycle w4');
  at.asked.splice(0);
  at.uses(100);
  await seconds(at, 35);
  expect(at.asked).toContain('wake vital,shop,hoard,loop');
});

it('refuses what an agent sends to a background agent, or with a priority below 0, at the last rung alone', async () => {
  const at = hostIn({ slow: { class: 'background' }, shop: {}, vital: { class: 'critical' } }, []);
  const send = (to: string, priority?: number) => () =>
    mustTakeSend(at.pressure, {
      how: 'shop sends',
      to: to.split(' ').flatMap((name) => at.all.get(name) ?? []),
      priority,
    });
  at.uses(470);
  await at.pressure.start();
  await seconds(at, 55);
  expect(at.pressure.facts()).toMatchObject({ refusesSends: false });
  expect(send('slow')).not.toThrow();
  await seconds(at, 10);
  expect(send('slow')).toThrow('shop sends background work for slow, and the machine takes none now: 42 MB of 512 MB');
  expect(send('shop', -1)).toThrow('takes none now');
  // An event that some agent can hear now is heard by all.
  for (const taken of [send('shop'), send('shop', 0), send('vital'), send('vital', -1), send('slow shop'), send('')])
    expect(taken).not.toThrow();
});

it('a job whose cell the kernel killed for memory waits for room, a critical one for a moment, and loses no attempt', () => {
  const time = new Clock();
  const none = { heldUp: () => undefined };
  const agents = new Map([['vital', { class: 'critical' }]]) as never;
  const heldUp = createHeldUp({ time, outbound: none, waits: none, runnableAgents: () => agents });
  const wait = (isCritical: boolean, code = 'MACHINE_MEMORY') =>
    heldUp({ job: 'job-1', attempt: 1 }, isCritical ? 'vital' : 'shop', { code, message: '' });
  expect(wait(true)).toEqual({ until: time.now() + 500, waitsFor: 'memory of the machine' });
  const { until, waitsFor } = wait(false)!;
  expect(until - time.now()).toBeGreaterThanOrEqual(5_000);
  expect(until - time.now()).toBeLessThanOrEqual(10_000);
  expect(waitsFor).toBe('memory of the machine');
  expect(wait(false, 'CELL_LOST')).toBeUndefined();
});

it('bounds the workers by those that there are but those that run always, and goes on without its disk', async () => {
  const at = hostIn(
    { shop: {}, loop: { always: true } },
    [
      { worker: 'w1', agent: 'shop', is: 'busy' },
      { worker: 'w2', agent: 'loop', is: 'busy' },
      { worker: 'w3', agent: 'loop', is: 'busy' },
    ],
    'no such folder',
  );
  at.uses(470);
  await at.pressure.start();
  await seconds(at, 12);
  expect(at.pressure.facts()).toMatchObject({ growth: 'held', mostWorkers: 1 });
  expect(at.pressure.resources()).toContainEqual({
    ...{ resource: 'disk', is: 'strained', seen: 'the disk of the store cannot be asked' },
  });
});
