import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { refusedFolderName } from '../../kernel/paths.ts';
import { machineTime, settleMachineZone } from '../../kernel/time.ts';
import { refuseHalfRestored } from '../backup/restored.ts';
import { openConfigFiles } from '../config/files.ts';
import type { ConfigInUse } from '../config/in-use.ts';
import { mayBeSettings, readConfig, withChanges } from '../config/read.ts';
import { startHost } from '../host.ts';
import type { Host } from '../ports.ts';
import { backLine, banner, firstWords, problemLines } from './banner.ts';
import { exitAfterWork, exitOfRefused } from './exits.ts';
import { openOutside } from './outside.ts';
import {
  asStartFault,
  configPlace,
  explainStartError,
  folderSummary,
  readyLine,
  writeErr,
  writeOut,
  writeStartError,
} from './run-words.ts';
import type { Watched } from './watched.ts';

/** A start that takes longer (plugins are compiled for the first time) says what it is doing. */
const PATIENCE_MS = 500;
/** After being asked to stop this long, the process is ended the hard way: a thread that hangs in native code would hold it for ever. */
const LAST_DEADLINE_MS = 20_000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Why a host ends. `again`: it starts anew in this process, because other settings are to be in force. */
interface Ending {
  why: string;
  failed: boolean;
  again: boolean;
  /** The one that asked for it. */
  signal?: NodeJS.Signals;
  /** What it stood on is gone. */
  final?: PlainFault;
}

/**
 * Runs a host in this process until it is asked to stop (SIGTERM, SIGINT, SIGHUP, `daruma stop`). Resolves with the exit
 * code: 0 stopped as asked, 1 it could not start or go on, 78 a person has to mend it; {@link exitAfterWork} has those for systemd. Prints the banner
 * (or, with `json`, one line of JSON) once it works.
 */
export async function runHost(options: { folder: string; json?: boolean; safe?: boolean }): Promise<number> {
  const { folder, json = false } = options;
  settleMachineZone();
  const outside = await openOutside(options);
  const { watched, loops } = outside;
  let host: Host | undefined;
  let asked: Ending | undefined;
  let end: (ending: Ending) => void = () => {};
  const leaving = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    // To a service it says "read your settings again", which a host does by itself; elsewhere its terminal is gone.
    if (signal === 'SIGHUP' && watched.by === 'systemd') return;
    // It may come while the host starts again.
    asked = { why: signal, failed: false, again: false, signal };
    end(asked);
    leaving.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // A pipe that closes must not end the host.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  // Nothing of the host may throw outside of a promise that somebody holds. If it happens all the same, the state in
  // memory is not to be trusted: leave what is on disk and let the parent start anew.
  const onUncaught = (error: unknown) => {
    writeErr(`✗ the host failed: ${toPlainFault(error).stack ?? toPlainFault(error).message}`);
    try {
      host?.hostContext.journal.room('host').error('uncaught', { fault: toPlainFault(error) });
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);

  const files = openConfigFiles(folder);

  /** One life of a host, from the reading of its settings to its end. */
  async function live(watched: Watched, isFirst: boolean): Promise<Ending> {
    const begun = performance.now();
    const ended = Promise.withResolvers<Ending>();
    end = ended.resolve;
    if (asked) return asked;
    const unattended = !isFirst || watched.restart || watched.by === 'systemd';
    const config = readConfig(files, { unattended, now: machineTime.now() });
    const patience = setTimeout(() => {
      if (!json && !watched.restart) writeOut(firstWords(folderSummary(folder, config.settings)));
    }, PATIENCE_MS);
    const start = (config: ConfigInUse) =>
      startHost({
        folder,
        config,
        watched,
        loops,
        ending: (why, failed, again = false) => ended.resolve({ why, failed, again }),
        gone: (final) => ended.resolve({ why: final.message, failed: true, again: false, final }),
      });
    host = await comeUp(config, start, { folder, unattended }).finally(() => clearTimeout(patience));
    const { hostContext } = host;
    const tookMs = performance.now() - begun;
    outside.ready(`${hostContext.catalog.agents().size} agents`, hostContext.journal.room('host'));
    if (!json)
      writeOut(watched.restart ? backLine(hostContext, tookMs) : banner(hostContext, tookMs, configPlace(folder)));
    else if (isFirst) process.stdout.write(`${JSON.stringify(readyLine(host))}\n`);
    const ending = await ended.promise;
    await leave(host, ending);
    host = undefined;
    return ending;
  }

  async function leave(host: Host, { why, failed, again, final }: Ending) {
    if (final) outside.final(final);
    if (!again) {
      outside.stopping();
      process.on('SIGINT', () => process.kill(process.pid, 'SIGKILL'));
    }
    const byKeys = watched.by === 'systemd' ? '' : ', Ctrl-C again ends them';
    if (!json && again) writeErr(`  the host starts again: ${why}`);
    else if (final) writeErr(problemLines(final).join('\n'));
    else if (!json) writeErr(failed ? `✗ ${why}` : `  stopping (${why}): running jobs are finished first${byKeys}`);
    const deadline = setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_DEADLINE_MS).unref();
    // What nobody can keep is not waited for; and a host that has told why it ends is not one that was lost.
    await (final ? host.stop(false, 0) : host.stop(failed));
    if (again) clearTimeout(deadline);
  }

  try {
    ensureInstallation(folder);
    let ending = await live(watched, true);
    // Whoever was lost before it has been told of.
    const anew: Watched = { ...watched, restart: true, afresh: false, lost: [] };
    while (ending.again) ending = await live(anew, false);
    const { failed, signal, final } = ending;
    return exitAfterWork({ failed, signal, final }, watched.by);
  } catch (error) {
    const fault = explainStartError(error, folder);
    // What is not told in our own words is a mistake of ours: another start may do better.
    const isRefused = error instanceof Fault || fault.code !== toPlainFault(error).code;
    const { code, waitMs } = isRefused ? exitOfRefused(fault, watched.by) : { code: 1, waitMs: 0 };
    if (isRefused) outside.refused(fault, waitMs);
    writeStartError(fault, json);
    await machineTime.sleep(waitMs, leaving.signal).catch(() => {});
    return leaving.signal.aborted ? 0 : code;
  } finally {
    await outside.close();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('uncaughtException', onUncaught);
    process.off('unhandledRejection', onUncaught);
  }
}

/**
 * Starts a host. A host that cannot start with settings on probation, when nobody is there to mend them, starts with those that
 * last worked; if it cannot do that either, the settings are not to blame.
 */
async function comeUp(
  config: ConfigInUse,
  start: (config: ConfigInUse) => Promise<Host>,
  { folder, unattended }: { folder: string; unattended: boolean },
): Promise<Host> {
  try {
    return await start(config);
  } catch (error) {
    if (!mayBeSettings(error)) throw error;
    const why = `the host cannot start: ${toPlainFault(error).message}`;
    const good = unattended ? config.without(why, machineTime.now()) : undefined;
    if (!good) {
      const fault = asStartFault(error, folder);
      throw fault ? withChanges(fault, config) : error;
    }
    writeErr(`✗ ${why}`);
    return start(good).catch(() => {
      throw error;
    });
  }
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
