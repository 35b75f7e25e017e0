import { afterEach, expect, it } from 'vitest';
import { createPauses, type Pauses } from '../../src/host/pauses.ts';
import type { PauseStore } from '../../src/jobs/ports.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createFeed } from '../../src/store/feed.ts';
import { Clock, MINUTE, quiet } from '../healing/world.ts';

const HOUR = 3_600_000;
const opened: Pauses[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((own) => own.stop()))));

async function stage() {
  const clock = new Clock();
  const rows = new Map<string, { agent: string; since: number; until: number | null }>();
  const ended: string[] = [];
  const feed = createFeed<void>();
  const store: PauseStore = {
    async pause(agent, forMs) {
      const pause = { since: clock.wall, until: forMs === null ? null : clock.wall + forMs };
      rows.set(agent, { agent, ...pause });
      feed.publish();
      return pause;
    },
    async resume(agent, until) {
      const isOver = (until === undefined || rows.get(agent)?.until === until) && rows.delete(agent);
      feed.publish();
      return isOver ? clock.wall : null;
    },
    paused: async () => [...rows.values()],
    pauseChanges: feed.changes,
  };
  const open = async () => {
    const own = await createPauses({ time: clock, log: silentLog, store, ended: (agent) => void ended.push(agent) });
    opened.push(own);
    return own;
  };
  return { clock, ended, pauses: await open(), open, rows };
}

it('a pause ends by itself, once, and slots that were due in it are covered afterwards, later ones are not', async () => {
  const { clock, ended, pauses } = await stage();
  const from = clock.wall;
  await pauses.pause('a', HOUR);
  expect(pauses.get('a')).toMatchObject({ since: from, until: from + HOUR });
  expect(pauses.covering('a', from + HOUR)).toBeUndefined();
  await clock.pass(HOUR + 1);
  expect(pauses.get('a')).toBeUndefined();
  expect(ended).toEqual(['a']);
  expect(pauses.covering('a', from + HOUR - 1)).toMatchObject({ until: from + HOUR });
  expect(pauses.covering('a', from + HOUR)).toBeUndefined();
});

it('a pause without end that a person ends covers what was due until then', async () => {
  const { clock, pauses } = await stage();
  await pauses.pause('a', undefined);
  await clock.pass(HOUR);
  const at = clock.wall;
  await pauses.resume('a');
  await clock.pass(1);
  expect(pauses.get('a')).toBeUndefined();
  expect(pauses.covering('a', at - 1)).toMatchObject({ until: at });
  expect(pauses.covering('a', at)).toBeUndefined();
  expect(pauses.covering('b', at - 1)).toBeUndefined();
});

it('a pause is there again after a restart, with its begin', async () => {
  const { clock, pauses, open } = await stage();
  const from = clock.wall;
  await pauses.pause('a', undefined);
  await pauses.stop();
  await clock.pass(HOUR);
  const again = await open();
  expect(again.get('a')).toMatchObject({ since: from, until: null });
});

it('what another host does to a pause is known here, and an end that comes late takes no newer pause along', async () => {
  const { clock, ended, pauses, open } = await stage();
  const other = await open();
  await other.pause('a', HOUR);
  await quiet();
  expect(pauses.get('a')).toMatchObject({ until: clock.wall + HOUR });
  await other.resume('a');
  await quiet();
  expect(pauses.get('a')).toBeUndefined();
  expect(ended).toEqual(['a', 'a']);

  await other.pause('b', HOUR);
  await clock.pass(HOUR - 1);
  await other.pause('b', 2 * HOUR);
  const until = clock.wall + 2 * HOUR;
  await clock.pass(MINUTE);
  for (const own of [pauses, other]) expect(own.get('b')).toMatchObject({ until });
});

it('a change that was not told is seen a minute later', async () => {
  const { clock, pauses, rows } = await stage();
  rows.set('a', { agent: 'a', since: clock.wall, until: null });
  await clock.pass(MINUTE + 1);
  expect(pauses.get('a')).toMatchObject({ until: null });
});
