import { resolve } from 'node:path';
import { definePlugin, GiveUp, RetryLater, z } from 'daruma';
import { codeBlock, lastLines } from './lib/text.ts';
import { duration, msOf, showMs } from './lib/units.ts';

const codes = () => z.array(z.int().min(0).max(255));

export default definePlugin({
  about: 'Runs a command, or a line for the shell; what its exit codes mean stands in the agent file.',
  settings: z.strictObject({
    command: z.string().min(1).optional().describe('The program. It gets `args` as they are, without a shell.'),
    args: z.array(z.string()).default([]).describe('Its arguments.'),
    shell: z.string().min(1).optional().describe('A line for `sh -c`, in place of `command`.'),
    folder: z
      .string()
      .min(1)
      .optional()
      .describe('Where it runs; a path in the installation, or an absolute one. Default: an empty folder.'),
    env: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/), z.string())
      .default({})
      .describe('Environment variables beside PATH, HOME, LANG, LC_ALL, TZ and TMPDIR.'),
    timeout: duration().optional().describe('After that it is killed. Default: limits.timeout.'),
    done: codes().default([0]).describe('Exit codes of success.'),
    wait: codes()
      .default([75])
      .describe('Exit codes that ask for another time; the job loses no attempt. sysexits.h: 75.'),
    hopeless: codes().default([]).describe('Exit codes that no further attempt can help: a dead letter at once.'),
    waitFor: duration().default('5m').describe('How long it is left alone after a code of `wait`.'),
    lines: z.int().min(0).max(500).default(40).describe('Last lines of its output that stay with the job.'),
  }),
  limits: { memory: '512MB', timeout: '1h', silence: '1h', attempts: 3, backoff: { first: '10s', longest: '5m' } },
  // An agent file narrows this to what its command uses: agents/nightly.yaml.
  needs: { exec: ['*'], read: ['.', '/'], write: ['.', '/'], net: ['*'] },
  async run({ settings, folder, exec, summary }) {
    const [command, ...args] = wordsOf(settings);
    const end = await exec(command, args, {
      check: false,
      env: settings.env,
      ...(settings.timeout && { timeout: `${msOf(settings.timeout)}ms` }),
      ...(settings.folder && { cwd: resolve(folder, settings.folder) }),
    });
    const { code, signal, tookMs } = end;
    const output = lastLines([end.stdout, end.stderr].filter(Boolean).join('\n'), settings.lines);
    const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
    summary(`\`${command}\`: ${how} after ${showMs(tookMs)}.\n\n${codeBlock(output)}`);
    if (code !== null && settings.done.includes(code)) return { code, tookMs };
    const why = `${how}: ${lastLines(end.stderr || end.stdout, 3)}`;
    if (code !== null && settings.wait.includes(code))
      throw new RetryLater(why, { after: `${msOf(settings.waitFor)}ms` });
    if (code !== null && settings.hopeless.includes(code)) throw new GiveUp(why);
    throw new Error(why);
  },
});

/** The program and its arguments. */
function wordsOf({
  command,
  args,
  shell,
}: {
  command?: string;
  args: string[];
  shell?: string;
}): [string, ...string[]] {
  if (command !== undefined && shell !== undefined)
    throw new GiveUp('settings say both command and shell: take one out');
  if (command !== undefined) return [command, ...args];
  if (shell === undefined) throw new GiveUp('settings say no command: add command or shell to the agent file');
  return ['sh', '-c', shell, 'sh', ...args];
}
