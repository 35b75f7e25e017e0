import { execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openWorld } from '../world.ts';
import type { FaultName, Found } from './found.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '../../dist/main.js');
const DRILLED_WITHIN_MS = 300_000;

/** `daruma drill` in an installation of its own. */
export async function darumaFaults(faults: readonly FaultName[]): Promise<Record<string, Found>> {
  const world = openWorld('healing');
  const { folder, env } = world;
  try {
    for (const part of ['plugins', 'agents', 'config']) mkdirSync(join(folder, part));
    const host = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    const ended = new Promise((resolve) => host.once('exit', resolve));
    await new Promise((resolve) => host.stdout.once('data', resolve));
    // Its exit code is 1 when a promise was not kept; what it found is printed all the same.
    const { stdout } = await run(process.execPath, [MAIN, 'drill', ...faults, '--json', '--dir', folder], {
      env,
      timeout: DRILLED_WITHIN_MS,
    }).catch((error: { stdout: string }) => error);
    host.kill('SIGTERM');
    await ended;
    const found: Record<string, Found> = {};
    for (const { name, detectMs, repairMs, seen } of JSON.parse(stdout))
      found[name] = { detectMs, repairMs, ...(seen ? { note: seen } : {}) };
    return found;
  } finally {
    world.end();
  }
}
