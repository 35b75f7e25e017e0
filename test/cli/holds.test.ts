import { describe, expect, test } from 'vitest';
import type { HoldUpView } from '../../src/control/protocol.ts';
import { holdUpWords } from '../../src/control/words/job.ts';
import { localTimes } from '../../src/kernel/clock.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { servedInstallation } from './fake-host.ts';
import { startCli } from './process.ts';
import { clock, job } from './views.ts';

const { folder, asked, serve, inFolder } = servedInstallation();
const never = () => new Promise<never>(() => {});

const PAUSED: HoldUpView = {
  is: 'paused',
  text: 'a is paused',
  until: '2026-11-22T13:00:00.000Z',
  next: 'daruma resume a',
};
const PROBED: HoldUpView = {
  is: 'quarantined',
  text: 'held until the next probe: a is in quarantine (inc-1)',
  until: '2026-11-22T11:05:31.000Z',
  next: 'daruma resume a',
};

test('what holds a job up is said in the clock’s zone', () => {
  expect(holdUpWords(PAUSED, clock)).toBe('a is paused until 14:00');
  expect(holdUpWords(PROBED, clock)).toBe('held until the next probe in 1m: a is in quarantine (inc-1)');
  expect(holdUpWords({ ...PROBED, is: 'origin', text: 'it waits for http://x' }, clock)).toBe(
    'it waits for http://x, again in 1m',
  );
  expect(localTimes('again at 2026-11-22T11:09:00.123Z, or at 2026-11-20T23:30:00Z', clock)).toBe(
    'again at 12:09:00, or at Sat 00:30:00',
  );
});

describe('run', () => {
  test('says at once that the job waits, and how to end that', async () => {
    await serve({ run: () => job({ id: 'job-5', state: 'queued', holdUp: PAUSED }) });
    const { code, out } = await inFolder('run', 'a');
    expect(code).toBe(0);
    expect(out).toMatch(/^✓ job-5 of a is queued .*\n‖ job-5 waits: a is paused until .*\n {2}→ daruma resume a\n$/);
  });

  test('--wait says it once, says when it changes, and that nothing is lost by leaving', async () => {
    let holdUp: HoldUpView | null = PAUSED;
    let end = (_: ReturnType<typeof job>) => {};
    const ended = new Promise<ReturnType<typeof job>>((resolve) => {
      end = resolve;
    });
    await serve({
      run: () => job({ id: 'job-5', state: 'queued', holdUp: PAUSED }),
      job: ({ wait }) => (wait ? ended : job({ id: 'job-5', state: 'retrying', holdUp })),
      follow: never,
    });
    const running = startCli(['run', 'a', '--wait'], { cwd: folder() });
    await running.says('Ctrl-C leaves: job-5 stays in the queue');
    holdUp = PROBED;
    await running.says('held until the next probe');
    end(job({ id: 'job-5' }));
    const { code, err } = await running.ended;
    expect(code).toBe(0);
    expect(err.match(/a is paused/g)).toHaveLength(1);
    expect(err.match(/Ctrl-C/g)).toHaveLength(1);
  });

  test.each([
    { state: 'queued', sameInput: true, code: 0, says: 'nothing was queued: job-3 of 2001-11-22 11:52 has this key\n' },
    { state: 'done', sameInput: true, code: 0, says: 'has this key, and is done\n' },
    { state: 'done', sameInput: false, code: 1, says: 'has this key, and is done; its input differs from yours\n' },
    { state: 'dead', sameInput: true, code: 1, says: 'and is dead\n  → daruma replay job-3' },
  ] as const)('--key that a job has which is $state: said, with exit code $code', async ({ code, says, ...holder }) => {
    const usedKey = { since: '2001-11-22T10:52:00.000Z', ...holder };
    const result = { is: 'what was' };
    await serve({
      run: () => ({ ...job({ id: 'job-3', state: holder.state, result }), usedKey }),
      job: () => job({ id: 'job-3', result }),
      follow: never,
    });
    const plain = await inFolder('run', 'a', '--key', 'k');
    expect(plain.code).toBe(code);
    expect(plain.out).toContain(says);
    expect(plain.out).not.toContain('✓');
    const waited = await inFolder('run', 'a', '--key', 'k', '--wait');
    expect(waited.code).toBe(code);
    expect(waited.out + waited.err).toContain(says);
    expect(waited.out.includes('✓ ok')).toBe(code === 0);
    const { usedKey: told } = JSON.parse((await inFolder('run', 'a', '--key', 'k', '--json')).out);
    expect(told).toEqual(usedKey);
  });
});

describe('jobs', () => {
  test('shows what holds each of them up instead of a time that has come', async () => {
    const holdUp = { ...PROBED, until: new Date(Date.now() + 90_000).toISOString() };
    await serve({ jobs: () => [job({ state: 'retrying', holdUp })], job: () => job({ state: 'retrying', holdUp }) });
    expect((await inFolder('jobs', 'api-health')).out).toMatch(/held until the next probe/);
  });

  test('an id that no job has is no agent', async () => {
    const noAgent = new Fault({ code: 'AGENT_UNKNOWN', message: 'there is no agent job-999' });
    await serve({
      jobs: () => {
        throw noAgent;
      },
    });
    const { code, err } = await inFolder('jobs', 'job-999');
    expect(code).toBe(1);
    expect(err).toContain('there is no job job-999');
  });
});

describe('cancel', () => {
  test('all of an agent is only said without --yes, with the command that does it', async () => {
    await serve({
      cancelMany: ({ dryRun }) => ({ count: 120_000, jobs: ['job-9', 'job-8'], dryRun: dryRun === true }),
    });
    const said = await inFolder('cancel', '--agent', 'a', '--state', 'queued,retrying');
    expect(said.code).toBe(1);
    expect(said.out).toContain('would be cancelled: 120000 jobs (job-9 job-8 …)');
    expect(said.out).toContain('not done; → daruma cancel --agent a --state queued,retrying --yes');
    const done = await inFolder('cancel', '--agent', 'a', '--state', 'all', '--yes');
    expect(done).toMatchObject({ code: 0, out: '✓ 120000 jobs are cancelled\n' });
    expect(asked().map(({ args }) => args)).toEqual([
      { agent: 'a', states: ['queued', 'retrying'], dryRun: true },
      { agent: 'a', states: ['queued', 'retrying', 'running'], dryRun: false },
    ]);
  });

  test('wants a job, or whose', async () => {
    expect((await inFolder('cancel')).code).toBe(2);
    expect((await inFolder('cancel', 'job-1', '--agent', 'a')).code).toBe(2);
    expect((await inFolder('cancel', '--agent', 'a', '--state', 'done')).code).toBe(2);
  });
});
