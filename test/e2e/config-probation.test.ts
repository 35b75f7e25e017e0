import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigView, IncidentView, JobView, StatusView } from '../../src/control/protocol.ts';
import { type Installation, installation, plugin } from './installation.ts';

/** Generous: the machine may be busy. */
const WITHIN_MS = 60_000;
const FILE = 'config/daruma.yaml';

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

class World {
  readonly place: Installation;

  constructor(files: Record<string, string>) {
    this.place = installation(files);
  }

  async status(): Promise<StatusView> {
    return (await this.place.daruma('status', '--json')).json;
  }
  async config(): Promise<ConfigView | null> {
    return (await this.status()).host?.config ?? null;
  }
  async jobs(agent: string): Promise<JobView[]> {
    return (await this.place.daruma('jobs', agent, '--json', '--limit', '100')).json;
  }
  async incidents(): Promise<IncidentView[]> {
    const { json } = await this.place.daruma('incidents', '--json');
    return (json as IncidentView[]).filter(({ verdict }) => verdict === 'bad-config');
  }
  async ran(agent: string, times: number): Promise<JobView[]> {
    const jobs: JobView[] = [];
    for (let i = 0; i < times; i++) jobs.push((await this.place.daruma('run', agent, '--wait', '--json')).json);
    return jobs;
  }
  async queued(agent: string): Promise<string> {
    return (await this.place.daruma('run', agent, '--json')).json.id;
  }
  until<T>(what: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
    return this.place.until(what, holds, WITHIN_MS);
  }
  /** Until a host answers, whoever started it. */
  untilUp(holds: (status: StatusView) => boolean = () => true): Promise<StatusView> {
    return this.until(
      () => this.status().catch(() => ({ host: null }) as StatusView),
      (status) => status?.host != null && holds(status),
    );
  }
  events(kind: string) {
    return this.place
      .daruma('logs', '--json', '-n', '1000')
      .then(({ json }) => (json as { event?: string; msg: string }[]).filter(({ event }) => event === kind));
  }
  /** The host has worked for so long that its settings are kept. */
  untilKept(text: string) {
    return this.until(
      async () => (existsSync(join(this.place.folder, GOOD)) ? this.place.read(GOOD) : undefined),
      (kept) => kept === text,
    );
  }
  async restart() {
    expect(await this.place.stop()).toBe(0);
    await this.place.start();
  }
}

const GOOD = 'data/config/last-good.yaml';

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
    const tried = `${world.place.read(FILE)}probation: { rehearse: 1 }\ntimezone: Asia/Tokyo\n`;
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

/** Cannot do its work where nothing is known of its past. */
const remembers = plugin(
  `if (context.job.input === 'first') await context.state.set('past', 1);
  if ((await context.state.get('past')) === undefined) throw new Error('nothing is remembered');`,
  'limits: { attempts: 1 },',
);

describe('settings with which a host does not come up', () => {
  let world: World;
  const good = 'timezone: UTC\n';

  beforeAll(async () => {
    world = new World({ [FILE]: good, 'plugins/neighbour.ts': plugin('return 1;'), 'plugins/remembers.ts': remembers });
    await world.place.start();
    await world.ran('neighbour', 1);
    await world.place.daruma('run', 'remembers', '--input', '"first"', '--wait');
    await world.ran('remembers', 6);
    await world.untilKept(good);
  }, 60_000);
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
  }, 120_000);

  it('or is lost twice at once are taken back at the third start, before safe mode', async () => {
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
      'config/daruma.yaml (cells.size 50 → 10): 2 hosts in a row did not come up, or were lost at once',
    );
  }, 120_000);

  it('and those that name a store where nothing is known are measured by the one before', async () => {
    world.place.write(FILE, `${good}store: { file: data/other.db }\n`);
    await world.place.stop();
    await world.place.start();
    expect((await world.status()).host!.store).toContain('other.db');
    for (let i = 0; i < 3; i++) await world.queued('remembers');
    await world.untilUp(({ host }) => host?.config?.is === 'taken-back');
    const [incident] = await world.until(
      () => world.incidents(),
      (list) => list.length > 2,
    );
    expect(incident!.seen).toContain(
      'the one agent that can tell does worse than before: remembers failed 3 of 3 runs: nothing is remembered (before: 0 of 7)',
    );
    expect(incident!.remedies[0]!.what).toContain('what was accepted meanwhile stays in data/other.db');
    expect(await world.ran('remembers', 1)).toMatchObject([{ state: 'done' }]);
  }, 120_000);

  it('are told to a person who starts the host, with what has changed and both ways out', async () => {
    await world.place.stop();
    world.place.write(FILE, `${good}control: { socket: plugins/neighbour.ts/other.sock }\n`);
    const refused = await world.place.start().catch(({ fault }) => fault);
    expect(refused.message).toContain(
      'config/daruma.yaml has changed: control.socket unset → plugins/neighbour.ts/other.sock',
    );
    expect(refused.next).toContain(`cp ${GOOD} ${FILE}`);
  }, 60_000);
});
