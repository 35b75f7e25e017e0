import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/control/protocol.ts';
import { FILE, GOOD, World } from './config-world.ts';
import { plugin } from './installation.ts';

const STALE_MS = 2_000;
/** Reads the log of the host: without one in `logs` it cannot do its work, nor when a service is down. */
const logReader = `import { readdirSync, readFileSync, statSync } from 'node:fs';
import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Fails when nothing was written to logs for a while.',
  limits: { attempts: 1 },
  needs: { read: ['logs', 'up.txt'] },
  workers: { min: 1, max: 1 },
  run({ folder }) {
    if (readFileSync(folder + '/up.txt', 'utf8') !== 'yes') throw new Error('the service is down');
    const written = readdirSync(folder + '/logs').map((name) => statSync(folder + '/logs/' + name).mtimeMs);
    const age = Date.now() - Math.max(0, ...written);
    if (age > ${STALE_MS}) throw new Error('the log has stopped');
    return { age };
  },
});
`;

describe('changed settings of the host', () => {
  let world: World;
  const before = 'cells: { idle: 60s }\n';

  beforeAll(async () => {
    world = new World({
      [FILE]: before,
      'up.txt': 'yes',
      'plugins/reads-log.ts': logReader,
      'plugins/reads-log-too.ts': logReader,
      'plugins/neighbour.ts': plugin('return 1;', 'workers: { min: 1, max: 4 },'),
      'plugins/fan.ts': plugin(`for (let i = 0; i < 260; i++) await context.send('neighbour', i); return 'sent';`),
    });
    await world.place.start();
    for (const agent of ['reads-log', 'reads-log-too', 'neighbour']) await world.ran(agent, 6);
    await world.untilKept(before);
  }, 120_000);
  afterAll(() => world.place.leave());

  it('that fail the agents are taken back by the host itself, and the jobs run again; the neighbours go on', async () => {
    const harm = 'cells: { idle: 60s }\nlogs: { folder: elsewhere }\n';
    world.place.write(FILE, harm);
    await world.restart();
    const { pid } = world.place.host()!;
    expect(await world.config()).toMatchObject({
      is: 'on-probation',
      changed: [{ path: 'logs.folder', before: 'logs', after: 'elsewhere' }],
    });
    const { stdout } = await world.place.daruma('status');
    expect(stdout).toMatch(/⟳ config on probation until .+: logs\.folder logs → elsewhere/);
    const logs = join(world.place.folder, 'logs');
    await world.until(
      async () => Date.now() - Math.max(...readdirSync(logs).map((name) => statSync(join(logs, name)).mtimeMs)),
      (age) => age > STALE_MS,
    );

    const failed: string[] = [];
    for (let i = 0; i < 3; i++) failed.push(await world.queued('reads-log'), await world.queued('reads-log-too'));
    const status = await world.untilUp(({ host }) => host?.config?.is === 'taken-back');
    // In place: the process is the same, whoever would have started another one.
    expect(status.host!.pid).toBe(pid);
    expect(status.host!.logs).toBe(join(world.place.folder, 'logs'));
    for (const id of failed) {
      const job = await world.until(
        async () => (await world.place.daruma('jobs', id, '--json')).json as JobView,
        ({ state }) => state === 'done',
      );
      expect(job.attempt).toBeGreaterThan(1);
    }
    const incidents = await world.incidents();
    expect(incidents).toMatchObject([{ agent: null, remedies: [{ kind: 'roll-back' }] }]);
    expect(incidents[0]!.seen).toContain('config/daruma.yaml (logs.folder logs → elsewhere): 2 of ');
    expect(incidents[0]!.seen).toContain('reads-log failed 3 of 3 runs: the log has stopped (before: 0 of 6)');
    expect(incidents[0]!.remedies[0]!.what).toMatch(/6 jobs are run again; .* force it: daruma config force/);

    // The person's file is as it was, and kept beside.
    expect(world.place.read(FILE)).toBe(harm);
    const { problems } = await world.status();
    const told = problems.find(({ code }) => code === 'CONFIG_TAKEN_BACK');
    expect(told?.message).toContain('logs.folder logs → elsewhere');
    expect(world.place.read(String(told?.data?.kept))).toBe(harm);
    expect((await world.jobs('neighbour')).every(({ state }) => state === 'done')).toBe(true);
    expect((await world.ran('neighbour', 1))[0]!.state).toBe('done');
  }, 120_000);

  it('that were taken back stay so over a restart, until they are forced', async () => {
    await world.restart();
    expect(await world.config()).toMatchObject({ is: 'taken-back' });
    expect(await world.incidents()).toHaveLength(1);
    const shown = await world.place.daruma('config', 'show');
    expect(shown.stdout).toContain('config/daruma.yaml is not in force: logs.folder logs → elsewhere');
    const { json } = await world.place.daruma('config', 'force', '--json');
    expect(json.changed).toEqual([{ path: 'logs.folder', before: 'logs', after: 'elsewhere' }]);
    const { host } = await world.untilUp(({ host }) => host?.logs.endsWith('elsewhere') === true);
    expect(host!.config).toBeNull();
    expect(readFileSync(join(world.place.folder, GOOD), 'utf8')).toBe(world.place.read(FILE));
  }, 60_000);

  it('that do no harm are good after their runs, and are gone back to from then on', async () => {
    const harmless = 'cells: { idle: 45s }\nlogs: { folder: logs }\n';
    world.place.write(FILE, harmless);
    await world.restart();
    expect(await world.config()).toMatchObject({ is: 'on-probation' });
    expect(world.place.read(GOOD)).not.toBe(harmless);
    await world.ran('fan', 1);
    await world.until(
      () => world.config(),
      (config) => config === null,
    );
    expect(world.place.read(GOOD)).toBe(harmless);
    const [good] = await world.events('config.good');
    expect(good!.msg).toMatch(/config\/daruma\.yaml is good \(.*cells\.idle 60s → 45s.*\): \d+ runs were done/);
    expect(await world.incidents()).toHaveLength(1);
  }, 120_000);

  it('are not blamed for a service that is down: they are tried again, and the incident says so', async () => {
    const tried = `${world.place.read(FILE)}timezone: Asia/Tokyo\n`;
    world.place.write(FILE, tried);
    await world.restart();
    world.place.write('up.txt', 'no');
    for (let i = 0; i < 3; i++) for (const agent of ['reads-log', 'reads-log-too']) await world.queued(agent);
    await world.until(
      () => world.events('config.excused'),
      (found) => found.length > 0,
    );
    await world.untilUp(({ host }) => host?.config?.is === 'on-probation');
    const [incident, ...others] = await world.incidents();
    expect(others).toHaveLength(1);
    expect(JSON.stringify(incident!.timeline)).toContain('do the same, so it was not them');
    // More of the same changes nothing now.
    for (let i = 0; i < 3; i++) for (const agent of ['reads-log', 'reads-log-too']) await world.queued(agent);
    await world.until(
      async () => (await world.status()).agents.reduce((sum, { dead }) => sum + dead, 0),
      (dead) => dead >= 12,
    );
    expect(await world.config()).toMatchObject({ is: 'on-probation' });
    world.place.write('up.txt', 'yes');
    world.place.write(FILE, world.place.read(GOOD));
  }, 120_000);

  it('are taken back by hand, in place where nothing has to be built anew', async () => {
    const text = world.place.read(FILE);
    world.place.write(FILE, `${text}retention: { jobs: 20d }\n`);
    await world.restart();
    const { startedAt } = (await world.status()).host!;
    const { json } = await world.place.daruma('config', 'rollback', '--json');
    expect(json.changed).toEqual([{ path: 'retention.jobs', before: '30d', after: '20d' }]);
    const status = await world.status();
    expect(status.host).toMatchObject({ startedAt, config: { is: 'taken-back' } });
    const { stdout } = await world.place.daruma('config', 'show');
    expect(stdout).toMatch(/retention\.jobs +30d/);
    expect((await world.place.daruma('config', 'rollback', '--json')).json.error.code).toBe('NOTHING_BEFORE');
    expect(await world.incidents()).toHaveLength(2);
  }, 60_000);
});
