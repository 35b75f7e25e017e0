import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { type Answers, servedInstallation } from './fake-host.ts';
import { cli } from './process.ts';
import { agent, fleet, job, status } from './views.ts';

const { folder, asked, closeHost, serve, inFolder } = servedInstallation();

describe('exit codes', () => {
  test('0 when all is well, 3 when something needs you', async () => {
    await serve({ status: ({ agent: only }) => status({ agents: only ? [agent({ dead: 1 })] : [agent()] }) });
    expect(await inFolder('status')).toMatchObject({ code: 0, err: '' });
    expect(await inFolder('status', 'api-health')).toMatchObject({ code: 3 });
  });

  test('status says the same in whatever way it is typed', async () => {
    await serve({ status: () => status({ agents: [agent({ dead: 1 })] }) });
    const quick = await inFolder('status', '--json');
    expect(quick).toMatchObject({ code: 3, err: '' });
    // Options that are given twice are read by the whole command line.
    expect(await inFolder('--json', 'status', '--json', '--dir', '/nowhere', '--dir', folder())).toEqual(quick);
  });

  test('1 when what was asked for failed, with the words of the host and the next command', async () => {
    await serve({
      cancel: () => {
        throw new Fault({ code: 'JOB_UNKNOWN', message: 'there is no job job-x', next: 'daruma jobs' });
      },
    });
    const { code, out, err } = await inFolder('cancel', 'job-x');
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: '✗ there is no job job-x\n  → daruma jobs\n' });
  });

  test('2 for wrong usage, with the word that was meant', async () => {
    const { code, err } = await inFolder('statsu');
    expect({ code, err }).toEqual({
      code: 2,
      err: "✗ unknown command 'statsu', did you mean status?\n  → daruma --help\n",
    });
    for (const args of [
      ['jobs', '--frob'],
      ['why'],
      ['jobs', '--state', 'ded'],
      ['jobs', '--limit', 'x'],
      ['pause'],
      [],
    ]) {
      expect([args, (await inFolder(...args)).code]).toEqual([args, 2]);
    }
  });

  test('4 when no host runs', async () => {
    const { code, err } = await inFolder('cancel', 'job-x');
    expect({ code, err }).toEqual({ code: 4, err: '✗ the host is not running\n  → daruma start\n' });
  });

  test('4 with better advice where no installation is', async () => {
    const nowhere = join(folder(), 'data/run');
    const { code, err } = await cli(['cancel', 'x', '--dir', nowhere], { cwd: folder() });
    expect(code).toBe(4);
    expect(err).toContain('neither plugins/ nor config/daruma.yaml');
  });

  test('help and version are fine', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await inFolder('--version')).toMatchObject({ code: 0, out: `${version}\n` });
    expect((await inFolder('--help')).out).toContain('Observe');
  });
});

describe('--json', () => {
  const everything: Answers = {
    status: () => status(),
    jobs: () => [job()],
    job: ({ id }) => job({ id }),
    run: () => job({ state: 'queued' }),
    cancel: () => job({ state: 'cancelled' }),
    why: ({ agent: name, at }) => ({ agent: name, slot: at ?? null, state: 'ran', steps: [], sentence: 'it ran' }),
    dlq: () => [],
    replay: ({ dryRun }) => ({ count: 1, jobs: ['job-1'], dryRun: dryRun === true }),
    drop: ({ dryRun }) => ({ count: 1, jobs: ['job-1'], dryRun: dryRun === true }),
    cancelMany: ({ dryRun }) => ({ count: 1, jobs: ['job-1'], dryRun: dryRun === true }),
    pause: ({ agent: name }) => ({ agent: name, until: null }),
    resume: ({ agent: name }) => ({ agent: name }),
    level: ({ agent: name, level }) => ({ agent: name, level, until: null }),
    check: () => ({ agents: ['a'], problems: [] }),
    configShow: () => ({ values: [] }),
  };

  test.each([
    'status',
    'status api-health',
    'agents',
    'jobs',
    'jobs job-a01',
    'run api-health',
    'run api-health --wait',
    'cancel job-1',
    'cancel --agent a --state queued --yes',
    'cancel --agent a',
    'why backup --at 02:00',
    'dlq',
    'dlq list',
    'dlq show f-1',
    'dlq drop job-1',
    'replay job-1',
    'pause a --for 2h',
    'pause --all',
    'resume a',
    'level a debug',
    'check',
    'config show a',
    'logs',
    'jobs --frob',
    'statsu',
  ])('%s prints one value on stdout and nothing on stderr', async (line) => {
    await serve(everything);
    const { out, err } = await inFolder(...line.split(' '), '--json');
    expect(() => JSON.parse(out)).not.toThrow();
    expect(err).toBe('');
  });

  test('a failure is one value with the exit code of the failure', async () => {
    const { code, out } = await inFolder('cancel', 'x', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(out)).toEqual({
      error: { code: 'HOST_DOWN', message: 'the host is not running', next: 'daruma start', data: expect.anything() },
    });
  });
});

