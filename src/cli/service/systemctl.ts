import { type ExecFileOptions, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { UnitOwner, UnitPlace } from './place.ts';

interface SystemctlResult {
  code: number;
  /** stdout and stderr, as they came. */
  said: string;
}

const WITHIN_MS = 90_000;

/** True when systemd runs this machine: in most containers it is not. */
export function systemdRuns(): boolean {
  return existsSync('/run/systemd/system');
}

/** `systemctl` for the unit's own systemd. A program that is not there is code 127. */
export function systemctl({ ofUser }: Pick<UnitPlace, 'ofUser'>, ...args: string[]): Promise<SystemctlResult> {
  return run('systemctl', [...(ofUser ? ['--user'] : []), ...args]);
}

/** The lines of `systemd-analyze verify` about a unit file; undefined where it cannot look. */
export async function complaints({ file, ofUser }: Pick<UnitPlace, 'file' | 'ofUser'>): Promise<string[] | undefined> {
  const { code, said } = await run('systemd-analyze', [...(ofUser ? ['--user'] : []), 'verify', file]);
  if (code === 127 || said.includes('Failed to initialize manager')) return undefined;
  const name = file.split('/').at(-1)!;
  // `systemd-analyze` reads every unit that this unit names; complaints about others are left out.
  const own = said.split('\n').filter((line) => line.includes(name));
  return code === 0 || own.length > 0 ? own : said.split('\n').filter(Boolean);
}

/**
 * Why the owner's processes could not run Daruma, in the system's words; undefined when they can, or when only root could try.
 */
export async function whyNotFor({ uid, gid }: UnitOwner, node: string, main: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || uid === 0) return undefined;
  const { code, said } = await run(node, [main, '--version'], { uid, gid, cwd: '/' });
  return code === 0
    ? undefined
    : (said.match(/^.*\b(EACCES|EPERM|Cannot find|not permitted).*$/m)?.[0] ?? said.trim().split('\n')[0]);
}

function run(program: string, args: string[], as: ExecFileOptions = {}): Promise<SystemctlResult> {
  return new Promise((resolve) => {
    execFile(program, args, { ...as, timeout: WITHIN_MS, encoding: 'utf8' }, (error, stdout, stderr) => {
      const failed = error as (NodeJS.ErrnoException & { code?: number | string }) | null;
      const code = failed?.code === 'ENOENT' ? 127 : typeof failed?.code === 'number' ? failed.code : failed ? 1 : 0;
      resolve({ code, said: `${stdout}${stderr}` || (failed?.message ?? '') });
    });
  });
}
