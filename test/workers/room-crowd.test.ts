import { expect, test } from 'vitest';
import type { Agent } from '../../src/jobs/agent.ts';
import type { Pool } from '../../src/workers/pool.ts';
import { createWorkerRoom } from '../../src/workers/room.ts';
import type { HostWorker } from '../../src/workers/worker.ts';
import { Clock } from '../clock.ts';

test('a crowd that finds no room in one turn is looked through once, and those that wait get the places that come free', async () => {
  const busy = (id: number) =>
    ({
      id,
      agent: { name: `busy-${id}` },
      startedAt: 0,
      state: () => ({ is: 'busy' }),
      drain: () => {},
    }) as unknown as HostWorker;
  const workers = [busy(1), busy(2)];
  let looks = 0;
  const admitted: string[] = [];
  const names = Array.from({ length: 1_000 }, (_, n) => `waits-${n}`);
  const poolOf = (name: string) => ({ workers: () => [], admit: () => admitted.push(name) }) as unknown as Pool;
  const pools = new Map(names.map((name) => [name, poolOf(name)]));
  const clock = new Clock();
  const room = createWorkerRoom(
    {
      time: clock,
      workers() {
        looks += 1;
        return workers;
      },
      pools,
    },
    2,
  );
  for (const worker of workers) room.started(worker);
  for (const name of names) room.wait({ name } as Agent);
  await Promise.resolve();
  expect(looks).toBeLessThanOrEqual(2);
  expect(room.left()).toBe(0);
  expect(room.view().waiting).toHaveLength(1_000);
  room.gone(workers.pop()!);
  room.review();
  expect(admitted).toEqual(['waits-0']);
  expect(room.waitsFor('waits-0')).toBeUndefined();
  expect(room.waitsFor('waits-1')).toMatchObject({ most: 2 });
});
