import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import { kindOfPluginPath, PLUGIN_ENDINGS } from '../../catalog/files/names.ts';
import { asTyped, jsonAsTyped, typedFrom } from '../../control/typed.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { iso } from '../api/views.ts';
import { VERSION } from '../facts.ts';
import type { Host } from '../ports.ts';
import { problemLines } from './banner.ts';

/** How commands are typed by the person who started this process. */
const TYPED = typedFrom(process.env);

/** The one line of JSON of a host that works. */
export function readyLine({ hostContext }: Host) {
  const { facts, catalog } = hostContext;
  return {
    pid: facts.pid,
    version: facts.version,
    startedAt: iso(facts.startedAt),
    folder: facts.folder,
    socket: facts.socket,
    store: facts.store.file,
    logs: facts.logFolder,
    agents: [...catalog.agents().keys()].sort(),
    problems: catalog.problems(),
  };
}

/** The file of the host's settings as a person finds it; `defaults` when there is none. */
export function configPlace(folder: string): string {
  return existsSync(join(folder, 'config/daruma.yaml')) ? './config/daruma.yaml' : 'defaults';
}

/** What is in the folder, for a start that takes long. */
export function folderSummary(folder: string, settings: HostSettings) {
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

/** The system's own errors at start, in words and with a next step. */
export function explainStartError(error: unknown, folder: string): PlainFault {
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

/** The same, to be thrown; what is a mistake of ours stays as it is. */
export function asStartFault(error: unknown, folder: string): Fault | undefined {
  if (error instanceof Fault) return error;
  const fault = explainStartError(error, folder);
  return fault.code === toPlainFault(error).code ? undefined : new Fault(fault, { cause: error });
}

/** Says why a host could not start. */
export function writeStartError({ stack: _, next = 'daruma check', ...said }: PlainFault, json: boolean) {
  const error = { ...said, next };
  if (json) process.stdout.write(`${jsonAsTyped({ error }, TYPED)}\n`);
  else writeErr(problemLines(error).join('\n'));
}

/** On stdout: what a person reads when the host works. */
export function writeOut(text: string) {
  process.stdout.write(`${asTyped(text, TYPED)}\n`);
}

/** On stderr: what the process says beside its answers. */
export function writeErr(text: string) {
  process.stderr.write(`${asTyped(text, TYPED)}\n`);
}
