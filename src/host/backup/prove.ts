import { type ChildProcess, execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VerifiedView } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { MB, MINUTE_MS } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import { movedBytes } from '../../kernel/proc.ts';
import { machineTime } from '../../kernel/time.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { BackupProof } from '../../plugin/fleet.ts';
import { placeForAgent } from './copy-place.ts';
import { passphraseEnv } from './decrypt.ts';

/** Unpacking goes on in `data/run`, on the disk of the store: the machine's folder for temporary files may lie in memory. */
const FOLDER = 'data/run';
const MINE = 'proving-';
const BOUNDS = { lookMs: 5_000, stallMs: 15 * MINUTE_MS, unaskedMs: MINUTE_MS };

/** The answer to one question for a proof: the proof, or a sign that it goes on, in words; then the same is to be asked again. */
type ProofTurn = BackupProof | { proving: string };

/**
 * Proves archives that agents have made where they may write, each in a process of its own that runs `daruma backup verify`: an archive
 * comes from an agent, and a store of gigabytes takes its time. Neither is for the host's own process.
 */
export interface Proofs {
  /**
   * Begins the proof of a file for an attempt (`who` names it), or goes on with it. Resolves as soon as the process has read or written more, or has ended;
   * a process that stands still for 15 minutes, or that nobody asks about for one, is ended. Rejects with the fault of the command, with
   * that of {@link placeForAgent}, or with `BACKUP_UNPROVEN`.
   */
  prove(file: string, by: Pick<Agent, 'name' | 'needs'>, who: string): Promise<ProofTurn>;
  /** Ends the processes. */
  stop(): void;
}

/** A proof that is under way. */
interface Proving {
  child: ChildProcess;
  ended: Promise<BackupProof>;
  sign: number | undefined;
  movedAt: number;
  cancelEnd(): void;
}

/** `folder`: the installation. */
export function createProofs(folder: string, bounds: Partial<typeof BOUNDS> = {}): Proofs {
  const { lookMs, stallMs, unaskedMs } = { ...BOUNDS, ...bounds };
  const run = join(folder, FOLDER);
  const time = machineTime;
  const stopping = new AbortController();
  const underWay = new Map<string, Promise<Proving>>();

  async function begin(file: string): Promise<Proving> {
    const own = join(run, `${MINE}${process.pid}-${randomUUID()}`);
    await clearOld(run);
    await mkdir(own, { recursive: true, mode: 0o700 });
    const { child, answer } = verify(file, { folder, own, signal: stopping.signal });
    const ended = answer.finally(() => rm(own, { recursive: true, force: true }));
    ended.catch(() => {});
    return { child, ended, sign: undefined, movedAt: time.monotonic(), cancelEnd() {} };
  }

  /** Until there is something to tell. */
  async function turn({ file, key, one }: { file: string; key: string; one: Proving }): Promise<ProofTurn> {
    one.cancelEnd();
    for (;;) {
      const cancel = new AbortController();
      const look = time.sleep(lookMs, cancel.signal).catch(() => undefined);
      const ended = await Promise.race([one.ended, look]).finally(() => cancel.abort());
      if (ended) return ended;
      const sign = movedBytes(one.child.pid!);
      const now = time.monotonic();
      if (sign === undefined || sign !== one.sign) {
        Object.assign(one, { sign, movedAt: now });
        one.cancelEnd = time.after(unaskedMs, () => {
          one.child.kill('SIGKILL');
          underWay.delete(key);
        });
        return { proving: `proving it: ${formatSize(sign ?? 0)} read and written` };
      }
      if (now - one.movedAt < stallMs) continue;
      one.child.kill('SIGKILL');
      await one.ended.catch(() => {});
      throw new Fault(unproven(file, `its proof stood still for ${formatDuration(stallMs)}`));
    }
  }

  return {
    async prove(file, by, who) {
      const place = placeForAgent(file, by, folder);
      const key = `${who} ${place}`;
      const proving = underWay.get(key) ?? begin(place);
      underWay.set(key, proving);
      try {
        const answer = await turn({ file: place, key, one: await proving });
        if (!('proving' in answer)) underWay.delete(key);
        return answer;
      } catch (error) {
        underWay.delete(key);
        throw error;
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

function verify(file: string, { folder, own, signal }: VerifyTerms) {
  const args = [fileURLToPath(entryFile('main.js')), 'backup', 'verify', file, '--dir', folder, '--json'];
  const env = { TMPDIR: own, TZ: process.env.TZ, ...passphraseEnv(process.env) };
  const options = { cwd: own, env, signal, killSignal: 'SIGKILL', maxBuffer: 8 * MB } as const;
  const { promise: answer, resolve, reject } = Promise.withResolvers<BackupProof>();
  const child = execFile(process.execPath, ['--no-warnings', ...args], options, (failed, stdout, stderr) => {
    const said = parsed(stdout);
    if (!failed && said) resolve(proofIn(said as unknown as VerifiedView));
    else reject(new Fault((said?.error as PlainFault | undefined) ?? unproven(file, whyFailed(failed, stderr))));
  });
  return { child, answer };
}

function proofIn({ jobs, entries, bytes, storeHash, agents }: VerifiedView): BackupProof {
  return { jobs, entries, bytes, storeHash, agents };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function whyFailed(failed: Error | null, stderr: string): string {
  return stderr.trim().split('\n')[0] || failed?.message || 'it said nothing';
}

function unproven(file: string, why: string): PlainFault {
  return {
    code: 'BACKUP_UNPROVEN',
    message: `${file} could not be proved: ${why}`,
    next: `daruma backup verify ${file}`,
    file,
  };
}
