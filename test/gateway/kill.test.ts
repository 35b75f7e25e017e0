import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CommandFenceMode } from '../../src/gateway/exec/ports.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { brokerOf, createWorld, pidsWith, sleepsOf, tempFolder, until, zombiesOf } from './world.ts';

/** A length of sleep that names the processes of one test. */
let lastTag = 0;
function tagOf(): string {
  const tag = `${7_000 + (process.pid % 1_000)}.${process.pid}${++lastTag}`;
  // Only a test that fails leaves any.
  onTestFinished(() => {
    for (const pid of sleepsOf(tag)) process.kill(pid, 'SIGKILL');
  });
  return tag;
}

/** A command with a child, a grandchild that ignores SIGTERM, a daemon in a session of its own, and one without environment. */
const tree = (tag: string) => [
  '-c',
  `sleep ${tag} &
   sh -c 'trap "" TERM; sleep ${tag}; sleep ${tag}' &
   setsid sh -c 'setsid sleep ${tag} & sleep ${tag}' &
   env -i setsid sleep ${tag} &
   sleep 0.2; echo up; sleep ${tag}`,
];
/** So many `sleep` are in it when it is whole. */
const TREE = 6;
const isWhole = (tag: string) => sleepsOf(tag).length === TREE;

describe.each([
  ['with cgroups', { cgroups: true }],
  ['without cgroups', { cgroups: false }],
  ['with cgroups and no fence', { cgroups: true, fence: 'none' }],
  ['without cgroups and no fence', { cgroups: false, fence: 'none' }],
] as const)('what a command started, %s,', (_, options) => {
  it('is killed when the attempt ends, daemons in sessions of their own included', async () => {
    const { run, exec, broker, record, left } = await createWorld(options);
    const tag = tagOf();
    const { stdout } = await run('sh', ['-c', tree(tag)[1]!.replace(/sleep [\d.]+$/, 'true')]);
    expect(stdout).toBe('up\n');
    await until('the tree without its shell', () => sleepsOf(tag).length === TREE - 1);
    exec.ended([{ job: 'j1', attempt: 1 }]);
    await until('nothing left', () => pidsWith(tag).length === 0);
    await until('an empty record', () => record() === '');
    expect(zombiesOf(broker()!)).toBe(0);
    expect(left).toEqual([expect.objectContaining({ agent: 'a', job: 'j1', attempt: 1, command: 'sh' })]);
    expect(left[0]!.processes.filter(({ command }) => command === 'sleep')).toHaveLength(TREE - 1);
    expect(left[0]!.count).toBe(left[0]!.processes.length);
  });

  it('is killed at the timeout, and the caller hears what it said', async () => {
    const { run, broker } = await createWorld(options);
    const tag = tagOf();
    await expect(run('sh', tree(tag), { timeoutMs: 600 })).rejects.toMatchObject({
      plain: { code: 'EXEC_TIMEOUT', message: 'sh took longer than 600ms and was killed', data: { stdout: 'up' } },
    });
    expect(pidsWith(tag)).toEqual([]);
    expect(zombiesOf(broker()!)).toBe(0);
  });

  it('is killed when one call is stopped; another call of the attempt goes on', async () => {
    const { run, exec } = await createWorld(options);
    const [stopped, other] = [tagOf(), tagOf()];
    const running = run('sleep', [other], { call: 7_001 });
    const answer = run('sh', tree(stopped), { call: 7_002 });
    await until('the tree', () => isWhole(stopped) && sleepsOf(other).length === 1);
    exec.stopOne({ job: 'j1', attempt: 1 }, 7_002);
    await expect(answer).rejects.toMatchObject({ plain: { code: 'EXEC_STOPPED' } });
    expect(pidsWith(stopped)).toEqual([]);
    expect(sleepsOf(other)).toHaveLength(1);
    exec.ended([{ job: 'j1', attempt: 1 }]);
    await expect(running).rejects.toMatchObject({ plain: { code: 'EXEC_STOPPED' } });
    expect(pidsWith(other)).toEqual([]);
  });

  it('is killed when the host stops', async () => {
    const { run, exec, broker } = await createWorld(options);
    const tag = tagOf();
    const answer = run('sh', tree(tag));
    const refused = expect(answer).rejects.toMatchObject({ plain: { code: 'EXEC_STOPPED' } });
    await until('the tree', () => isWhole(tag));
    await exec.stop();
    await refused;
    expect(pidsWith(tag)).toEqual([]);
    expect(broker()).toBeUndefined();
    await exec.start();
    expect(await run('true')).toMatchObject({ code: 0 });
  });

  it('is killed within two seconds when the host is killed', async () => {
    const { host, folder, tag } = await hostWith(options);
    host.kill('SIGKILL');
    await until('nothing left', () => pidsWith(tag).length === 0);
    await until('no broker', () => pidsWith('exec/inside/broker.js').every((pid) => pid !== folder.broker));
  });

  it('is killed when the broker is killed, and the next command is run', async () => {
    const { run, broker, record } = await createWorld(options);
    const tag = tagOf();
    const answer = run('sh', tree(tag));
    const lost = expect(answer).rejects.toMatchObject({
      plain: { code: 'EXEC_LOST', message: expect.stringContaining('the exec broker was killed by SIGKILL') },
    });
    await until('the tree', () => isWhole(tag));
    process.kill(broker()!, 'SIGKILL');
    await lost;
    // Nobody has to ask for anything.
    await until('nothing left', () => pidsWith(tag).length === 0);
    expect(await run('true')).toMatchObject({ code: 0 });
    await until('an empty record', () => record() === '');
  });

  it('is killed by the next host when host and broker are killed', async () => {
    const { host, folder, tag } = await hostWith(options);
    process.kill(folder.broker, 'SIGSTOP');
    host.kill('SIGKILL');
    await once(host, 'exit');
    process.kill(folder.broker, 'SIGKILL');
    expect(sleepsOf(tag)).toHaveLength(TREE);
    await createWorld(options, folder.path);
    expect(pidsWith(tag)).toEqual([]);
  });

  it('is seen with its memory while it runs', async () => {
    const { run, exec } = await createWorld(options);
    const tag = tagOf();
    const running = run('sh', tree(tag));
    running.catch(() => {});
    const seen = await until('children', () => {
      const children = exec.children('a');
      return children.length > TREE && children;
    });
    expect(seen.map(({ command }) => command)).toEqual(expect.arrayContaining(['sh', 'sleep']));
    for (const child of seen) expect(child).toMatchObject({ job: 'j1', attempt: 1, rssBytes: expect.any(Number) });
    expect(Math.max(...seen.map(({ rssBytes }) => rssBytes))).toBeGreaterThan(300_000);
    expect(exec.children('b')).toEqual([]);
    exec.ended([{ job: 'j1', attempt: 1 }]);
    await running.catch(() => {});
    await until('no children', () => exec.children('a').length === 0);
  });
});

