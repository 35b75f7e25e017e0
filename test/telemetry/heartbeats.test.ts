import { expect, test } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createHeartbeats } from '../../src/telemetry/heartbeats.ts';
import type { Heartbeat } from '../../src/telemetry/ports.ts';
import { Clock, quiet, T0 } from '../clock.ts';

/** Heartbeats on a store that refuses while `world.refuses` says so. */
function world(kept: Heartbeat[] = []) {
  const time = new Clock();
  const made = { time, refuses: undefined as Fault | undefined, writes: [] as Heartbeat[][] };
  const heartbeats = createHeartbeats({
    time,
    log: silentLog,
    loopAges: () => ({ jobs: 5 }),
    store: {
      async putHeartbeats(batch) {
        if (made.refuses) throw made.refuses;
        made.writes.push(batch);
      },
      forgetHeartbeat: async () => true,
      heartbeats: async () => kept,
    },
  });
  return Object.assign(made, { heartbeats });
}

test('what came since the last write is written in one call every 10 s, and nothing twice but the loops', async () => {
  const { time, heartbeats, writes } = world();
  await heartbeats.start();
  for (let run = 0; run < 1_000; run++) heartbeats.ran('a');
  heartbeats.beat('a', 400);
  await time.pass(2_000);
  expect(writes).toEqual([
    [
      { kind: 'loop', name: 'jobs', at: T0 + 1_995 },
      { kind: 'run', name: 'a', at: T0 },
      { kind: 'beat', name: 'a', at: T0 - 400 },
    ],
  ]);
  await time.pass(30_000);
  expect(writes.slice(1)).toEqual([12, 22, 32].map((s) => [{ kind: 'loop', name: 'jobs', at: T0 + s * 1_000 - 5 }]));
  await heartbeats.stop();
});

test('a store that refuses is told as long as it does, asked again every 2 s, and loses no heartbeat', async () => {
  const made = world();
  const { time, heartbeats, writes } = made;
  await heartbeats.start();
  made.refuses = new Fault({ code: 'STORE_FULL', message: 'the disk is full' });
  heartbeats.ran('a');
  await time.pass(2_000);
  expect(heartbeats.refusal()).toMatchObject({ code: 'STORE_FULL' });
  made.refuses = undefined;
  await time.pass(2_000);
  expect(heartbeats.refusal()).toBeUndefined();
  expect(writes).toEqual([expect.arrayContaining([{ kind: 'run', name: 'a', at: T0 }])]);
  await heartbeats.stop();
});

test('a ping is written at once; the heartbeats of the host before are known', async () => {
  const { heartbeats, writes } = world([
    { kind: 'ping', name: 'nas', at: T0 - 5_000 },
    { kind: 'run', name: 'a', at: T0 - 9_000 },
  ]);
  await heartbeats.start();
  expect(heartbeats.of('run')).toEqual(new Map([['a', T0 - 9_000]]));
  await heartbeats.ping('nas', 5);
  await quiet();
  expect(writes).toEqual([[{ kind: 'ping', name: 'nas', at: T0, withinMs: 5 }]]);
  expect(heartbeats.pings().get('nas')).toMatchObject({ at: T0, withinMs: 5 });
  await heartbeats.forgetPing('nas');
  expect(heartbeats.pings().size).toBe(0);
  await heartbeats.stop();
});