describe('stop', () => {
  const processThatEnds = () => spawn('sleep', ['60'], { stdio: 'ignore' });

  test('waits until the process of the host is gone', async () => {
    const child = processThatEnds();
    await serve({
      stop: () => {
        setTimeout(() => child.kill(), 100);
        return { pid: child.pid! };
      },
    });
    expect(await inFolder('stop')).toMatchObject({ code: 0, out: expect.stringMatching(/^✓ host stopped in /) });
  });

  test('a host that is too quick to answer has stopped all the same', async () => {
    const child = processThatEnds();
    await serve({
      stop: () => {
        child.kill();
        void closeHost();
        return new Promise(() => {});
      },
    });
    writeFileSync(
      join(folder(), 'data/run/host.json'),
      JSON.stringify({ pid: child.pid, startedAt: '2026-11-22T11:00:00.000Z' }),
    );
    expect(await inFolder('stop', '--json')).toMatchObject({ code: 0, err: '' });
  });

  test('one that does not end in time is told with its pid', async () => {
    await serve({ stop: () => ({ pid: process.pid }) });
    const { code, err } = await inFolder('stop', '--within', '100ms');
    expect(code).toBe(1);
    expect(err).toContain(`the host (pid ${process.pid}) has not ended within 100ms`);
  });
});

describe('output', () => {
  test('has no colours in a pipe, and NO_COLOR is heeded', async () => {
    await serve({ status: () => status() });
    const { out } = await cli(['status'], { cwd: folder(), env: { NO_COLOR: '1' } });
    expect(out).not.toContain('\u001b[');
    expect((await inFolder('status')).out).not.toContain('\u001b[');
  });

  test('a reader that has enough is no failure', async () => {
    const many = Array.from({ length: 5_000 }, (_, at) => job({ id: `job-${at}` }));
    await serve({ jobs: () => many });
    const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
    const shell = spawn(
      'bash',
      ['-c', `"$0" "$1" jobs --limit 1000 | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, main],
      {
        cwd: folder(),
      },
    );
    let out = '';
    let err = '';
    shell.stdout.on('data', (chunk) => (out += chunk));
    shell.stderr.on('data', (chunk) => (err += chunk));
    await new Promise((resolve) => shell.once('close', resolve));
    expect(out).toMatch(/JOB .*\n0\n$/);
    expect(err).toBe('');
  });

  test('the installation is the nearest folder above that is one', async () => {
    await serve({ status: () => status({ agents: fleet.slice(0, 1) }) });
    const deep = join(folder(), 'logs/deep/er');
    mkdirSync(deep, { recursive: true });
    expect((await cli(['status'], { cwd: deep })).code).toBe(0);
    expect((await cli(['status', '--dir', folder()], { cwd: '/' })).code).toBe(0);
  });
});

describe('dead letters', () => {
  test('all of a cause are only run again or dropped with --yes', async () => {
    await serve({
      replay: ({ dryRun }) => ({ count: 2, jobs: ['job-1', 'job-2'], dryRun: dryRun === true }),
      drop: ({ dryRun }) => ({ count: 2, jobs: ['job-1', 'job-2'], dryRun: dryRun === true }),
    });
    expect(await inFolder('replay', '--cause', 'f-1')).toMatchObject({
      code: 1,
      out: expect.stringContaining('not done'),
    });
    expect(await inFolder('replay', '--cause', 'f-1', '--dry-run')).toMatchObject({ code: 0 });
    expect(await inFolder('dlq', 'drop', '--cause', 'f-1')).toMatchObject({ code: 1 });
    expect(asked().every(({ args }) => (args as { dryRun?: boolean }).dryRun === true)).toBe(true);
    expect(await inFolder('replay', '--cause', 'f-1', '--yes')).toMatchObject({ code: 0 });
    expect(await inFolder('dlq', 'drop', '--cause', 'f-1', '--yes')).toMatchObject({
      code: 0,
      out: '✓ 2 jobs are dropped\n',
    });
    expect(asked().slice(-2)).toEqual([
      { op: 'replay', args: { cause: 'f-1', dryRun: false } },
      { op: 'drop', args: { cause: 'f-1', dryRun: false } },
    ]);
  });
});
