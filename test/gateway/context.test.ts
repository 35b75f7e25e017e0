import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from '../e2e/installation.ts';
import { pidsWith, sleepsOf, until } from './world.ts';

/** Lengths of sleep that name the processes of a test. */
const tag = (n: number) => `${8_000 + n}.${process.pid}`;
const once = 'limits: { attempts: 1 },';
const needs = "needs: { exec: ['sh', 'sleep', 'git'] },";

let place: Installation;
beforeAll(async () => {
  place = installation({
    'plugins/tells.ts': plugin(
      `const { stdout, code } = await context.exec('sh', ['-c', 'cat; exit 3'], { input: 'hello', check: false });
       return { stdout, code };`,
      `${once} ${needs}`,
    ),
    'plugins/fails.ts': plugin(
      `await context.exec('sh', ['-c', 'echo one >&2; echo the last line >&2; exit 4']);`,
      `${once} ${needs}`,
    ),
    'plugins/reaches.ts': plugin(`await context.exec('tar', ['--version']);`, `${once} ${needs}`),
    'plugins/errs.ts': plugin(
      `const told = [];
       for (const ask of [
         () => context.exec('sh -c ls'),
         () => context.exec('sh', 'ls'),
         () => context.exec('sh', [], { timeout: 5 }),
         () => context.exec('sh', [], { env: { LD_PRELOAD: 'x.so' } }),
         () => context.exec('sh', [], { input: 'x'.repeat(9_000_000) }),
         () => context.exec('sleep', ['60'], { timeout: '100ms' }),
       ]) await ask().then(() => told.push('run'), (error) => told.push(error.plain.code));
       return told;`,
      `${once} ${needs}`,
    ),
    'plugins/leaves.ts': plugin(
      `await context.exec('sh', ['-c', 'setsid sleep ${tag(1)} & sleep ${tag(1)} & true']); return 1;`,
      `${once} ${needs}`,
    ),
    'plugins/forgets.ts': plugin(
      `context.exec('sleep', ['${tag(2)}']); throw new Error('done with it');`,
      `${once} ${needs}`,
    ),
    'plugins/waits.ts': plugin(`await context.exec('sleep', ['${tag(3)}']);`, `${once} ${needs}`),
    'plugins/late.ts': plugin(
      `await context.exec('sleep', ['${tag(4)}']);`,
      `limits: { attempts: 1, timeout: '500ms' }, ${needs}`,
    ),
    'plugins/stays.ts': plugin(
      `await context.exec('sh', ['-c', 'sleep ${tag(5)} & setsid sleep ${tag(5)} & sleep ${tag(5)}']);`,
      `${once} ${needs}`,
    ),
    'plugins/stuck.ts': plugin(
      `void context.exec('sleep', ['${tag(6)}']); await new Promise((done) => setTimeout(done, 300)); for (;;);`,
      `limits: { attempts: 1, timeout: '700ms', grace: '100ms' }, ${needs}`,
    ),
  });
  await place.start({ guardian: false });
});
afterAll(() => place.leave());

const run = async (agent: string) => (await place.daruma('run', agent, '--wait', '--json')).json;

it('a plugin runs a command and gets what it said', async () => {
  expect(await run('tells')).toMatchObject({ state: 'done', result: { stdout: 'hello', code: 3 } });
});

it('a command that fails is an error with the last lines of its stderr', async () => {
  const { error } = await run('fails');
  expect(error).toMatchObject({
    code: 'EXEC_FAILED',
    message: 'sh -c ended with code 4: one\nthe last line',
    data: { code: 4, signal: null },
    file: 'plugins/fails.ts',
  });
});

it('a command that the plugin’s needs do not name is refused at the author’s line', async () => {
  const { error } = await run('reaches');
  expect(error).toMatchObject({
    code: 'NOT_IN_NEEDS',
    message: 'tar is not in needs.exec of agent reaches',
    file: 'plugins/reaches.ts',
  });
});

it('what cannot be a command is told before anything is run', async () => {
  expect((await run('errs')).result).toEqual([
    'NOT_IN_NEEDS',
    'CALL_INVALID',
    'CALL_INVALID',
    'CALL_INVALID',
    'TOO_LARGE',
    'EXEC_TIMEOUT',
  ]);
});

it.each([
  ['leaves daemons behind', 'leaves', 1, 'done', undefined],
  ['throws while a command runs', 'forgets', 2, 'dead', 'done with it'],
  ['takes too long', 'late', 4, 'dead', 'TIMEOUT'],
  ['has to be killed with its worker', 'stuck', 6, 'dead', 'TIMEOUT'],
])('a job that %s has no process left', async (_, agent, number, state, why) => {
  const job = await run(agent);
  expect(job.state).toBe(state);
  if (why) expect([job.error.code, job.error.message]).toContain(why);
  await until('nothing left', () => pidsWith(tag(number)).length === 0);
});

it('a job that is cancelled takes its command with it', async () => {
  const { id } = (await place.daruma('run', 'waits', '--json')).json;
  await place.until(
    async () => ({ pids: sleepsOf(tag(3)), job: (await place.daruma('jobs', id, '--json')).json }),
    ({ pids }) => pids.length === 1,
  );
  await place.daruma('cancel', id, '--json');
  await until('nothing left', () => pidsWith(tag(3)).length === 0);
});

it('a host that is killed takes all commands with it, within two seconds', async () => {
  await place.daruma('run', 'stays', '--json');
  await until('the tree', () => pidsWith(`sleep ${tag(5)}`).length >= 3);
  await place.stop('SIGKILL');
  await until('nothing left', () => pidsWith(tag(5)).length === 0);
  // What the host wrote down is there for the next one, which finds nothing and forgets it.
  expect(readFileSync(join(place.folder, 'data/run/children.jsonl'), 'utf8')).toMatch(/"start":\d+/);
  await place.start({ guardian: false });
  await until(
    'an empty record',
    () => readFileSync(join(place.folder, 'data/run/children.jsonl'), 'utf8').trim() === '',
  );
  expect(pidsWith(tag(5))).toEqual([]);
});
