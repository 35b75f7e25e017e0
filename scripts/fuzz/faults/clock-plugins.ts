import { parseCron } from '../../../src/kernel/cron/fields.ts';
import { nextAfter } from '../../../src/kernel/cron/next.ts';
import { RUNS_FILE } from '../plugins.ts';

/**
 * The slots of the agent are compared one by one. The agent of each second keeps the schedule awake; its long
 * absences are one line each.
 */
export const SCHEDULES = {
  five: { expression: '*/5 * * * *', timezone: 'UTC' },
  hourly: { expression: '15 * * * *', timezone: 'America/New_York' },
  daily: { expression: '30 2 * * *', timezone: 'Europe/Berlin' },
} as const;

const NOTE = `
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin } from 'daruma';
const note = (folder, words) => appendFileSync(join(folder, '${RUNS_FILE}'), words.join(' ') + '\\n');
`;
const plugin = (options: string, body = '') => `${NOTE}
export default definePlugin({
  about: 'Notes that it runs.',
  needs: { write: ['ledger'] },
  ${options}
  async run({ agent, job, folder, beat }) {
    note(folder, [agent, job.id, job.attempt, Date.now()]);
    ${body}
    return job.slot;
  },
});
`;

/** The files of the installation. */
export const CLOCK_FILES: Record<string, string> = {
  'plugins/asked.ts': plugin(''),
  // Jobs come one after the other, so that some of them wait through a jump.
  'plugins/queued.ts': plugin('workers: { max: 1 },', 'await new Promise((resolve) => setTimeout(resolve, 1_000));'),
  'plugins/tick.ts': plugin(`schedule: '* * * * * *', overlap: 'queue',`),
  // The jumps fall into its lease, its timeout, its silence.
  'plugins/working.ts': plugin(
    `limits: { timeout: '30s', silence: '2s', attempts: 5 },`,
    'for (let n = 0; n < 16; n++) { beat("at work"); await new Promise((resolve) => setTimeout(resolve, 250)); }',
  ),
  ...Object.fromEntries(
    Object.entries(SCHEDULES).map(([name, { expression, timezone }]) => [
      `plugins/${name}.ts`,
      plugin(`schedule: '${expression}', timezone: '${timezone}', overlap: 'queue',`),
    ]),
  ),
};

/** Every time of the schedule after `from`, up to and with `to`. */
export function timesBetween(
  { expression, timezone }: { expression: string; timezone: string },
  from: number,
  to: number,
) {
  const fields = parseCron(expression);
  const times: number[] = [];
  for (let at = nextAfter(fields, timezone, from); at !== undefined && at <= to; at = nextAfter(fields, timezone, at))
    times.push(at);
  return times;
}
