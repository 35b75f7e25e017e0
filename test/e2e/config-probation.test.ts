import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILE, GOOD, World } from './config-world.ts';
import { plugin } from './installation.ts';

describe('changed settings of the host', () => {
  let world: World;
  const before = 'cells: { idle: 60s }\n';
  const changed = `${before}logs: { folder: elsewhere }\n`;
  const CHANGE = [{ path: 'logs.folder', before: 'logs', after: 'elsewhere' }];

  beforeAll(async () => {
    world = new World({ [FILE]: before, 'plugins/neighbour.ts': plugin('return 1;', 'workers: { min: 1, max: 4 },') });
    await world.place.start();
    await world.untilKept(before);
  });
  afterAll(() => world.place.leave());

  it('are on probation, and taken back by hand: the same process starts again with those that last worked', async () => {
    world.place.write(FILE, changed);
    await world.restart();
    const { pid } = world.place.host()!;
    expect(await world.config()).toMatchObject({ is: 'on-probation', changed: CHANGE });
    const { stdout } = await world.place.daruma('status');
    expect(stdout).toMatch(/⟳ config on probation until .+: logs\.folder logs → elsewhere/);
    expect(world.place.read(GOOD)).toBe(before);

    const { json } = await world.place.daruma('config', 'rollback', '--json');
    expect(json.changed).toEqual(CHANGE);
    const status = await world.untilUp(({ host }) => host?.config?.is === 'taken-back');
    expect(status.host!.pid).toBe(pid);
    expect(status.host!.logs).toBe(join(world.place.folder, 'logs'));
    const [chosen] = await world.until(
      () => world.events('config.chosen'),
      (found) => found.length > 0,
    );
    expect(chosen!.msg).toContain('was taken back by hand (logs.folder logs → elsewhere)');
    // A person's own decision is no incident.
    expect(await world.incidents()).toEqual([]);

    // The person's file is as it was, and kept beside.
    expect(world.place.read(FILE)).toBe(changed);
    const problem = status.problems.find(({ code }) => code === 'CONFIG_TAKEN_BACK');
    expect(problem?.message).toContain('logs.folder logs → elsewhere');
    expect(world.place.read(String(problem?.data?.kept))).toBe(changed);
    expect((await world.ran('neighbour', 1))[0]!.state).toBe('done');
  });

  it('that were taken back stay so over a restart, until they are forced', async () => {
    await world.restart();
    expect(await world.config()).toMatchObject({ is: 'taken-back' });
    const shown = await world.place.daruma('config', 'show');
    expect(shown.stdout).toContain('config/daruma.yaml is not in force: logs.folder logs → elsewhere');
    const { json } = await world.place.daruma('config', 'force', '--json');
    expect(json.changed).toEqual(CHANGE);
    const { host } = await world.untilUp(({ host }) => host?.logs.endsWith('elsewhere') === true);
    expect(host!.config).toBeNull();
    expect(readFileSync(join(world.place.folder, GOOD), 'utf8')).toBe(changed);
  });

  it('are taken back by hand in place where nothing has to be built anew', async () => {
    world.place.write(FILE, `${changed}retention: { jobs: 20d }\n`);
    await world.restart();
    const { startedAt } = (await world.status()).host!;
    const { json } = await world.place.daruma('config', 'rollback', '--json');
    expect(json.changed).toEqual([{ path: 'retention.jobs', before: '30d', after: '20d' }]);
    const status = await world.status();
    expect(status.host).toMatchObject({ startedAt, config: { is: 'taken-back' } });
    const { stdout } = await world.place.daruma('config', 'show');
    expect(stdout).toMatch(/retention\.jobs +30d/);
    expect((await world.place.daruma('config', 'rollback', '--json')).json.error.code).toBe('NOTHING_BEFORE');
  });
});
