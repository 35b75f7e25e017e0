import { expect, test } from 'vitest';
import { createScaling } from '../../src/host/scaling.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { FleetEvent } from '../../src/telemetry/ports.ts';
import { Clock } from '../clock.ts';

type Needs = Parameters<typeof createScaling>[0];

/** Agents with so many workers each, whose figures the test sets; what scaling tells is kept. */
function world(bounds: Record<string, Agent['workers']>) {
  const clock = new Clock();
  const agents = new Map(Object.entries(bounds).map(([name, workers]) => [name, { name, workers } as Agent]));
  const loads = new Map<string, { ready: number; share: number; waitMs: number }>();
  const work = new Map<string, { readyMs: number; busyMs: number }>();
  const events: Omit<FleetEvent, 'at'>[] = [];
  const facts = {
    asked: 0,
    isHeld: false,
    growth: 'free' as ReturnType<Needs['growth']>,
    room: Number.POSITIVE_INFINITY,
  };
  const changed: string[] = [];
  const scaling = createScaling({
    time: clock,
    log: silentLog,
    agents: () => agents,
    store: {
      async waiting() {
        facts.asked += 1;
        return [...loads].flatMap(([agent, { waitMs }]) => (waitMs > 0 ? [{ agent, inMs: -waitMs }] : []));
      },
    },
    events: { record: (_, event) => void events.push(event) },
    workers: {
      load: (name) => ({ readyMs: 0, busyMs: 0, ...work.get(name), ready: loads.get(name)?.ready ?? 0 }),
    },
    isHeld: () => facts.isHeld,
    growth: () => facts.growth,
    room: () => facts.room,
    bus: { emit: (_, names) => void changed.push(...(names as string[])) },
  });
  const agentOf = (name: string) => agents.get(name) ?? ({ name, workers: { min: 0, max: 1 } } as Agent);
  return {
    target: (name: string) => scaling.target(agentOf(name)),
    view: (name: string) => scaling.view(agentOf(name)),
    ...{ scaling, agents, loads, facts, events, changed },
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 100) {
        for (const [name, { ready, share }] of loads) {
          const { readyMs, busyMs } = work.get(name) ?? { readyMs: 0, busyMs: 0 };
          work.set(name, { readyMs: readyMs + ready * 100, busyMs: busyMs + ready * share * 100 });
        }
        await clock.pass(100);
      }
    },
  };
}

test('a change is an event with the figures that it was made of, and the placement is made anew', async () => {
  const { scaling, target, view, loads, events, changed, pass } = world({
    serves: { min: 2, max: 6 },
    single: { min: 0, max: 1 },
  });
  await scaling.start();
  expect(target('serves')).toBe(2);
  expect(target('single')).toBeUndefined();
  expect(view('single')).toBeUndefined();
  loads.set('serves', { ready: 2, share: 1, waitMs: 340 });
  scaling.readings([{ agent: 'serves', worker: 'w1', at: 1_000, cpu: 0.25 }]);
  await pass(1_100);
  expect(target('serves')).toBe(4);
  expect(changed).toEqual(['serves']);
  expect(events).toMatchObject([
    {
      kind: 'agent.scaled',
      agent: 'serves',
      message:
        'serves: 2 → 4 workers, they were at work 100 % of their time with 25 % of a core each, the first job has waited 340ms',
      data: { from: 2, to: 4, reason: 'high-load', busy: 1, queueWaitMs: 340, cpu: 0.25, growth: 'free' },
    },
  ]);
  expect(view('serves')).toMatchObject({ target: 4, change: { from: 2, to: 4, reason: 'high-load' } });
  await scaling.stop();
});

test('the store is asked for waiting jobs only while workers are at work', async () => {
  const { scaling, target, loads, facts, pass } = world({ serves: { min: 2, max: 6 } });
  await scaling.start();
  loads.set('serves', { ready: 2, share: 0.7, waitMs: 5_000 });
  await pass(5_000);
  expect(facts.asked).toBe(0);
  loads.set('serves', { ready: 2, share: 0.9, waitMs: 0 });
  await pass(5_000);
  expect(facts.asked).toBeGreaterThan(0);
  expect(target('serves')).toBe(2);
  await scaling.stop();
});

test('an agent that is held, or a machine that is short, gets no more workers', async () => {
  const { scaling, target, view, loads, facts, pass } = world({ serves: { min: 2, max: 6 } });
  await scaling.start();
  loads.set('serves', { ready: 2, share: 1, waitMs: 5_000 });
  facts.isHeld = true;
  await pass(3_000);
  expect(target('serves')).toBe(2);
  Object.assign(facts, { isHeld: false, growth: 'held' });
  await pass(3_000);
  expect(target('serves')).toBe(2);
  facts.growth = 'free';
  await pass(600);
  expect(target('serves')).toBe(4);
  loads.set('serves', { ready: 4, share: 0.25, waitMs: 0 });
  facts.growth = 'shrink';
  await pass(2_000);
  expect(view('serves')).toMatchObject({ target: 2, change: { from: 4, to: 2, reason: 'pressure' } });
  await scaling.stop();
});

test('agents that grow in one turn share the room of the host', async () => {
  const { scaling, target, loads, facts, pass } = world({ a: { min: 2, max: 6 }, b: { min: 2, max: 6 } });
  await scaling.start();
  facts.room = 3;
  for (const name of ['a', 'b']) loads.set(name, { ready: 2, share: 1, waitMs: 500 });
  await pass(1_100);
  expect([target('a'), target('b')]).toEqual([4, 3]);
  await scaling.stop();
});

test('an agent that is gone is forgotten, and one whose file changes has its new bounds', async () => {
  const { scaling, target, view, agents, loads, pass } = world({ serves: { min: 2, max: 6 } });
  await scaling.start();
  loads.set('serves', { ready: 2, share: 1, waitMs: 5_000 });
  await pass(1_100);
  expect(target('serves')).toBe(4);
  agents.set('serves', { name: 'serves', workers: { min: 1, max: 3 } } as Agent);
  await pass(600);
  expect(view('serves')).toMatchObject({ target: 3, change: { from: 4, to: 3, reason: 'file' } });
  agents.delete('serves');
  await pass(600);
  agents.set('serves', { name: 'serves', workers: { min: 1, max: 3 } } as Agent);
  expect(view('serves')).toMatchObject({ target: 1, change: null });
  await scaling.stop();
});
