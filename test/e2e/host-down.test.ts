import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

const DAILY = plugin('return 1;', 'schedule: "0 2 * * *", timezone: "UTC",');

it('the files are looked at without a host, and nothing in the folder changes', async () => {
  place = installation({ 'plugins/daily.ts': DAILY });
  const before = readdirSync(place.folder, { recursive: true }).sort();
  expect(await place.daruma('check', '--json')).toMatchObject({ code: 0, json: { agents: ['daily'], problems: [] } });
  place.write('plugins/broken.ts', 'export default 5;');
  const said = await place.daruma('check');
  expect(said).toMatchObject({ code: 3, stderr: expect.stringContaining('the host is not running') });
  expect(said.stdout).toContain('plugins/broken.ts');
  place.remove('plugins/broken.ts');
  expect(readdirSync(place.folder, { recursive: true }).sort()).toEqual(before);
});

it('what the last host had in force is known after it has ended: schedule, about, values, why', async () => {
  place = installation({ 'plugins/daily.ts': DAILY });
  await place.start();
  await place.daruma('run', 'daily', '--wait');
  await place.stop();
  const { json: status } = await place.daruma('status', '--json');
  expect(status.agents).toMatchObject([
    { name: 'daily', about: 'A plugin of a test.', schedule: '0 2 * * *', timezone: 'UTC' },
  ]);
  const why = await place.daruma('why', 'daily', '--json');
  expect(why.code).toBe(4);
  expect(why.json.sentence).not.toMatch(/not in force|no schedule/);
  const next = await place.daruma('next', 'daily', '--json');
  expect(next).toMatchObject({ code: 4, json: { schedule: '0 2 * * *', timezone: 'UTC' } });
  expect(next.json.times).toHaveLength(5);
  const config = await place.daruma('config', 'show', 'daily', '--json');
  expect(config.json.values).toContainEqual({
    path: 'schedule',
    value: '0 2 * * *',
    origin: join('plugins', 'daily.ts'),
  });
  expect((await place.daruma('config', 'show', 'dayly', '--json')).json.error).toMatchObject({
    code: 'AGENT_UNKNOWN',
    next: 'did you mean daily?',
  });
});
