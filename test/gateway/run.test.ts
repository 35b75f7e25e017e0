import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { authoritiesOfCommands } from '../../src/fence/authorities.ts';
import { createWorld, until, zombiesOf } from './world.ts';

describe('a command', () => {
  it('gives its output, its code and the time that it took', async () => {
    const { run } = await createWorld();
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      truncated: false,
      tookMs: expect.any(Number),
    });
    expect(await run('sh', ['-c', 'kill -9 $$'])).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it.runIf(process.platform === 'linux')('is ended before the broker and the host when memory runs out', async () => {
    const { run, broker } = await createWorld();
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    const { stdout } = await run('cat', ['/proc/self/oom_score_adj']);
    expect(stdout).toBe(`${own + 300}\n`);
    expect(readFileSync(`/proc/${broker()}/oom_score_adj`, 'utf8')).toBe(`${own + 100}\n`);
  });

  it.runIf(process.platform === 'linux')('is billed with the processor time of all that it started', async () => {
    const { run, used } = await createWorld();
    const busy = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done';
    await run('sh', ['-c', `(${busy}) & ${busy}; wait`]);
    await until('the bill of the command', () => used.length === 1);
    expect(used).toMatchObject([{ agent: 'a' }]);
    expect(used[0]!.cpuMs).toBeGreaterThanOrEqual(20);
    expect(used[0]!.cpuMs).toBeLessThan(60_000);
  });

  it('gets its arguments as they are, without a shell', async () => {
    const { run } = await createWorld();
    const args = ['$HOME', '`id`', '; echo x', "a'b", '', '*', 'ä\n'];
    expect((await run('printf', ['%s|', ...args])).stdout).toBe(`${args.join('|')}|`);
  });

  it('sees the plain environment and what was added, and no secret of the host', async () => {
    process.env.SHOP_TOKEN = 'sesame';
    const { run } = await createWorld();
    const { stdout } = await run('env', [], { env: { GREETING: 'hello' } });
    delete process.env.SHOP_TOKEN;
    expect(stdout).toContain('GREETING=hello\n');
    expect(stdout).not.toContain('sesame');
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    const allowed = [
      'PATH',
      'HOME',
      'LANG',
      'LC_ALL',
      'TZ',
      'TMPDIR',
      'PWD',
      '_',
      'SHLVL',
      'GREETING',
      'DARUMA_EXEC',
      '',
      // Of a machine whose servers have certificates of an authority of its own.
      ...Object.keys(authoritiesOfCommands(process.env)),
    ];
    expect(names.filter((name) => !allowed.includes(name!))).toEqual([]);
  });

  it('runs in a scratch folder that its attempt keeps and that goes with it', async () => {
    const { run, exec, folder } = await createWorld();
    await run('sh', ['-c', 'echo kept > note']);
    expect((await run('cat', ['note'])).stdout).toBe('kept\n');
    expect((await run('ls', [], { job: 'j2' })).stdout).toBe('');
    expect(readdirSync(join(folder, 'data/run/exec'))).toHaveLength(2);
    exec.ended([
      { job: 'j1', attempt: 1 },
      { job: 'j2', attempt: 1 },
    ]);
    await until('no scratch folder', () => readdirSync(join(folder, 'data/run/exec')).length === 0);
  });

  it('runs in a folder of the agent’s needs, and in no other', async () => {
    const { run, folder } = await createWorld();
    mkdirSync(join(folder, 'site'));
    const needs = { exec: ['pwd'], read: ['site'], write: [] };
    expect((await run('pwd', [], { cwd: 'site', needs })).stdout).toBe(`${folder}/site\n`);
    await expect(run('pwd', [], { cwd: '.', needs })).rejects.toMatchObject({ plain: { code: 'NOT_IN_NEEDS' } });
    await expect(run('pwd', [], { cwd: 'site/../..', needs })).rejects.toMatchObject({
      plain: { code: 'NOT_IN_NEEDS' },
    });
    symlinkSync('/etc', join(folder, 'site/link'));
    await expect(run('pwd', [], { cwd: 'site/link', needs })).rejects.toMatchObject({
      plain: { code: 'NOT_IN_NEEDS', message: expect.stringContaining('site/link, which is /etc: it is not among') },
    });
    const linked = { ...needs, read: ['site/link'] };
    expect((await run('pwd', [], { cwd: 'site/link', needs: linked })).stdout).toBe('/etc\n');
    await expect(run('pwd', [], { cwd: 'site/gone', needs })).rejects.toMatchObject({
      plain: { code: 'EXEC_NOT_STARTED', message: expect.stringContaining('site/gone') },
    });
  });

  it('runs with the arguments that the needs pin, and with no others', async () => {
    const { run } = await createWorld();
    const needs = {
      exec: [
        { command: 'echo', args: ['log', '*'] },
        { command: 'printf', args: ['%s', '*', 'end'] },
      ],
      read: [],
      write: [],
    };
    expect((await run('echo', ['log', '-n', '3'], { needs })).stdout).toBe('log -n 3\n');
    expect(
      (await run('/bin/echo', ['log'], { needs }).catch(() => run('/usr/bin/echo', ['log'], { needs }))).stdout,
    ).toBe('log\n');
    expect((await run('printf', ['%s', 'x', 'end'], { needs })).stdout).toBe('xend');
    for (const [command, args] of [
      ['echo', ['-c', 'alias.x=!id', 'log']],
      ['echo', []],
      ['printf', ['%s', 'end']],
    ] as const)
      await expect(run(command, [...args], { needs })).rejects.toMatchObject({
        plain: {
          code: 'NOT_IN_NEEDS',
          message: expect.stringMatching(/may run "(?:echo log \*|printf %s \* end)", not "/),
        },
      });
    await expect(run('cat', ['log'], { needs })).rejects.toMatchObject({
      plain: { message: expect.stringContaining('cat is not in') },
    });
  });

  it('reads 8 MB of input; one that reads none is no trouble', async () => {
    const { run } = await createWorld();
    const input = `${'0123456789abcde\n'.repeat(512 * 1024)}`;
    expect((await run('wc', ['-c'], { input })).stdout.trim()).toBe(String(input.length));
    expect(await run('true', [], { input })).toMatchObject({ code: 0 });
    expect((await run('cat')).stdout).toBe('');
  });

  it('may write 100 MB: the first and the last half of what is kept come back, in bounded memory', async () => {
    const { run, broker } = await createWorld();
    const args = ['-c', 'echo first; head -c 100000000 /dev/zero | tr "\\0" x; echo; echo last'];
    const { stdout, truncated } = await run('sh', args, { maxOutputBytes: 64 * 1024 });
    expect(truncated).toBe(true);
    expect(stdout.length).toBeLessThan(64 * 1024 + 100);
    expect(stdout).toMatch(/^first\nx+\n… \d+ bytes left out …\nx+\nlast\n$/);
    expect(rssOf(broker()!)).toBeLessThan(160);
  });

  it('is waited for no longer than its output, when what it left running holds that open', async () => {
    const { run } = await createWorld();
    const { stdout, tookMs } = await run('sh', ['-c', 'sleep 60 & echo done']);
    expect(stdout).toBe('done\n');
    expect(tookMs).toBeLessThan(30_000);
  });

  it('is on record, with its pid, before it runs', async () => {
    // Only there a command sees its own pid as the machine counts, and the record.
    const { run, folder, record } = await createWorld({ fence: 'none' });
    const file = join(folder, 'data/run/children.jsonl');
    const { stdout } = await run('sh', ['-c', `echo $$; cut -d" " -f22 /proc/$$/stat; cat ${file}`]);
    const [pid, start, ...lines] = stdout.trim().split('\n');
    const recorded = lines.filter(Boolean).map((line) => JSON.parse(line));
    expect(recorded).toMatchObject([{ pid: Number(pid), start: Number(start), mark: expect.stringMatching(/:j1:1:/) }]);
    await until('an empty record', () => record() === '');
  });

  it('is not run when it cannot be put on record', async () => {
    const { run, folder } = await createWorld();
    mkdirSync(join(folder, 'data/run/children.jsonl'));
    await expect(run('touch', [join(folder, 'ran')])).rejects.toMatchObject({ plain: { code: 'EXEC_NOT_STARTED' } });
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('runs beside at most three others of its agent', async () => {
    const { run, folder } = await createWorld();
    mkdirSync(join(folder, 'running'));
    const script = 'touch $0/$1; ls $0 | wc -l; sleep 0.05; rm $0/$1';
    const ends = await Promise.all(
      Array.from({ length: 12 }, (_, index) => run('sh', ['-c', script, join(folder, 'running'), `${index}`])),
    );
    const most = Math.max(...ends.map(({ stdout }) => Number(stdout)));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('leaves no zombie', async () => {
    const world = await createWorld();
    await Promise.all(Array.from({ length: 10 }, () => world.run('true')));
    const broker = world.broker()!;
    // The broker is given what a fence leaves, and asks for its end with the next look.
    await until('no zombie of the broker', () => zombiesOf(broker) === 0);
    expect(world.broker()).toBe(broker);
  });

  it('needs no broker when nothing was run for a while', async () => {
    const world = await createWorld({ idleMs: 200 });
    expect(world.broker()).toBeUndefined();
    await Promise.all(Array.from({ length: 10 }, () => world.run('true')));
    await until('the end of the broker', () => !world.broker());
    await until('no zombie', () => zombiesOf(process.pid) === 0);
    expect(await world.run('true')).toMatchObject({ code: 0 });
  });
});

describe('the right to run a command', () => {
  it('is refused for what the needs do not name, with the edit that would grant it', async () => {
    const { run } = await createWorld();
    await expect(run('git', [], { needs: { exec: ['tar'], read: [], write: [] } })).rejects.toMatchObject({
      plain: {
        code: 'NOT_IN_NEEDS',
        message: 'git is not in needs.exec of agent a',
        next: "add exec: ['git'] to needs",
      },
    });
  });

  it.each([
    ['env', ['env'], true],
    ['/usr/bin/env', ['env'], true],
    ['env', ['/usr/bin/env'], true],
    ['/usr/bin/env', ['*'], true],
    ['/usr/bin/env', ['/usr/bin/env'], true],
    ['/usr/bin/../bin/env', ['/usr/bin/env'], true],
    ['./env', ['*'], 'CALL_INVALID'],
    ['no-such-command', ['*'], 'EXEC_NOT_FOUND'],
    ['/etc/passwd', ['*'], 'EXEC_NOT_FOUND'],
    ['env', [], 'NOT_IN_NEEDS'],
    ['..', ['*'], 'EXEC_NOT_FOUND'],
  ])('%s with needs.exec %j: %s', async (command, exec, expected) => {
    const { run } = await createWorld();
    const answer = run(command, [], { needs: { exec, read: [], write: [] } });
    if (expected === true) expect((await answer).code).toBe(0);
    else await expect(answer).rejects.toMatchObject({ plain: { code: expected } });
  });

  it('of a name is not that of another file of this name', async () => {
    const { run, folder } = await createWorld();
    writeFileSync(join(folder, 'env'), '#!/bin/sh\necho false\n', { mode: 0o755 });
    const needs = { exec: ['env'], read: [], write: [] };
    await expect(run(join(folder, 'env'), [], { needs })).rejects.toMatchObject({ plain: { code: 'NOT_IN_NEEDS' } });
    expect((await run(join(folder, 'env'), [], { needs: { ...needs, exec: [join(folder, 'env')] } })).stdout).toBe(
      'false\n',
    );
  });
});

function rssOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)![1]) / 1024;
}
