import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, parse, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOfPluginPath, PLUGIN_ENDINGS } from '../catalog/files/names.ts';
import { readableFault } from './readable-fault.ts';

/** Where a plugin is. */
export interface PluginPlace {
  /** Absolute. */
  installation: string;
  /** The file of the plugin, relative to the installation, with forward slashes. */
  entry: string;
  name: string;
}

/**
 * Finds the plugin that is meant: a file by its URL or path, or a name in `plugins/` of the installation at or above
 * the working directory. Throws `PLUGIN_MISSING`.
 */
export function pluginPlaceOf(plugin: string | URL, from = process.cwd()): PluginPlace {
  if (typeof plugin === 'string' && !plugin.startsWith('file:') && !/[\\/.]/.test(plugin))
    return placeOfName(plugin, from);
  const isUrl = typeof plugin !== 'string' || plugin.startsWith('file:');
  const path = isUrl ? fileURLToPath(plugin) : resolve(from, plugin);
  if (!existsSync(path)) throw missing(path, 'name the file, or write it');
  const file = realpathSync(path);
  const installation = installationAbove(dirname(file)) ?? dirname(file);
  const entry = relative(installation, file).replaceAll('\\', '/');
  const kind = entry.startsWith('plugins/') ? kindOfPluginPath(entry.slice('plugins/'.length)) : undefined;
  return { installation, entry, name: kind?.is === 'plugin' ? kind.name : parse(file).name };
}

function placeOfName(name: string, from: string): PluginPlace {
  const installation = installationAbove(realpathSync(from));
  const entries = PLUGIN_ENDINGS.flatMap((ending) => [`plugins/${name}${ending}`, `plugins/${name}/index${ending}`]);
  const entry = entries.find((path) => installation !== undefined && existsSync(join(installation, path)));
  if (installation === undefined || entry === undefined) throw missing(`plugins/${name}.ts`, `daruma new ${name}`);
  return { installation, entry, name };
}

function installationAbove(start: string): string | undefined {
  for (let folder = start, last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    if (existsSync(join(folder, 'config/daruma.yaml')) || existsSync(join(folder, 'plugins'))) return folder;
  }
  return undefined;
}

function missing(file: string, next: string): Error {
  return readableFault({ code: 'PLUGIN_MISSING', message: `there is no ${file}`, next });
}
