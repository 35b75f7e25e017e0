import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import { kindOfPluginPath, PLUGIN_ENDINGS } from '../../catalog/files/names.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import { machineTime } from '../../kernel/time.ts';
import { openConfigFiles } from '../config/files.ts';
import type { ConfigInUse } from '../config/in-use.ts';
import { mayBeSettings, readConfig, withChanges } from '../config/read.ts';
import { VERSION } from '../facts.ts';
import { type Host, startHost } from '../host.ts';
import { backLine, banner, firstWords, problemLines, readyLine } from './banner.ts';
import { configPlace, writeErr, writeOut } from './console.ts';
import { type Ending, explainStartError } from './exits.ts';
import type { Outside, Watched } from './outside.ts';

/** The hosts of one process, one after the other: each ends so that the next begins with other settings, but for the last. */
interface Lives {
  /** Runs hosts. Resolves with the end of the last one; rejects with why a host could not start. */
  run(): Promise<Ending>;
  /** A signal asks the host to end; it may come while a host starts again. */
  end(signal: NodeJS.Signals): void;
  /** The host that works now. */
  working(): Host | undefined;
}

interface LivesNeeds {
  folder: string;
  /** Print a line of JSON instead of the banner. */
  json: boolean;
  outside: Outside;
}

/** A start that takes longer (plugins are compiled for the first time) says what it is doing. */
const PATIENCE_MS = 500;
/** The banner waits so long for the page. */
const PAGE_WITHIN_MS = 2_000;
/** After being asked to stop this long, the process is ended the hard way: a thread that hangs in native code would hold it for ever. */
const LAST_DEADLINE_MS = 20_000;

export function createLives({ folder, json, outside }: LivesNeeds): Lives {
  const files = openConfigFiles(folder);
  let asked: Ending | undefined;
  let life: { end(ending: Ending): void; host?: Host } | undefined;

  /** A life, from the reading of the settings to the host's end. */
  async function live(watched: Watched, isFirst: boolean): Promise<Ending> {
    const begun = performance.now();
    if (asked) return asked;
    const ended = Promise.withResolvers<Ending>();
    life = { end: ended.resolve };
    const unattended = !isFirst || watched.restart || watched.by === 'systemd';
    const config = readConfig(files, { unattended, now: machineTime.now() });
    const { settings } = config;
    outside.deadMan(settings.alerts.deadman ?? null);
    config.onLive(() => outside.deadMan(settings.alerts.deadman ?? null));
    const deadline = setTimeout(() => {
      if (!json && !watched.restart) writeOut(firstWords(folderSummary(folder, config.settings)));
    }, PATIENCE_MS);
    const start = startWith(watched, ended.resolve);
    const host = await comeUp(config, start, { folder, unattended }).finally(() => clearTimeout(deadline));
    life.host = host;
    await printBanner(host, performance.now() - begun, watched, isFirst);
    const ending = await ended.promise;
    await leave(host, ending);
    life = undefined;
    return ending;
  }

  function startWith(watched: Watched, end: (ending: Ending) => void) {
    return (config: ConfigInUse) =>
      startHost({
        folder,
        config,
        watched,
        loops: outside.loops,
        ...(json ? {} : { say: writeOut }),
        ending: (why, failed, again = false) => end({ why, failed, again }),
        gone: (final) => end({ why: final.message, failed: true, again: false, final }),
      });
  }

  async function printBanner(host: Host, tookMs: number, { restart }: Watched, isFirst: boolean) {
    const { hostContext } = host;
    outside.ready(`${hostContext.catalog.agents().size} agents`, hostContext.journal.child('host'));
    // A person who started the host wants to know where the page is.
    if (!json && !restart) await hostContext.web.settled(PAGE_WITHIN_MS);
    if (!json) writeOut(restart ? backLine(hostContext, tookMs) : banner(hostContext, tookMs, configPlace(folder)));
    else if (isFirst) process.stdout.write(`${JSON.stringify(readyLine(host))}\n`);
  }

  async function leave(host: Host, { why, failed, again, final, signal }: Ending) {
    if (final) outside.final(final);
    if (!again) {
      outside.stopping(!failed && signal === undefined);
      process.on('SIGINT', () => process.kill(process.pid, 'SIGKILL'));
    }
    const byKeys = outside.watched.by === 'systemd' ? '' : ', Ctrl-C again ends them';
    if (!json && again) writeErr(`  the host starts again: ${why}`);
    else if (final) writeErr(problemLines(final).join('\n'));
    else if (!json) writeErr(failed ? `✗ ${why}` : `  stopping (${why}): running jobs are finished first${byKeys}`);
    const deadline = setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_DEADLINE_MS).unref();
    // The host does not wait for jobs whose end cannot be kept; and a host that has said why it ends was not lost.
    await (final ? host.stop(false, 0) : host.stop(failed));
    if (again) clearTimeout(deadline);
  }

  return {
    async run() {
      const { watched } = outside;
      let ending = await live(watched, true);
      // The first host has reported the hosts that were lost before it.
      const anew: Watched = { ...watched, restart: true, isFirstStart: false, lost: [] };
      while (ending.again) ending = await live(anew, false);
      return ending;
    },
    end(signal) {
      asked = { why: signal, failed: false, again: false, signal };
      life?.end(asked);
    },
    working: () => life?.host,
  };
}

/**
 * Starts a host. A host that cannot start with settings on probation, when no person is there to mend them, starts with those
 * that last worked; if it cannot do that either, the settings are not to blame.
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

/** Plugins and places of the folder, for a start that takes long. */
function folderSummary(folder: string, settings: HostSettings) {
  const at = join(folder, 'plugins');
  const names = existsSync(at) ? readdirSync(at) : [];
  const indexes = names.flatMap((name) => PLUGIN_ENDINGS.map((ending) => `${name}/index${ending}`));
  const plugins = [...names, ...indexes.filter((path) => existsSync(join(at, path)))]
    .map(kindOfPluginPath)
    .flatMap((kind) => (kind.is === 'plugin' ? kind.name : []));
  return {
    folder,
    version: VERSION,
    plugins: [...new Set(plugins)].sort(),
    store: settings.store.file,
    logs: settings.logs.folder,
    config: configPlace(folder),
  };
}

/** The fault of {@link explainStartError}, to be thrown; undefined for a mistake of ours. */
function asStartFault(error: unknown, folder: string): Fault | undefined {
  if (error instanceof Fault) return error;
  const fault = explainStartError(error, folder);
  return fault.code === toPlainFault(error).code ? undefined : new Fault(fault, { cause: error });
}
