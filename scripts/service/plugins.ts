/** Agents for the trial of a service: each shows one thing that a unit could break. */

const HEAD = `
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin } from 'daruma';
void [appendFileSync, readFileSync, writeFileSync, join];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

function plugin(about: string, options: string, body: string): string {
  return `${HEAD}
export default definePlugin({
  about: '${about}',
  ${options}
  async run(context) {
    const { folder, job, beat } = context;
    ${body}
  },
});
`;
}

/** The files of the trial's agents; `outside` is a folder beside the installation, `secret` a name. */
export function pluginFiles(outside: string, secret: string): Record<string, string> {
  return {
    'plugins/tick.ts': plugin(
      'Leaves a line each second.',
      `schedule: '* * * * * *', catchUp: 'all', overlap: 'queue', needs: { write: ['seen'] },`,
      `appendFileSync(join(folder, 'seen/tick.log'), Date.now() + '\\n');`,
    ),
    'plugins/slow.ts': plugin(
      'Takes as long as it is told.',
      `limits: { attempts: 5, timeout: '5m' },`,
      `for (const end = Date.now() + job.input.ms; Date.now() < end; ) { beat(); await sleep(50); }
    return { attempt: job.attempt };`,
    ),
    'plugins/command.ts': plugin(
      'Runs a shell command.',
      `limits: { attempts: 5, timeout: '5m', silence: '5m' }, needs: { exec: ['sh'] },`,
      `return await context.exec('sh', ['-c', job.input.line], { check: false });`,
    ),
    'plugins/secretive.ts': plugin(
      'Has a secret.',
      `limits: { attempts: 1 }, needs: { secrets: ['${secret}'] },`,
      `return { letters: context.secrets.${secret}.length };`,
    ),
    'plugins/outside.ts': plugin(
      'Writes beside the installation.',
      `limits: { attempts: 1 }, needs: { write: ['${outside}'] },`,
      `writeFileSync('${outside}/file', 'x');`,
    ),
    'plugins/hog.ts': plugin(
      'Takes memory as fast as it can.',
      `limits: { attempts: 2, memory: '8GB' }, isolation: 'own',`,
      `if (job.attempt > 1) return 'modest';
    const kept = [];
    for (;;) { kept.push(Buffer.alloc(8_000_000, 1)); beat(); await sleep(1); }`,
    ),
  };
}
