/** The agents that are under way while processes are killed: one for each way that a job can go. */

/** How a job of each kind has to end when nothing outside interferes; what is interfered with may also end dead, and is told why. */
export const KINDS = {
  quick: { ends: 'done', weight: 30 },
  slow: { ends: 'done', weight: 8 },
  flaky: { ends: 'done', weight: 8 },
  later: { ends: 'done', weight: 5 },
  sender: { ends: 'done', weight: 12 },
  counter: { ends: 'done', weight: 8 },
  effect: { ends: 'done', weight: 22 },
  exits: { ends: 'done', weight: 2 },
  broken: { ends: 'dead', weight: 4 },
  hopeless: { ends: 'dead', weight: 4 },
  hangs: { ends: 'dead', weight: 1 },
} as const;
export type Kind = keyof typeof KINDS;

/** Only other agents give it jobs. */
export const RECEIVER = 'sink';
/** Only its schedule, every second, gives it jobs. */
export const SCHEDULED = 'tick';

/** Written by plugins, beside the store and without it: what was really done. */
export const RUNS_FILE = 'ledger/runs.log';
export const EFFECTS_FILE = 'ledger/effects.log';

/** A line is on disk before its job goes on, so that no kill can take it back. */
const HEAD = `
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin, GiveUp, RetryLater } from 'daruma';
void [GiveUp, RetryLater];
const { O_APPEND, O_CREAT, O_DSYNC, O_WRONLY } = constants;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
function write(folder, file, words) {
  const fd = openSync(join(folder, file), O_APPEND | O_CREAT | O_DSYNC | O_WRONLY, 0o600);
  try { writeSync(fd, words.join(' ') + '\\n'); } finally { closeSync(fd); }
}
`;

const LIMITS = `limits: { attempts: 8, timeout: '5s', backoff: { first: '20ms', longest: '200ms' } },`;

function plugin(body: string, options = LIMITS): string {
  return `${HEAD}
export default definePlugin({
  about: 'One way that a job can go.',
  ${options}
  needs: { write: ['ledger'] },
  async run(context) {
    const { job, folder } = context;
    write(folder, '${RUNS_FILE}', [context.agent, job.id, job.attempt, Date.now()]);
    ${body}
  },
});
`;
}

/** The files of the installation. */
export function pluginFiles(): Record<string, string> {
  const bodies: Record<Kind | 'sink', string> = {
    quick: 'return job.input;',
    slow: 'await sleep(200); return "slow";',
    flaky: 'if (job.attempt <= 2) throw new Error("not yet"); return job.attempt;',
    later: 'if (job.attempt === 1) throw new RetryLater("not now", { after: "50ms" }); return job.attempt;',
    sender: `return await context.send('${RECEIVER}', { from: job.id }, { key: job.id });`,
    counter: 'const n = ((await context.state.get("n")) ?? 0) + 1; await context.state.set("n", n); return n;',
    effect: `
    const { ifUnknown, ms } = job.input;
    const did = [];
    for (const key of ['first', 'second']) {
      // An effect that was skipped gives undefined, which no list of a result can hold.
      did.push((await context.once(key, async () => {
        await sleep(ms);
        write(folder, '${EFFECTS_FILE}', [job.id, key, ifUnknown, job.attempt]);
        await sleep(ms);
        return key;
      }, { ifUnknown })) ?? null);
    }
    return did;`,
    exits: 'if (job.attempt === 1) process.exit(7); return "alive";',
    broken: 'throw new Error("broken for good");',
    hopeless: 'throw new GiveUp("no use");',
    hangs: 'for (;;);',
    sink: 'return job.input;',
  };
  const options: Partial<Record<string, string>> = {
    slow: `${LIMITS} workers: { max: 3 },`,
    effect: `${LIMITS} workers: { max: 2 },`,
    broken: `limits: { attempts: 2, backoff: { first: '20ms' } },`,
    hangs: `limits: { attempts: 2, timeout: '300ms', grace: '100ms', backoff: { first: '20ms' } },`,
  };
  const files = Object.entries(bodies).map(([name, body]) => [`plugins/${name}.ts`, plugin(body, options[name])]);
  files.push([
    `plugins/${SCHEDULED}.ts`,
    plugin('return job.slot;', `schedule: '* * * * * *', catchUp: 'all', overlap: 'queue', ${LIMITS}`),
  ]);
  return Object.fromEntries(files);
}
