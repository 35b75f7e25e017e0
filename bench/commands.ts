/**
 * What the fence of a command costs: `true` from the call to its end, with each fence, in turns. Writes bench/results/commands.json.
 *
 *   npm run build && npx tsx bench/commands.ts [times]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExec } from '../src/gateway/exec/exec.ts';
import type { Exec } from '../src/gateway/exec/ports.ts';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';
import { machineFacts, median } from './machine.ts';

type Figures = Record<string, { median: number; least: number }>;

const TIMES = Number(process.argv[2] ?? 50);
const BWRAP = '/usr/bin/bwrap';
const tenths = (ms: number) => Math.round(ms * 10) / 10;
const isInside = process.argv[3] === 'inside';
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-commands-')));
try {
  const figures = await measure(['none', 'auto']);
  if (isInside) console.log(JSON.stringify(figures));
  else {
    const hidden = ['--dev-bind', '/', '/', '--ro-bind', '/dev/null', BWRAP, '--'];
    const again = [process.execPath, ...process.execArgv, import.meta.filename, `${TIMES}`, 'inside'];
    const withoutBwrap = JSON.parse(execFileSync(BWRAP, [...hidden, ...again], { encoding: 'utf8' })) as Figures;
    const result = { machine: machineFacts(), unit: 'ms', times: TIMES, figures, withoutBwrap };
    writeFileSync(join(import.meta.dirname, 'results/commands.json'), `${JSON.stringify(result, null, 2)}\n`);
    console.table(figures);
    console.table(withoutBwrap);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Of each fence, by the name of the one that is worn; all of them in turns. */
async function measure(modes: readonly ('none' | 'auto')[]): Promise<Figures> {
  const execs: { fence: string; exec: Exec; took: number[] }[] = [];
  for (const mode of modes) {
    const own = join(folder, mode);
    mkdirSync(join(own, 'data/run'), { recursive: true });
    const needs = { time: machineTime, log: silentLog, left() {}, used() {}, brokerBroken() {} };
    const exec = createExec(needs, { folder: own, runFolder: join(own, 'data/run'), fence: mode });
    await exec.start();
    await run(exec, 0);
    execs.push({ fence: (await exec.fence()).fence, exec, took: [] });
  }
  for (let call = 1; call <= TIMES; call++) for (const { exec, took } of execs) took.push(await run(exec, call));
  for (const { exec } of execs) await exec.stop();
  return Object.fromEntries(
    execs.map(({ fence, took }) => {
      return [fence, { median: tenths(median(took)), least: tenths(Math.min(...took)) }];
    }),
  );
}

async function run(exec: Exec, call: number): Promise<number> {
  const begun = performance.now();
  const needs = { exec: ['true'], read: [], write: [] };
  await exec.run({ agent: 'a', job: 'j', attempt: 1, call, command: 'true', args: [], needs });
  return performance.now() - begun;
}
