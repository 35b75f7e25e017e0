import { existsSync, readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import type { HostSettings } from '../catalog/host-settings.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { backLine, banner, firstWords, problemLines } from './banner.ts';
import { readConfig } from './config-trial.ts';
import { type Host, startHost, VERSION } from './host.ts';
import { openOutside } from './outside.ts';
import { PROVEN_MS } from './starts.ts';
import { iso } from './views.ts';

/** A start that takes longer (plugins are compiled for the first time) says what it is doing. */
const PATIENCE_MS = 500;
/** After being asked to stop this long, the process is ended the hard way: a thread that hangs in native code would hold it for ever. */
const LAST_DEADLINE_MS = 20_000;

/**
 * Runs a host in this process until it is asked to stop (SIGTERM, SIGINT, `daruma stop`). Resolves with the exit code:
 * 0 stopped as asked, 1 it could not start or go on. Prints the banner (or, with `json`, one line of JSON) once it works.
 */
export async function runHost(options: { folder: string; json?: boolean; safe?: boolean }): Promise<number> {
  const begun = performance.now();
  const { json = false } = options;
  const outside = await openOutside(options);
  const { watched, loops } = outside;
  let host: Host | undefined;
  let end: (reason: { why: string; failed: boolean }) => void = () => {};
  const ended = new Promise<{ why: string; failed: boolean }>((resolve) => {
    end = resolve;
  });
  const onSignal = (signal: NodeJS.Signals) => end({ why: signal, failed: false });
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // A pipe that closes must not end the host.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  // Nothing of the host may throw outside of a promise that somebody holds. If it happens all the same, the state in
  // memory is not to be trusted: leave what is on disk and let the parent start anew.
  const onUncaught = (error: unknown) => {
    say(`✗ the host failed: ${toPlainFault(error).stack ?? toPlainFault(error).message}`);
    try {
      host?.house.journal.room('host').error('uncaught', { fault: toPlainFault(error) });
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);

  try {
    ensureInstallation(options.folder);
    const { settings, origins, concern, proven } = readConfig(
      options.folder,
      watched.restart || watched.by === 'systemd',
    );
    const patience = setTimeout(() => {
      if (!json && !watched.restart) process.stdout.write(`${firstWords(lookAround(options.folder, settings))}\n`);
    }, PATIENCE_MS);
    host = await startHost({
      folder: options.folder,
      settings,
      origins,
      watched: { ...watched, concern: () => [...watched.concern(), ...concern] },
      loops,
      ending: (why, failed) => end({ why, failed }),
    }).finally(() => clearTimeout(patience));
    const { house } = host;
    const tookMs = performance.now() - begun;
    outside.ready(`${house.catalog.agents().size} agents`, house.journal.room('host'));
    if (json) process.stdout.write(`${JSON.stringify(ready(host))}\n`);
    else process.stdout.write(`${watched.restart ? backLine(house, tookMs) : banner(house, tookMs)}\n`);
    setTimeout(proven, PROVEN_MS).unref();
    const { why, failed } = await ended;
    outside.stopping();
    process.on('SIGINT', () => process.kill(process.pid, 'SIGKILL'));
    if (!json)
      say(failed ? `✗ ${why}` : `  stopping (${why}): running jobs are finished first, Ctrl-C again ends them`);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_DEADLINE_MS).unref();
    await host.stop(failed);
    return failed ? 1 : 0;
  } catch (error) {
    const fault = explain(error, options.folder);
    // What is not told in our own words is a mistake of ours: another start may do better.
    if (error instanceof Fault || fault.code !== toPlainFault(error).code) outside.refused(fault);
    tell(fault, json);
    return 1;
  } finally {
    await outside.close();
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    process.off('uncaughtException', onUncaught);
    process.off('unhandledRejection', onUncaught);
  }
}

function ready({ house }: Host) {
  const { facts, catalog } = house;
  return {
    pid: facts.pid,
    version: facts.version,
    startedAt: iso(facts.startedAt),
    folder: facts.folder,
    socket: facts.socket,
    store: facts.storeFile,
    logs: facts.logFolder,
    agents: [...catalog.agents().keys()].sort(),
    problems: catalog.problems(),
  };
}

function lookAround(folder: string, settings: HostSettings) {
  const names = existsSync(join(folder, 'plugins')) ? readdirSync(join(folder, 'plugins')) : [];
  const plugins = names.filter((name) => /^[a-z0-9][a-z0-9-]*\.[jt]sx?$/.test(name)).map((name) => parse(name).name);
  return { folder, version: VERSION, plugins: plugins.sort(), store: settings.store.file, logs: settings.logs.folder };
}

function ensureInstallation(folder: string) {
  if (existsSync(join(folder, 'plugins')) || existsSync(join(folder, 'config/daruma.yaml'))) return;
  throw new Fault({
    code: 'NO_INSTALLATION',
    message: `${folder} has neither plugins/ nor config/daruma.yaml`,
    next: 'daruma init <folder> makes a new one; --dir <folder> names another one',
  });
}

/** The system's own errors at start, in words and with a next step. */
function explain(error: unknown, folder: string): PlainFault {
  if (error instanceof Fault) return error.plain;
  const fault = toPlainFault(error);
  switch (fault.code) {
    // On a read-only disk Node's recursive mkdir says ENOENT; a file where a folder has to be is ENOTDIR or EEXIST.
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
      return {
        ...fault,
        code: 'FOLDER_READONLY',
        message: `${folder} cannot be written: ${fault.message}`,
        next: 'see that its disk is mounted for writing and that this user may write there, or give another folder with --dir',
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        ...fault,
        code: 'DISK_FULL',
        message: `the disk of ${folder} is full: ${fault.message}`,
        next: 'free some space (df -h), then daruma start; nothing was changed',
      };
    case 'EADDRINUSE':
      return {
        ...fault,
        code: 'SOCKET_TAKEN',
        message: `the control socket is taken: ${fault.message}`,
        next: 'set control.socket in config/daruma.yaml to another path',
      };
    default:
      return fault;
  }
}

function tell({ stack: _, next = 'daruma check', ...said }: PlainFault, json: boolean) {
  const error = { ...said, next };
  if (json) process.stdout.write(`${JSON.stringify({ error })}\n`);
  else say(problemLines(error).join('\n'));
}

function say(text: string) {
  process.stderr.write(`${text}\n`);
}
