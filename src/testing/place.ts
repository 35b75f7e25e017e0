import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, parse, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { told } from './told.ts';

/** Where a plugin is. */
export interface PluginPlace {
  /** Absolute. */
  installation: string;
  /** Its file, relative to the installation, with forward slashes. */
  entry: string;
  name: string;
}

const ENDINGS = ['.ts', '.mts', '.tsx', '.js', '.mjs', '.jsx'];

/**
 * Finds the plugin that is meant: a file by its URL or path, or a name in `plugins/` of the installation at or above
 * the working directory. Throws `PLUGIN_MISSING`.
 */
export function placeOf(plugin: string | URL, from = process.cwd()): PluginPlace {
  if (typeof plugin === 'string' && !plugin.startsWith('file:') && !/[\\/.]/.test(plugin))
    return placeOfName(plugin, from);
  const isUrl = typeof plugin !== 'string' || plugin.startsWith('file:');
  const path = isUrl ? fileURLToPath(plugin) : resolve(from, plugin);
  if (!existsSync(path)) throw missing(path, 'name the file, or write it');
  const file = realpathSync(path);
  const installation = installationAbove(dirname(file)) ?? dirname(file);
  return { installation, entry: relative(installation, file).replaceAll('\\', '/'), name: parse(file).name };
}

function placeOfName(name: string, from: string): PluginPlace {
  const installation = installationAbove(realpathSync(from));
  const entry = ENDINGS.map((ending) => `plugins/${name}${ending}`).find(
    (path) => installation !== undefined && existsSync(join(installation, path)),
  );
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
  return told({ code: 'PLUGIN_MISSING', message: `there is no ${file}`, next });
}
