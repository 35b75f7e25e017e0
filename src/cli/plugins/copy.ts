import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, isAbsolute, join } from 'node:path';
import type { PluginAsks } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import type { PluginSource } from './source.ts';

/** The files that a copy of a plugin is made of, relative to the installation. */
interface PluginCopy {
  name: string;
  source: PluginSource;
  /** Where the plugin goes: a file of its own, or the index of a folder that holds its parts. */
  file: string;
  parts: string[];
  agentFile: { path: string; text: string } | undefined;
}

/** The line that keeps an agent off. */
const OFF = /^enabled:[ \t]*false\b.*$/m;
const OFF_LINE = 'enabled: false # this line gone, it works';

/**
 * Plans the copy of a plugin under a name. Parts come along into a folder of the plugin's own, so that nothing that other plugins share is written
 * over. `keepsOff`: the copy gets an agent file that keeps it off, whatever it asks for; otherwise only a plugin that lacks settings or secrets.
 * Throws `PLUGIN_PARTS` where the plugin imports files from outside of its folder.
 */
export function planCopy(source: PluginSource, asks: PluginAsks, name: string, keepsOff: boolean): PluginCopy {
  const outside = asks.parts.find((path) => isAbsolute(path) || path.startsWith('..'));
  if (outside !== undefined) {
    const message = `${source.name} imports ${outside}, which is outside of its folder`;
    throw new Fault({ code: 'PLUGIN_PARTS', message, next: 'move what it imports below the folder of the plugin' });
  }
  const isFolder = asks.parts.length > 0;
  const file = `plugins/${name}${isFolder ? '/index' : ''}${extname(source.file)}`;
  const wants = keepsOff || (asks.needs.secrets?.length ?? 0) > 0 || asks.settings.some(({ mustBeSet }) => mustBeSet);
  const text = source.agentFile ? adopted(source.agentFile, name, keepsOff) : wants ? agentText(name, asks) : undefined;
  const agentFile = text === undefined ? undefined : { path: `agents/${name}.yaml`, text };
  return { name, source, file, parts: asks.parts.map((path) => `plugins/${name}/${path}`), agentFile };
}

/** Every file of the copy, relative to the installation. */
export function copiedFiles({ file, parts, agentFile }: PluginCopy): string[] {
  return [file, ...parts, ...(agentFile ? [agentFile.path] : [])];
}

/** Writes the copy; the plugin comes last, so that a host sees it whole. Throws `FILE_EXISTS` before anything is written over. */
export function writeCopy(folder: string, copy: PluginCopy): void {
  const { name, source, file, parts, agentFile } = copy;
  const taken = copiedFiles(copy).find((path) => existsSync(join(folder, path)));
  if (taken !== undefined) {
    const message = `${taken} is there already; nothing was written`;
    throw new Fault({ code: 'FILE_EXISTS', message, next: 'move it away, or choose another name' });
  }
  const from = join(source.root, dirname(source.file));
  const place = (path: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    return join(folder, path);
  };
  if (agentFile) writeFileSync(place(agentFile.path), agentFile.text, { flag: 'wx' });
  for (const path of parts) copyFileSync(join(from, path.slice(`plugins/${name}/`.length)), place(path));
  copyFileSync(join(source.root, source.file), place(file));
}

/** The lines that keep agents of a plugin off, by their files. */
export function offLinesOf(folder: string, plugin: string): { file: string; line: number }[] {
  const place = join(folder, 'agents');
  const files = existsSync(place) ? readdirSync(place).filter((name) => /\.ya?ml$/.test(name)) : [];
  return files.sort().flatMap((name) => {
    const text = readFileSync(join(place, name), 'utf8');
    const said = /^plugin:[ \t]*["']?([a-z0-9-]+)/m.exec(text)?.[1];
    const at = OFF.exec(text)?.index;
    if (said !== plugin || at === undefined) return [];
    return [{ file: `agents/${name}`, line: text.slice(0, at).split('\n').length }];
  });
}

/** An agent file for the plugin's new name. */
function adopted(text: string, name: string, keepsOff: boolean): string {
  const named = text.replace(/^plugin:.*$/m, `plugin: ${name}`);
  return keepsOff && !OFF.test(named) ? named.replace(/^plugin:.*$/m, `$&\n${OFF_LINE}`) : named;
}

function agentText(name: string, { about, needs, settings }: PluginAsks): string {
  const secrets = needs.secrets ?? [];
  const wanted = settings.filter(({ mustBeSet }) => mustBeSet);
  const lines = [
    '# yaml-language-server: $schema=../config/agent.schema.json',
    '#',
    `# ${about.replace(/\s+/g, ' ')}`,
    ...(secrets.length > 0 ? [`# Secrets to write into .env first: ${secrets.join(', ')}.`] : []),
    `plugin: ${name}`,
    OFF_LINE,
    ...(wanted.length > 0 ? ['settings:'] : []),
    ...wanted.map(({ name: key, about: words }) => `  ${key}: null${words ? ` # ${words.replace(/\s+/g, ' ')}` : ''}`),
  ];
  return `${lines.join('\n')}\n`;
}
