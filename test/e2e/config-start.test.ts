import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILE, GOOD, World } from './config-world.ts';
import { plugin } from './installation.ts';

describe('settings with which a host does not come up', () => {
  let world: World;
  const good = 'timezone: UTC\n';

  beforeAll(async () => {
    world = new World({ [FILE]: good, 'plugins/neighbour.ts': plugin('return 1;') });
    await world.place.start();
    await world.ran('neighbour', 1);
    await world.untilKept(good);
  });
  afterAll(() => world.place.leave());

  it('give way to those that last worked when nobody is there', async () => {
    // A folder cannot be where a file is.
    const harm = `${good}control: { socket: plugins/neighbour.ts/x.sock }\n`;
    world.place.write(FILE, harm);
    process.kill(world.place.host()!.pid, 'SIGKILL');
    await world.untilUp(({ host }) => host?.config?.is === 'taken-back');
    const incidents = await world.until(
      () => world.incidents(),
      (list) => list.length > 0,
    );
    expect(incidents).toHaveLength(1);
    expect(incidents[0]!.seen).toMatch(
      /^config\/daruma\.yaml \(control\.socket unset → plugins\/neighbour\.ts\/x\.sock\): the host cannot start: /,
    );
    expect(await world.ran('neighbour', 1)).toMatchObject([{ state: 'done' }]);
    expect(world.place.read(FILE)).toBe(harm);
  });

  it('or is lost twice are taken back at the third start, before safe mode', async () => {
    world.place.write(FILE, `${good}cells: { size: 10 }\n`);
    let { pid } = world.place.host()!;
    process.kill(pid, 'SIGKILL');
    for (let i = 0; i < 2; i++) {
      const { host } = await world.untilUp(({ host }) => host!.pid !== pid);
      expect(host!.config).toMatchObject({ is: 'on-probation' });
      pid = host!.pid;
      process.kill(pid, 'SIGKILL');
    }
    const { host } = await world.untilUp(({ host }) => host!.pid !== pid);
    expect(host).toMatchObject({ config: { is: 'taken-back' }, safeMode: false });
    const [incident] = await world.until(
      () => world.incidents(),
      (list) => list.length > 1,
    );
    expect(incident!.seen).toBe(
      'config/daruma.yaml (cells.size 50 → 10): the host was lost twice in its first ten minutes with them',
    );
  });

  it('are told to a person who starts the host, with what has changed and both ways out', async () => {
    await world.place.stop();
    world.place.write(FILE, `${good}control: { socket: plugins/neighbour.ts/other.sock }\n`);
    const refused = await world.place.start().catch(({ fault }) => fault);
    expect(refused.message).toContain(
      'config/daruma.yaml has changed: control.socket unset → plugins/neighbour.ts/other.sock',
    );
    expect(refused.next).toContain(`cp ${GOOD} ${FILE}`);
  });
});
