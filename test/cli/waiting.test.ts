import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LogLine } from '../../src/control/protocol.ts';
import { servedInstallation } from './fake-host.ts';
import { startCli } from './process.ts';
import { job } from './views.ts';

const { folder, asked, closeHost, serve, inFolder } = servedInstallation();
const logLine = (over: Partial<LogLine>) => ({
  time: '2026-11-22T11:00:00.000Z',
  level: 'info',
  msg: 'hello',
  ...over,
});

describe('run', () => {
  test('hands over the input, field by field, and does not wait', async () => {
    await serve({ run: () => job({ id: 'job-b07', state: 'queued' }) });
    const { code, out } = await inFolder(
      'run',
      'a',
      '--input',
      '{"x":1,"n":2}',
      '--with',
      'n=3',
      '--with',
      'word=two words',
      '--key',
      'k',
    );
    expect({ code, out }).toEqual({ code: 0, out: '✓ job-b07 of a is queued        daruma jobs job-b07\n' });
    expect(asked()).toEqual([{ op: 'run', args: { agent: 'a', input: { x: 1, n: 3, word: 'two words' }, key: 'k' } }]);
  });

  test('with --wait the log of the job goes to stderr, its result to stdout', async () => {
    let follow: ((item: unknown) => void) | undefined;
    await serve({
      follow: (_, item) => {
        follow = item;
        item(logLine({ agent: 'a', job: 'job-other', msg: 'not mine' }));
        item(logLine({ agent: 'a', job: 'job-b07', worker: 'w5', msg: 'early' }));
        return new Promise(() => {});
      },
      run: () => job({ id: 'job-b07', state: 'queued' }),
      job: ({ id }) => {
        follow!(logLine({ agent: 'a', job: 'job-b07', worker: 'w5', msg: 'late', data: { n: 3 } }));
        return job({ id, durationMs: 420, result: { changes: 3 } });
      },
    });
    const { code, out, err } = await inFolder('run', 'a', '--wait');
    expect({ code, out }).toEqual({ code: 0, out: '✓ ok in 420ms · result {"changes":3}\n' });
    expect(err).toMatch(
      /^job-b07 {2}a .*\n(.*\n)?12:00:00\.000 w5 INFO {2}early\n12:00:00\.000 w5 INFO {2}late {2}n=3\n$/,
    );
    expect(err).not.toContain('not mine');
  });

  test('a job that fails makes exit code 1 and says why', async () => {
    const error = { code: 'TypeError', message: 'prices is not iterable', file: 'plugins/x.ts', line: 31 };
    await serve({
      run: () => job({ state: 'queued' }),
      job: () => job({ state: 'dead', attempt: 5, error, result: null }),
      follow: () => new Promise(() => {}),
    });
    const { code, out } = await inFolder('run', 'a', '--wait');
    expect(code).toBe(1);
    expect(out).toContain('✗ dead after 5 attempts');
    expect(out).toContain('at plugins/x.ts:31');
  });

  test('a host that restarts while the job is waited for is found again', async () => {
    const answers = { run: () => job({ state: 'queued' }), follow: () => new Promise<null>(() => {}) };
    let asked = () => {};
    const waiting = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await serve({
      ...answers,
      job: () => {
        asked();
        return new Promise(() => {});
      },
    });
    const running = startCli(['run', 'a', '--wait'], { cwd: folder() });
    await waiting;
    await closeHost();
    await running.says('waiting for the host to come back');
    await serve({ ...answers, job: () => job() });
    expect(await running.ended).toMatchObject({ code: 0, out: expect.stringContaining('✓ ok') });
  });

  test('with --within the wait ends after that time, and says that the job goes on', async () => {
    await serve({
      run: () => job({ id: 'job-b07', state: 'queued' }),
      job: () => new Promise(() => {}),
      follow: () => new Promise(() => {}),
    });
    const { code, err } = await inFolder('run', 'a', '--wait', '--within', '50ms');
    expect(code).toBe(1);
    expect(err).toContain('job-b07 has not ended within 50ms; it goes on without you');
    expect(err).toContain('daruma jobs job-b07');
    expect((await inFolder('run', 'a', '--within', '1m')).code).toBe(2);
    expect((await inFolder('run', 'a', '--wait', '--within', 'soon')).code).toBe(2);
  });

  test('input that is no JSON is wrong usage, before anything is asked', async () => {
    const { code, err } = await inFolder('run', 'a', '--input', '{x');
    expect(code).toBe(2);
    expect(err).toContain('--input is not JSON');
  });
});

describe('logs', () => {
  const write = (day: string, lines: object[]) =>
    writeFileSync(
      join(folder(), `logs/daruma.${day}.1.log`),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );

  test('are read from the files while no host runs, over all of them, filtered', async () => {
    write('2026-11-21', [
      logLine({ time: '2026-11-21T11:00:00.000Z', agent: 'a', msg: 'older' }),
      logLine({ time: '2026-11-21T11:00:01.000Z', agent: 'b', msg: 'of another' }),
    ]);
    write('2026-11-22', [
      logLine({ agent: 'a', job: 'job-1', worker: 'w4', msg: 'newer', level: 'warn' }),
      logLine({ agent: 'a', msg: 'noise', level: 'debug' }),
    ]);
    const messages = async (...args: string[]) =>
      JSON.parse((await inFolder('logs', ...args, '--json')).out).map((line: LogLine) => line.msg);
    expect(await messages('a', '--level', 'info')).toEqual(['older', 'newer']);
    expect(await messages('a', '--since', '2026-11-22')).toEqual(['newer', 'noise']);
    expect(await messages('--job', 'job-1')).toEqual(['newer']);
    expect(await messages('--grep', 'NOI|another')).toEqual(['of another', 'noise']);
    expect(await messages('-n', '1')).toEqual(['noise']);
    const { out } = await inFolder('logs', 'a', '--level', 'warn');
    expect(out).toContain('12:00:00.000 w4 job-1 WARN  newer');
  });

  test('-f tells each line once and goes on when the host comes back, with what was written meanwhile', async () => {
    const first = logLine({ agent: 'a', msg: 'one' });
    const second = logLine({ time: '2026-11-22T11:00:02.000Z', agent: 'a', msg: 'two' });
    const meanwhile = logLine({ time: '2026-11-22T11:00:03.000Z', agent: 'a', msg: 'meanwhile' });
    const last = logLine({ time: '2026-11-22T11:00:04.000Z', agent: 'a', msg: 'last' });
    write('2026-11-22', [first, second]);
    const follow =
      (...lines: object[]) =>
      (_: unknown, item: (line: unknown) => void) => {
        for (const line of lines) item(line);
        return new Promise<null>(() => {});
      };
    await serve({ follow: follow(second) });
    const running = startCli(['logs', 'a', '-f', '--json'], { cwd: folder() });
    await running.says('two');
    await closeHost();
    await running.says('waiting for it');
    write('2026-11-22', [first, second, meanwhile, last]);
    await serve({ follow: follow(last) });
    await running.says('last');
    running.child.kill('SIGINT');
    const { out } = await running.ended;
    const messages = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(['one', 'two', 'meanwhile', 'last']);
  });
});
