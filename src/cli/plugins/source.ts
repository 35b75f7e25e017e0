import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault, usage } from '../../kernel/fault.ts';
import { packageFile } from '../../kernel/paths.ts';
import { suggest } from '../../kernel/suggest.ts';
import { ownPackage } from '../init/own-package.ts';
import { expectPluginName, isPluginName, pluginFileOf } from './names.ts';

/** A plugin that can be copied. */
export interface PluginSource {
  /** The name that the plugin has where it lies. */
  name: string;
  /** The folder that its imports are looked for in; absolute. */
  root: string;
  /** The file of the plugin, relative to `root`. */
  file: string;
  /** The text of the agent file that comes with it, if there is one. */
  agentFile: string | undefined;
}

/** The plugin that `said` names for `daruma add`: one that ships, or a file. Throws a Fault where there is none. */
export function sourceToAdd(said: string): PluginSource {
  if (/^[a-z]+:\/\//i.test(said)) {
    const message = 'a plugin is added from a file: what comes from elsewhere is read by somebody first';
    throw new Fault({
      code: 'ADD_ADDRESS',
      message,
      next: 'fetch it, read it, and name the file: daruma add ./plugin.ts',
    });
  }
  if (isPluginName(said)) return shippedSource(said) ?? unknownPlugin(said, 'daruma add');
  return fileSource(said);
}

/** The plugin that `said` names for `daruma new --from`: one of the installation, or else one that ships. */
export function sourceToCopy(folder: string, said: string): PluginSource {
  if (!isPluginName(said)) return fileSource(said);
  const file = pluginFileOf(folder, said);
  if (file === undefined) return shippedSource(said) ?? unknownPlugin(said, 'daruma new my-agent --from');
  // A plugin of a folder shares nothing with its neighbours, one of a file what lies beside it.
  return { name: said, root: folder, file, agentFile: agentFileIn(folder, said) };
}

function shippedSource(name: string): PluginSource | undefined {
  const root = fileURLToPath(packageFile('./'));
  const file = `plugins/${name}.ts`;
  if (!existsSync(join(root, file))) return undefined;
  return { name, root, file, agentFile: agentFileIn(root, name) };
}

function unknownPlugin(name: string, command: string): never {
  const shipped = ownPackage()
    .shipped()
    .flatMap(({ path }) => /^plugins\/([^/]+)\.ts$/.exec(path)?.[1] ?? []);
  const meant = suggest(name, shipped);
  throw new Fault({
    code: 'PLUGIN_UNKNOWN',
    message: `no plugin ${name} ships${meant ? `, did you mean ${meant}?` : `: ${shipped.join(', ')}`}`,
    next: meant ? `${command} ${meant}` : `${command} ./plugin.ts takes a file of your own`,
  });
}

function fileSource(said: string): PluginSource {
  const path = resolve(process.cwd(), said);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats)
    throw new Fault({ code: 'FILE_MISSING', message: `there is no file ${said}`, next: 'name one that is there' });
  const file = stats.isDirectory() ? join(path, 'index.ts') : path;
  if (!existsSync(file) || !/^\.[mc]?[jt]sx?$/.test(extname(file)))
    throw usage(
      `${said} is no plugin: a file that ends with .ts, or a folder with an index.ts`,
      'daruma add ./plugin.ts',
    );
  const isIndex = /^index\.[^.]+$/.test(basename(file));
  const name = basename(isIndex ? dirname(file) : file.slice(0, -extname(file).length));
  expectPluginName(name, 'rename it, then: daruma add');
  return { name, root: dirname(file), file: basename(file), agentFile: undefined };
}

function agentFileIn(folder: string, name: string): string | undefined {
  const file = ['yaml', 'yml'].map((ending) => join(folder, `agents/${name}.${ending}`)).find((one) => existsSync(one));
  return file && readFileSync(file, 'utf8');
}
