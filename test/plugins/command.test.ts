import { execFile } from 'node:child_process';
import type { Context } from 'daruma';
import { GiveUp, RetryLater } from 'daruma';
import { expect, it } from 'vitest';
import command from '../../plugins/command.ts';
import { runPlugin } from './context.ts';

/** Real commands, without the host's broker; test/e2e/fleet.test.ts has them with it. */
const exec: Context['exec'] = (file, args = [], { env = {}, cwd } = {}) =>
  new Promise((resolve) => {
    const child = execFile(file, args, { cwd, env: { PATH: process.env.PATH, ...env } }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr, truncated: false, tookMs: 1 }),
    );
  });
const run = (settings: object) => runPlugin(command, { settings, exec });

it('keeps the last lines of the output with the job', async () => {
  const { result, summary } = await run({
    shell: 'for i in 1 2 3 4; do echo line $i; done; printf "\\033[31mred\\033[0m \\140\\140\\140\\n" >&2',
    lines: 3,
  });
  expect(result).toMatchObject({ code: 0 });
  expect(summary).toMatch(/\n\n````\nline 4\n\nred ```\n````$/);
});

it('hands arguments over as they are, with the environment of the agent file', async () => {
  const { summary } = await run({
    command: 'sh',
    args: ['-c', 'echo "$1 $WHO"', 'x', '$HOME; `id`'],
    env: { WHO: 'me' },
  });
  expect(summary).toContain('$HOME; `id` me');
});

it('the agent file says what exit codes mean', async () => {
  expect((await run({ shell: 'exit 24', done: [0, 24] })).result.code).toBe(24);
  await expect(run({ shell: 'echo no space >&2; exit 3' })).rejects.toThrow('exit code 3: no space');
  await expect(run({ shell: 'exit 75' })).rejects.toThrow(RetryLater);
  await expect(run({ shell: 'exit 2', hopeless: [2] })).rejects.toThrow(GiveUp);
  await expect(run({ shell: 'kill -9 $$' })).rejects.toThrow('killed by SIGKILL');
  await expect(run({})).rejects.toThrow('add command or shell to the agent file');
  await expect(run({ shell: 'true', command: 'true' })).rejects.toThrow('take one out');
});
