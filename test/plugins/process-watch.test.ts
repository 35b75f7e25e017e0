import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'daruma';
import { expect, it, onTestFinished } from 'vitest';
import { allProcesses, ownBytes, readProcess, treeOf } from '../../plugins/lib/processes.ts';
import processWatch from '../../plugins/process-watch.ts';
import { createKills } from '../../src/host/kill.ts';
import { contextFor, runPlugin, tempFolder } from './context.ts';

/** Starts a tree that this process is not above, as a dev server of a person. Resolves when so many sleepers are there: each hears SIGTERM, or does not, by then. */
async function start(script: string, word: string, sleepers: number): Promise<number> {
  const setsid = 'setsid sh -c "$1" "$2" >/dev/null 2>&1 & echo $!';
  const pid = Number(execFileSync('sh', ['-c', setsid, 'sh', script, word], { encoding: 'utf8' }));
  onTestFinished(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  });
  await expect
    .poll(async () => (await storming(pid)).filter(({ command }) => command === 'sleep 300').length, {
      timeout: 30_000,
      interval: 20,
    })
    .toBeGreaterThanOrEqual(sleepers);
  return pid;
}

/** A leader with two children, of two sleepers each, and a third that it starts again whenever it ends. `deaf`: SIGTERM ends none of them. */
function storm(word: string, { deaf = false } = {}): Promise<number> {
  const trap = deaf ? "trap '' TERM; " : '';
  const child = `sh -c "${trap}sleep 300 & sleep 300 & wait" ${word}`;
  return start(`${trap}${child} & ${child} & while :; do ${child} & wait $!; done`, word, 6);
}

async function storming(pid: number) {
  const all = await allProcesses();
  return all.filter(({ group }) => group === pid);
}

/** A word that no other process of the machine has. */
const wordOf = (name: string) => `storm-${name}-${process.pid}`;

/** `context.kill` as the host answers it to an agent with these words. */
function killBy(...words: string[]): Context['kill'] {
  const kills = createKills();
  const by = { name: 'tested', needs: { kill: words } as never };
  return async (targets, signal = 'SIGTERM') => kills.kill(by, targets, signal);
}

it('sees a storm of workers in the second look, tells of it, and leaves it alone without the word of the agent file', async () => {
  const word = wordOf('seen');
  const pid = await storm(word);
  const settings = { watch: [{ name: 'dev server', command: word, count: 4 }] };
  await expect(runPlugin(processWatch, { settings })).rejects.toThrow(
    /^dev server: 1\d processes, expected at most 4; \d+ sh -c/,
  );
  const { context, traces } = contextFor(processWatch, { settings });
  await expect(processWatch.run({ ...context, job: { ...context.job, attempt: 2 } })).rejects.toThrow(
    'expected at most 4',
  );
  expect(traces.summary).toMatch(/\| ✗ \| dev server \| 1\d \|/);
  expect((await storming(pid)).length).toBeGreaterThanOrEqual(10);
});

it('ends the whole storm where the agent file says so, at the second look, and what it starts meanwhile', async () => {
  const word = wordOf('ended');
  const pid = await storm(word);
  const settings = { watch: [{ name: 'dev server', command: word, count: 4, kill: true }], grace: '10s' };
  const { context, traces } = contextFor(processWatch, { settings, kill: killBy(word) });
  await expect(processWatch.run(context)).rejects.toThrow('expected at most 4');
  expect((await storming(pid)).length).toBeGreaterThanOrEqual(10);
  expect(await processWatch.run({ ...context, job: { ...context.job, attempt: 2 } })).toMatchObject({
    ended: ['dev server'],
  });
  expect(await storming(pid)).toEqual([]);
  expect(traces.sent).toMatchObject([
    { agent: 'post-file', input: { title: 'dev server was ended', level: 'warning' } },
  ]);
});

it('ends one that does not hear SIGTERM', async () => {
  const word = wordOf('deaf');
  const pid = await storm(word, { deaf: true });
  const pidFile = join(tempFolder(), 'server.pid');
  writeFileSync(pidFile, `${pid}\n`);
  const settings = { watch: [{ name: 'server', pidFile, count: 4, kill: true }], grace: '0s' };
  const { context } = contextFor(processWatch, { settings, kill: killBy(word) });
  await processWatch.run({ ...context, job: { ...context.job, attempt: 2 } });
  expect(await storming(pid)).toEqual([]);
});

it('ends a child that does not hear SIGTERM and has lost its parent, and with it the word', async () => {
  const word = wordOf('orphan');
  const pid = await start('sh -c \'trap "" TERM; exec sleep 300\' & wait', word, 1);
  const settings = { watch: [{ name: 'server', command: word, count: 1, kill: true }], grace: '500ms' };
  const { context } = contextFor(processWatch, { settings, kill: killBy(word) });
  await processWatch.run({ ...context, job: { ...context.job, attempt: 2 } });
  expect(await storming(pid)).toEqual([]);
});

it('ends nothing that needs.kill does not cover, nothing of the host, and no later process with the id of one', async () => {
  const word = wordOf('kept');
  const pid = await storm(word);
  const leader = (await readProcess(pid))!;
  const self = (await readProcess(process.pid))!;
  const above = (await readProcess(process.ppid))!;
  for (const words of [[], ['another']])
    await expect(killBy(...words)([leader])).rejects.toMatchObject({ code: 'NOT_IN_NEEDS' });
  for (const own of [self, above]) await expect(killBy('*')([leader, own])).rejects.toThrow("Daruma's own");
  expect(await killBy('*')([{ ...leader, start: leader.start + 1 }])).toBe(0);
  expect((await storming(pid)).length).toBeGreaterThanOrEqual(10);
});

it('counts the memory of a tree, and finds nothing where nothing runs', async () => {
  const all = await allProcesses();
  const self = all.find(({ pid }) => pid === process.pid)!;
  expect(await ownBytes(self)).toBeGreaterThan(10 * 1024 ** 2);
  expect(treeOf([self], all)).toContainEqual(self);
  const watch = [{ name: 'gone', pidFile: '/run/there-is-no-such.pid' }];
  expect((await runPlugin(processWatch, { settings: { watch } })).result).toEqual({
    trees: [{ name: 'gone', processes: 0, bytes: 0 }],
    ended: [],
  });
  const own = [{ name: 'tests', command: 'vitest', memory: '1MB' }];
  await expect(runPlugin(processWatch, { settings: { watch: own } })).rejects.toThrow('expected at most 1MB');
  await expect(runPlugin(processWatch, { settings: { watch: [{ name: 'x' }] } })).rejects.toThrow(
    'either command or pidFile',
  );
});
