import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

describe('a host on a machine whose zone nobody understands', () => {
  const tz = process.env.TZ;
  let place: Installation;

  beforeAll(async () => {
    process.env.TZ = 'Europe/Berln';
    place = installation({
      'plugins/tick.ts': plugin(
        'return [new Date(0).getHours(), Temporal.Now.timeZoneId()];',
        "schedule: '* * * * * *',",
      ),
      'plugins/nightly.ts': plugin('return 1;', "schedule: '0 3 * * *',"),
    });
    place.write('agents/nightly.yaml', 'plugin: nightly\nschedule: "0 3 * * FRI#L"\n');
    place.write('agents/past.yaml', 'plugin: nightly\nat: 2020-12-24T18:00\n');
    await place.start();
    // The host is at work: it knows the agent before its time also on a busy machine.
    const soon = new Date(Date.now() + 5_000).toISOString().slice(0, 19);
    place.write('agents/once.yaml', `plugin: nightly\nat: ${soon}\n`);
  });
  afterAll(async () => {
    if (tz === undefined) delete process.env.TZ;
    else process.env.TZ = tz;
    await place.leave();
  });

  it('keeps schedules in UTC, and its plugins live in it too', async () => {
    const jobs = await place.until(
      () => place.daruma('jobs', 'tick', '--json'),
      ({ json }) => json.some(({ state }: { state: string }) => state === 'done'),
    );
    const done = jobs.json.find(({ state }: { state: string }) => state === 'done');
    expect(done.result).toEqual([0, 'UTC']);
    expect((await place.daruma('next', 'nightly')).stdout).toMatch(
      /0 3 \* \* FRI#L {2}UTC\n {2}At 03:00, on the last Friday of the month\n[\s\S]* 03:00:00 \(\+00:00\)/,
    );
    expect((await place.daruma('config', 'show', 'nightly', '--json')).json.values).toContainEqual(
      expect.objectContaining({ path: 'timezone', value: 'UTC' }),
    );
  });

  it('is told loudly by status and check, with the zone that was meant', async () => {
    for (const command of ['status', 'check']) {
      const said = await place.daruma(command);
      expect([command, said.code]).toEqual([command, 3]);
      expect(said.stdout).toContain('TZ=Europe/Berln is no time zone (did you mean Europe/Berlin?)');
    }
  });

  it('says of a zone in config/daruma.yaml that the next start would refuse it', async () => {
    place.write('config/daruma.yaml', 'timezone: CST\n');
    const said = await place.daruma('check');
    place.remove('config/daruma.yaml');
    expect(said.code).toBe(3);
    expect(said.stdout).toMatch(/timezone "CST": is an abbreviation.*America\/Chicago[\s\S]*config\/daruma\.yaml:1:11/);
  });

  it('shows an agent whose next slot is gone from the store as unscheduled', async () => {
    const store = new DatabaseSync(join(place.folder, 'data/daruma.db'), { timeout: 5_000 });
    store.exec("DELETE FROM slot WHERE agent = 'nightly'");
    store.close();
    const said = await place.daruma('status', 'nightly');
    // Healing may have written it anew already.
    if (said.code === 0) return expect(said.stdout).toContain('next ');
    expect(said.stdout).toMatch(/unscheduled[\s\S]*was planned and\s+is not in the store/);
  });

  it('runs once what is to run once, and calls it done', async () => {
    const { json } = await place.until(
      () => place.daruma('status', 'once', '--json'),
      // An agent whose only slot is over has no next one before its job is queued, too.
      (said) => said.json.agents[0].state === 'done' && said.json.agents[0].lastJob !== null,
    );
    expect(json.agents[0]).toMatchObject({ lastJob: { state: 'done', trigger: 'schedule' }, nextSlot: null });
    const said = await place.daruma('status');
    expect(said.stdout).toMatch(/past +done[\s\S]*it never ran/);
  });
});
