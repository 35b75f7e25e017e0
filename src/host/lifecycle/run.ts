import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { hardenProcess } from '../../fence/status.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import { refusedFolderName } from '../../kernel/paths.ts';
import { EXIT_SIGNALLED } from '../../kernel/pulse.ts';
import { machineTime, settleMachineZone } from '../../kernel/time.ts';
import { refuseHalfRestored } from '../backup/restored.ts';
import { writeErr, writeStartError } from './console.ts';
import { exitAfterWork, exitOfRefused, explainStartError } from './exits.ts';
import { createLives } from './lives.ts';
import { type Outside, openOutside } from './outside.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Runs a host in this process until it is asked to stop (SIGTERM, SIGINT, SIGHUP, `daruma stop`). Resolves with the exit
 * code: 0 stopped as asked, 1 the host could not start or go on, 78 a person has to mend something; {@link exitAfterWork}
 * has those for systemd. Prints the banner (or, with `json`, one line of JSON) once the host works.
 */
export async function runHost(options: { folder: string; json?: boolean; safe?: boolean }): Promise<number> {
  const { folder, json = false } = options;
  hardenProcess();
  settleMachineZone();
  const outside = await openOutside(options);
  const lives = createLives({ folder, json, outside });
  const leaving = new AbortController();
  const release = holdProcess(
    (signal) => {
      // To a service the signal says "read your settings again", which a host does by itself; elsewhere its terminal is gone.
      if (signal === 'SIGHUP' && outside.watched.by === 'systemd') return;
      lives.end(signal);
      leaving.abort();
    },
    (error) =>
      lives
        .working()
        ?.hostContext.journal.child('host')
        .error('uncaught', { fault: toPlainFault(error) }),
  );
  try {
    ensureInstallation(folder);
    return exitAfterWork(await lives.run(), outside.watched.by);
  } catch (error) {
    const code = await refuse(error, { folder, json, outside, signal: leaving.signal });
    if (!leaving.signal.aborted) return code;
    return outside.watched.by === 'guardian' ? EXIT_SIGNALLED : 0;
  } finally {
    await outside.close();
    release();
  }
}

/**
 * Takes the signals and the uncaught errors of this process: no code of a host may throw outside of a promise that is awaited.
 * If an error gets here, the state in memory is not to be trusted: the process is killed, what is on disk stays, and the
 * parent starts anew. Returns what lets go of all of it.
 */
function holdProcess(onSignal: (signal: NodeJS.Signals) => void, record: (error: unknown) => void): () => void {
  const onUncaught = (error: unknown) => {
    writeErr(`✗ the host failed: ${toPlainFault(error).stack ?? toPlainFault(error).message}`);
    try {
      record(error);
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // A pipe that closes must not end the host.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('uncaughtException', onUncaught);
    process.off('unhandledRejection', onUncaught);
  };
}

/** Says why no host could start, and waits as long as systemd is to be kept from the next try. Resolves with the exit code. */
async function refuse(
  error: unknown,
  { folder, json, outside, signal }: { folder: string; json: boolean; outside: Outside; signal: AbortSignal },
): Promise<number> {
  const fault = explainStartError(error, folder);
  // An error without words of ours is a mistake of ours: another start may do better.
  const isRefused = error instanceof Fault || fault.code !== toPlainFault(error).code;
  const { code, waitMs } = isRefused ? exitOfRefused(fault, outside.watched.by) : { code: 1, waitMs: 0 };
  if (isRefused) outside.refused(fault, waitMs);
  writeStartError(fault, json);
  await machineTime.sleep(waitMs, signal).catch(() => {});
  return code;
}

function ensureInstallation(folder: string) {
  const refused = refusedFolderName(existsSync(folder) ? realpathSync(folder) : folder);
  if (refused) throw new Fault(refused);
  refuseHalfRestored(folder);
  if (existsSync(join(folder, 'plugins')) || existsSync(join(folder, 'config/daruma.yaml'))) return;
  throw new Fault({
    code: 'NO_INSTALLATION',
    message: `${folder} has neither plugins/ nor config/daruma.yaml`,
    next: 'daruma init my-ops makes a new one; --dir names another one',
  });
}
