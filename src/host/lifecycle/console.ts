import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import { kindOfPluginPath, PLUGIN_ENDINGS } from '../../catalog/files/names.ts';
import { asTyped, jsonAsTyped, typedFrom } from '../../control/typed.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { VERSION } from '../facts.ts';
import { problemLines } from './banner.ts';

/** The form in which the person who started this process types commands. */
const TYPED = typedFrom(process.env);

/** The file of the host's settings as a person finds it; `defaults` when there is none. */
export function configPlace(folder: string): string {
  return existsSync(join(folder, 'config/daruma.yaml')) ? './config/daruma.yaml' : 'defaults';
}

/** Plugins and places of the folder, for a start that takes long. */
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

/** Writes why a host could not start: to stderr for a person, to stdout as JSON. */
export function writeStartError({ stack: _, next = 'daruma check', ...said }: PlainFault, json: boolean) {
  const error = { ...said, next };
  if (json) process.stdout.write(`${jsonAsTyped({ error }, TYPED)}\n`);
  else writeErr(problemLines(error).join('\n'));
}

/** Writes to stdout, for a person. */
export function writeOut(text: string) {
  process.stdout.write(`${asTyped(text, TYPED)}\n`);
}

/** Writes to stderr, for a person. */
export function writeErr(text: string) {
  process.stderr.write(`${asTyped(text, TYPED)}\n`);
}
