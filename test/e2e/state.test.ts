import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

const COUNTER = plugin(`
  const n = Number((await context.state.get('n')) ?? 0) + 1;
  await context.state.set('n', n);
  return n;
`);

it('shows what an agent keeps, changes it by hand, and takes it along to a new name', async () => {
  place = installation({ 'plugins/counter.ts': COUNTER, 'plugins/other.ts': COUNTER });
  await place.start();
  await place.daruma('run', 'counter', '--wait');
  expect((await place.daruma('state', '--json')).json).toEqual([{ agent: 'counter', keys: 1, bytes: 1 }]);
  expect((await place.daruma('state', 'counter', '--json')).json).toMatchObject([{ key: 'n', value: 1, bytes: 1 }]);
  expect((await place.daruma('state', 'other')).stdout).toBe('other holds no state\n');

  const set = await place.daruma('state', 'counter', 'n', '--set', '41');
  expect(set).toMatchObject({ code: 0, stdout: '✓ n of counter is set; it was 1\n' });
  await place.daruma('run', 'counter', '--wait');
  expect((await place.daruma('state', 'counter', 'n', '--json')).json).toMatchObject({ value: 42 });

  // What forgets or moves wants --yes, and does nothing without.
  const asked = await place.daruma('state', 'counter', '--move-to', 'other');
  expect(asked.code).toBe(1);
  expect(asked.stdout).toContain('daruma state counter --move-to other --yes');
  place.remove('plugins/counter.ts');
  await place.daruma('check');
  const moved = await place.daruma('state', 'counter', '--move-to', 'other', '--yes', '--json');
  expect(moved.json).toEqual({ moved: ['n'], kept: [] });
  expect((await place.daruma('state', 'other', 'n', '--json')).json).toMatchObject({ value: 42 });
  await place.daruma('state', 'other', 'n', '--delete', '--yes');
  expect((await place.daruma('state', '--json')).json).toEqual([]);
});

it('says which agent, key or value was wrong, and answers while the host is down', async () => {
  place = installation({ 'plugins/counter.ts': COUNTER });
  await place.start();
  await place.daruma('run', 'counter', '--wait');
  const refused = async (...words: string[]) => (await place!.daruma('state', ...words, '--json')).json.error;
  expect(await refused('countr')).toMatchObject({ code: 'AGENT_UNKNOWN', next: 'daruma status counter' });
  expect(await refused('counter', 'm')).toMatchObject({ code: 'STATE_UNKNOWN', next: 'daruma state counter' });
  expect(await refused('counter', 'n', '--set', '{x}')).toMatchObject({ code: 'USAGE' });
  expect(await refused('counter', '--move-to', 'nobody', '--yes')).toMatchObject({ code: 'AGENT_UNKNOWN' });
  await place.stop();
  const down = await place.daruma('state', 'counter', '--json');
  expect(down).toMatchObject({ code: 4, json: [{ key: 'n', value: 1 }] });
});