describe('a broker', () => {
  it('that stands still is killed, with what it ran', async () => {
    // Only the silence is short: a busy machine has its time to start a broker and a command.
    let jumpMs = 0;
    const time = {
      ...machineTime,
      monotonic: () => machineTime.monotonic() + jumpMs,
      after: (ms: number, call: () => void) => machineTime.after(ms / 20, call),
    };
    const { run, broker } = await createWorld({ time });
    const tag = tagOf();
    const lost = run('sleep', [tag]).catch((error) => error);
    await until('the command', () => sleepsOf(tag).length === 1);
    process.kill(broker()!, 'SIGSTOP');
    jumpMs = 20_000;
    expect(await lost).toMatchObject({ plain: { code: 'EXEC_LOST' } });
    await until('nothing left', () => pidsWith(tag).length === 0);
    expect(await run('true')).toMatchObject({ code: 0 });
  });

  it('comes and goes with a service that is started and stopped in any order', async () => {
    const { exec, run, broker } = await createWorld();
    const tag = tagOf();
    for (let round = 0; round < 4; round++) {
      const running = run('sleep', [tag], { job: `j${round}` }).catch(({ plain }) => plain.code);
      await Promise.all([exec.stop(), exec.stop()]);
      expect(await running).toBe('EXEC_STOPPED');
      expect(exec.alive()).toBeUndefined();
      await expect(run('true')).rejects.toMatchObject({ plain: { code: 'EXEC_STOPPED' } });
      await Promise.all([exec.start(), exec.start()]);
      expect(exec.alive()).toBeTypeOf('number');
    }
    expect(pidsWith(tag)).toEqual([]);
    expect(await run('true')).toMatchObject({ code: 0 });
    expect(broker()).toBeDefined();
  });

  it('kills what an attempt runs at whichever instant it ends', async () => {
    const { exec, run } = await createWorld();
    const tag = tagOf();
    for (let instant = 0; instant < 25; instant++) {
      const job = `j${instant}`;
      const answer = run('sh', ['-c', `sleep ${tag} & sleep ${tag}`], { job }).catch(({ plain }) => plain.code);
      await machineTime.sleep(instant / 3);
      exec.ended([{ job, attempt: 1 }]);
      expect(await answer).toBe('EXEC_STOPPED');
    }
    await until('nothing left', () => pidsWith(tag).length === 0);
  });

  it('that dies before the record is made has run nothing', async () => {
    const folder = tempFolder();
    const gate = spawn(
      '/bin/sh',
      ['-c', 'read -r DARUMA_GATE <&3 && exec "$@" 3<&-', 'sh', '/usr/bin/touch', join(folder, 'ran')],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      },
    );
    gate.stdio[3]!.destroy();
    await once(gate, 'exit');
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('of a copied folder leaves the commands of the original alone, though they are on its record', async () => {
    const original = await createWorld();
    const tag = tagOf();
    const running = original.run('sleep', [tag]).catch(({ plain }) => plain.code);
    const recorded = join(original.folder, 'data/run/children.jsonl');
    await until('the command on record', () => existsSync(recorded) && original.record() !== '');
    const copy = tempFolder();
    mkdirSync(join(copy, 'data/run'), { recursive: true });
    writeFileSync(join(copy, 'data/run/children.jsonl'), original.record());
    const { record, run } = await createWorld({}, copy);
    expect(pidsWith(`sleep ${tag}`)).not.toEqual([]);
    await run('true');
    await until('an empty record', () => record() === '');
    original.exec.ended([{ job: 'j1', attempt: 1 }]);
    expect(await running).toBe('EXEC_STOPPED');
  });

  it('leaves a stranger alone that has a pid on record', async () => {
    const folder = tempFolder();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    const line = { pid: stranger.pid, start: 1, mark: 'x:j1:1:1' };
    await createWorld({}, folder).then(({ exec }) => exec.stop());
    writeFileSync(join(folder, 'data/run/children.jsonl'), `${JSON.stringify(line)}\n{"pid":`);
    const { record, run } = await createWorld({}, folder);
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
    await run('true');
    await until('an empty record', () => record() === '');
  });
});

/** A host in a process of its own that runs a tree. */
async function hostWith({ cgroups, fence = 'auto' }: { cgroups: boolean; fence?: CommandFenceMode }) {
  const path = tempFolder();
  const tag = tagOf();
  const script = fileURLToPath(new URL('host-process.ts', import.meta.url));
  const args = ['--no-warnings', script, path, cgroups ? 'yes' : 'no', fence, 'sh', ...tree(tag)];
  const host: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  onTestFinished(() => void host.kill('SIGKILL'));
  await until('the tree', () => isWhole(tag));
  const broker = brokerOf(host.pid!, join(path, 'data/run'))!;
  expect(broker).toBeDefined();
  return { host, tag, folder: { path, broker } };
}
