import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { allProcesses } from '../../plugins/lib/processes.ts';
import { type Installation, installation, isRunning } from './installation.ts';

/** Plugins as they ship, in a real host, behind its fences. */
const PLUGINS = fileURLToPath(new URL('../../plugins', import.meta.url));
const WORD = `storm-e2e-${process.pid}`;

let place: Installation;

beforeAll(async () => {
  const watch = `{ name: dev server, command: ${WORD}, count: 4, kill: true }`;
  place = installation({
    'agents/tidy.yaml':
      'plugin: command\nsettings: { shell: "ls; echo $WHO", folder: logs, env: { WHO: nobody } }\nneeds: { exec: [sh], read: [logs], write: [], net: [] }\n',
    'agents/slow.yaml': `plugin: command\nlimits: { timeout: 2s, attempts: 1, grace: 100ms }\nsettings: { shell: 'sh -c "sleep 300; :" ${WORD}-slow & sleep 300' }\nneeds: { exec: [sh], read: [], write: [], net: [] }\n`,
    'agents/watch.yaml': `plugin: process-watch\nlimits: { backoff: { first: 100ms, longest: 100ms } }\nsettings: { watch: [${watch}], grace: 2s }\nneeds: { kill: [${WORD}] }\n`,
    'agents/spared.yaml': `plugin: process-watch\nlimits: { backoff: { first: 100ms, longest: 100ms } }\nsettings: { watch: [${watch}] }\nneeds: { kill: [another] }\n`,
    'config/daruma.yaml': 'web: false\n',
  });
  cpSync(join(PLUGINS, 'lib'), join(place.folder, 'plugins/lib'), { recursive: true });
  for (const name of ['command', 'process-watch', 'post-file'])
    cpSync(join(PLUGINS, `${name}.ts`), join(place.folder, `plugins/${name}.ts`));
  const secret = join(place.folder, 'config/daruma.yaml');
  place.write(
    'agents/peek.yaml',
    `plugin: command\nlimits: { attempts: 1 }\nsettings: { command: cat, args: [${secret}] }\nneeds: { exec: [cat], read: [], write: [], net: [] }\n`,
  );
  await place.start();
});
afterAll(() => place.leave());

const run = async (agent: string) => {
  await place.daruma('run', agent, '--wait');
  const [job] = (await place.daruma('jobs', agent, '--json')).json;
  return job;
};

it('a command runs behind the fence with what its agent file names, and its last lines stay with the job', async () => {
  const done = await run('tidy');
  expect(done).toMatchObject({ state: 'done', result: { code: 0 } });
  expect(done.summary).toMatch(/^`sh`: exit code 0 after .+\n\n```\n[\s\S]*nobody\n```$/);
  const refused = await run('peek');
  expect(refused).toMatchObject({
    state: 'dead',
    error: { message: expect.stringMatching(/^exit code 1: .*cat: .*config\/daruma\.yaml/) },
  });
});

it('a command that takes too long is killed with all that it started', async () => {
  expect(await run('slow')).toMatchObject({ state: 'dead', error: { code: 'TIMEOUT' } });
  await place.until(allProcesses, (all) => !all.some(({ command }) => command.includes(`${WORD}-slow`)));
});

it('a storm of processes is ended by the agent whose needs allow it, and by no other', async () => {
  const start = 'setsid sh -c "$1" "$2" >/dev/null 2>&1 & echo $!';
  const leader = 'for i in 1 2 3 4 5; do sleep 300 & done; wait';
  const pid = Number(execFileSync('sh', ['-c', start, 'sh', leader, WORD], { encoding: 'utf8' }));
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(-pid, 'SIGKILL');
  });
  const spared = await run('spared');
  expect(spared).toMatchObject({ state: 'dead', error: { code: 'NOT_IN_NEEDS' } });
  expect(isRunning(pid)).toBe(true);
  const ended = await run('watch');
  expect(ended).toMatchObject({ state: 'done', attempts: 2, result: { ended: ['dev server'] } });
  expect(isRunning(pid)).toBe(false);
});
