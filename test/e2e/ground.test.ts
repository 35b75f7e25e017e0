import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'vitest';
import { hostFilePath } from '../../src/control/place.ts';
import { type Installation, installation, plugin, processesOf } from './installation.ts';

const TICK = {
  'plugins/tick.ts': plugin('context.log.info("tick"); return context.job.slot;', `schedule: '* * * * * *',`),
};
const BAD = { 'plugins/bad.ts': plugin('throw new Error("no");', 'limits: { attempts: 1 },') };

/** Most of the time is that between two looks of a host: the tests wait side by side. */
function world({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  return (...args: Parameters<typeof installation>) => {
    const place = installation(...args);
    onTestFinished(() => place.leave());
    return place;
  };
}

const ended = (place: Installation) =>
  new Promise<number | null>((resolve) => {
    const child = place.started()!;
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.once('exit', resolve);
  });
describe.concurrent('the ground of a host', () => {
  it('a copy of a folder at work is another installation: no command in it reaches the original', async ({
    expect,
    onTestFinished,
  }) => {
    const made = world({ onTestFinished });
    const live = made(TICK);
    const { pid } = await live.start();
    const copy = made();
    rmSync(copy.folder, { recursive: true });
    cpSync(live.folder, copy.folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const known = readFileSync(hostFilePath(copy.folder), 'utf8');
    expect(known).toContain(`"pid":${pid}`);
    for (const args of [['stop'], ['run', 'tick'], ['pause', 'tick']]) {
      const said = await copy.daruma(...args);
      expect(said.code).toBe(4);
      expect(said.stderr).toContain(`${copy.folder} is a copy of ${live.folder}; its own host is not running`);
    }
    expect((await copy.daruma('status', '--json')).json.host).toBeNull();
    // Nor does a number in it, whoever has that number now.
    const guardian = live.started()!.pid;
    const about = { pid: guardian, startedAt: new Date().toISOString(), guardian };
    writeFileSync(hostFilePath(copy.folder), JSON.stringify(about));
    expect((await copy.daruma('stop')).code).toBe(4);
    writeFileSync(hostFilePath(copy.folder), JSON.stringify({ ...about, guardianStart: 'boot:1', start: 'boot:1' }));
    expect((await copy.daruma('stop')).code).toBe(4);
    writeFileSync(hostFilePath(copy.folder), known);
    await copy.start();
    const both = await Promise.all([live, copy].map((place) => place.daruma('status', '--json')));
    expect(both.map(({ json }) => json.host.folder)).toEqual([live.folder, copy.folder]);
    expect((await copy.daruma('incidents', '--json')).json).toEqual([]);
    expect(await copy.stop()).toBe(0);
    expect((await live.daruma('status', '--json')).json.host.pid).toBe(pid);
  });

  it('a host whose data/ was deleted ends for good and says why; a second one waits for that, and is the only one', async ({
    expect,
    onTestFinished,
  }) => {
    const made = world({ onTestFinished });
    const place = made(TICK);
    await place.start();
    const over = ended(place);
    rmSync(join(place.folder, 'data'), { recursive: true });
    const { pid: next } = await place.start();
    expect(await over).toBe(78);
    expect(processesOf(place.folder).filter((text) => text.includes('main.js host'))).toHaveLength(1);
    const [newest] = (await place.daruma('status', '--json')).json.agents;
    expect(newest.name).toBe('tick');
    expect((await place.daruma('status', '--json')).json.host.pid).toBe(next);
  });

  it('compiled versions that are deleted are made anew, and the next save is in force', async ({
    expect,
    onTestFinished,
  }) => {
    const place = world({ onTestFinished })(TICK);
    await place.start();
    const before = (await place.daruma('status', '--json')).json;
    rmSync(join(place.folder, 'data/versions'), { recursive: true });
    const startedAt = before.host.startedAt;
    const again = await place.until(
      () => place.daruma('status', '--json'),
      ({ code, json }) => code === 0 && json.host.startedAt !== startedAt,
    );
    expect(again.json.host.pid).toBe(before.host.pid);
    place.write('plugins/tick.ts', place.read('plugins/tick.ts').replace('"tick"', '"tick again"'));
    await place.until(
      () => place.daruma('status', '--json'),
      ({ json }) => json.agents?.[0]?.version !== before.agents[0].version,
    );
    expect((await place.daruma('run', 'tick', '--wait')).code).toBe(0);
  });

  it('a folder that was moved is told with its new place, and nothing is made in the old one', async ({
    expect,
    onTestFinished,
  }) => {
    const made = world({ onTestFinished });
    const place = made(TICK);
    await place.start();
    await place.until(
      async () => (await place.daruma('jobs', 'tick', '--state', 'done', '--json')).json,
      (jobs) => jobs.length > 0,
    );
    const over = ended(place);
    const there = made();
    rmSync(there.folder, { recursive: true });
    renameSync(place.folder, there.folder);
    expect(await over).toBe(78);
    expect(place.said().stderr).toContain(`was moved to ${there.folder} while its host was at work`);
    expect(existsSync(place.folder)).toBe(false);
    const { code, stderr } = await there.daruma('status');
    expect(code).toBe(4);
    expect(stderr).toMatch(/the host is not running, it ended .* was moved to/);
    await there.start();
    expect((await there.daruma('incidents', '--json')).json).toEqual([]);
  });

  it('socket, host.json, logs and lock that are deleted are there again, and commands agree meanwhile', async ({
    expect,
    onTestFinished,
  }) => {
    const made = world({ onTestFinished });
    const place = made(TICK);
    const { pid } = await place.start();
    const inRun = (name: string) => join(place.folder, 'data/run', name);
    for (const name of ['control.sock', 'host.json']) rmSync(inRun(name));
    rmSync(join(place.folder, 'logs'), { recursive: true });
    expect((await place.daruma('status', '--json')).json.host.pid).toBe(pid);
    await place.until(
      async () => readdirSync(place.folder).includes('logs') && (await place.daruma('logs', '--json')).json,
      (lines) => Array.isArray(lines) && lines.some(({ msg }) => msg === 'tick'),
    );
    const log = (await place.daruma('logs', '--json')).json as { event?: string; what?: string }[];
    expect(log.filter(({ event }) => event === 'host.repaired').map(({ what }) => what)).toContain('log');
    rmSync(inRun('lock'));
    await place.until(
      async () => existsSync(inRun('lock')) && (await place.daruma('status', '--json')).json?.host?.pid,
      (found) => found === pid,
    );
    expect(await place.daruma('start', '--json')).toMatchObject({
      json: { error: { code: 'HOST_RUNNING', data: { pid } } },
    });
  });

  it('works in folders with signs that mean something in URLs, and says of others at once that it cannot', async ({
    expect,
    onTestFinished,
  }) => {
    const made = world({ onTestFinished });
    const outer = made();
    const parent = join(outer.folder, '#1 a%20b%c (d)\n é');
    mkdirSync(parent);
    const place = made(BAD, parent);
    await place.start();
    const { json } = await place.daruma('run', 'bad', '--wait', '--json');
    expect(json).toMatchObject({ error: { message: 'no', file: 'plugins/bad.ts', line: expect.any(Number) } });
    expect(await place.stop()).toBe(0);
    for (const sign of ['*', '\\', ':']) {
      const other = join(outer.folder, `a${sign}b`);
      mkdirSync(other);
      const refused = made(BAD, other);
      const { code, json: said } = await refused.daruma('start', '--json');
      expect({ code, said }).toMatchObject({ code: 78, said: { error: { code: 'FOLDER_NAME' } } });
    }
  });
});
