import { afterEach, expect, it } from 'vitest';
import { createPauses, type Pauses } from '../../src/host/pauses.ts';
import { Clock } from '../healing/world.ts';

const HOUR = 3_600_000;
let pauses: Pauses | undefined;
afterEach(() => pauses?.stop());

async function stage() {
  const clock = new Clock();
  const rows = new Map<string, { agent: string; since: number; until: number | null }>();
  const ended: string[] = [];
  const store = {
    async pause(agent: string, until: number | null, since: number) {
      rows.set(agent, { agent, since, until });
    },
    async resume(agent: string) {
      rows.delete(agent);
    },
    paused: async () => [...rows.values()],
  };
  const open = () => createPauses({ time: clock, store, ended: (agent) => void ended.push(agent) });
  pauses = await open();
  return { clock, ended, pauses, open };
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
  pauses.stop();
  await clock.pass(HOUR);
  const again = await open();
  expect(again.get('a')).toMatchObject({ since: from, until: null });
  again.stop();
});
