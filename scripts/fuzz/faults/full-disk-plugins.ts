/** Agents that are at work while the disk fills up, besides those of ../plugins.ts. */

import { RUNS_FILE } from '../plugins.ts';

/** As long as it is not there, the speaker speaks. */
export const QUIET = 'ledger/quiet';
/** The file that tells a sweeper to free the disk. */
export const SWEEP = 'ledger/sweep';
/** How many lines the speaker said so far, in each attempt. */
export const SAID = 'ledger/said.log';

/** The folder of the file that takes the space, which an agent may be allowed to write. */
export const FILLER = 'spare/filler';

export const FULL_FILES: Record<string, string> = {
  // Small files, so that the log is rolled on the full disk too.
  'config/daruma.yaml': 'logs: { maxFile: 1MB, budget: 100MB }\n',
  // At debug level no line is left out as a repeat.
  'agents/speaker.yaml': 'plugin: speaker\nlogs: { level: debug }\n',
  'plugins/speaker.ts': `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin } from 'daruma';
const PADDING = 'x'.repeat(600);
export default definePlugin({
  about: 'Says a numbered line fifty times a second.',
  limits: { timeout: '1h', silence: '5m' },
  needs: { read: ['ledger'], write: ['ledger'] },
  async run({ agent, folder, log, job, beat }) {
    appendFileSync(join(folder, '${RUNS_FILE}'), [agent, job.id, job.attempt, Date.now()].join(' ') + '\\n');
    let said = 0;
    while (!existsSync(join(folder, '${QUIET}'))) {
      log.info('said ' + job.attempt + '/' + ++said + ' ' + PADDING);
      writeFileSync(join(folder, '${SAID}'), job.attempt + ' ' + said);
      beat('speaking');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return said;
  },
});
`,
  'plugins/sweeper.ts': `
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Cleans up: it was at work before the disk was full.',
  limits: { timeout: '5m', silence: '5m' },
  workers: { max: 1 },
  needs: { read: ['ledger'], write: ['ledger', 'spare'] },
  async run({ agent, folder, job }) {
    appendFileSync(join(folder, '${RUNS_FILE}'), [agent, job.id, job.attempt, Date.now()].join(' ') + '\\n');
    const sign = join(folder, '${SWEEP}-' + job.input.round);
    while (!existsSync(sign)) await new Promise((resolve) => setTimeout(resolve, 20));
    rmSync(join(folder, '${FILLER}'), { force: true });
    return job.attempt;
  },
});
`,
};
