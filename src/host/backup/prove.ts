import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VerifiedView } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { HOUR_MS, MB } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { BackupProof } from '../../plugin/fleet.ts';
import { placeForAgent } from './copy-place.ts';

/** Unpacking goes on in `data/run`, on the disk of the store: the machine's folder for temporary files may lie in memory. */
const FOLDER = 'data/run';
const MINE = 'proving-';

/**
 * Proves archives that agents have made where they may write, each in a process of its own that runs `daruma backup verify`: an archive
 * comes from an agent, and a store of gigabytes takes its time. Neither is for the host's own process.
 */
export interface Proofs {
  /** Rejects with the fault of the command, with that of {@link placeForAgent}, or with `BACKUP_UNPROVEN`. */
  prove(file: string, by: Pick<Agent, 'name' | 'needs'>): Promise<BackupProof>;
  /** Ends the processes. */
  stop(): void;
}

/** `folder`: the installation. */
export function createProofs(folder: string): Proofs {
  const run = join(folder, FOLDER);
  const stopping = new AbortController();
  return {
    async prove(file, by) {
      const place = placeForAgent(file, by, folder);
      const own = join(run, `${MINE}${process.pid}-${randomUUID()}`);
      await clearOld(run);
      await mkdir(own, { recursive: true, mode: 0o700 });
      try {
        const { jobs, entries, bytes, storeHash, agents } = await verify(place, {
          folder,
          own,
          signal: stopping.signal,
        });
        return { jobs, entries, bytes, storeHash, agents };
      } finally {
        await rm(own, { recursive: true, force: true });
      }
    },
    stop: () => stopping.abort(),
  };
}

/** Folders of hosts that were killed. */
async function clearOld(run: string): Promise<void> {
  const names = await readdir(run).catch(() => []);
  const old = names.filter((name) => name.startsWith(MINE) && !name.startsWith(`${MINE}${process.pid}-`));
  await Promise.all(old.map((name) => rm(join(run, name), { recursive: true, force: true })));
}

interface VerifyTerms {
  folder: string;
  /** The folder of this proof. */
  own: string;
  signal: AbortSignal;
}

function verify(file: string, { folder, own, signal }: VerifyTerms): Promise<VerifiedView> {
  const args = [fileURLToPath(entryFile('main.js')), 'backup', 'verify', file, '--dir', folder, '--json'];
  const env = { TMPDIR: own, TZ: process.env.TZ };
  const options = { cwd: own, env, signal, killSignal: 'SIGKILL', timeout: HOUR_MS, maxBuffer: 8 * MB } as const;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--no-warnings', ...args], options, (failed, stdout, stderr) => {
      const answer = parsed(stdout);
      if (!failed && answer) resolve(answer as unknown as VerifiedView);
      else reject(new Fault((answer?.error as PlainFault | undefined) ?? unproven(file, failed, stderr)));
    });
  });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function unproven(file: string, failed: Error | null, stderr: string): PlainFault {
  const why = stderr.trim().split('\n')[0] || failed?.message || 'it said nothing';
  return {
    code: 'BACKUP_UNPROVEN',
    message: `${file} could not be proved: ${why}`,
    next: `daruma backup verify ${file}`,
    file,
  };
}
