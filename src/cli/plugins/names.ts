import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DRILL_PREFIX, isDrillAgent } from '../../kernel/drill-agents.ts';
import { usage } from '../../kernel/fault.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const ENDINGS = ['ts', 'mts', 'tsx', 'js', 'mjs', 'jsx'];

/** Whether a text has the form of a plugin's name. */
export function isPluginName(text: string): boolean {
  return NAME.test(text);
}

/** Throws USAGE for a name that no plugin can have; `command` is what to type before a better one. */
export function expectPluginName(name: string, command: string): void {
  if (!isPluginName(name)) {
    throw usage(`${name} is no name: small letters, digits and hyphens`, `${command} ${nearName(name)}`);
  }
  const taken = reserved(name);
  if (taken !== undefined) throw usage(`${name} is reserved: ${taken}`, `${command} my-${name}`);
}

/** The file of a plugin below `folder`, relative to it: a file of its own, or the index of a folder; undefined: there is none. */
export function pluginFileOf(folder: string, name: string): string | undefined {
  const files = ENDINGS.flatMap((ending) => [`plugins/${name}.${ending}`, `plugins/${name}/index.${ending}`]);
  return files.find((file) => existsSync(join(folder, file)));
}

/** Why no plugin may have this name. */
function reserved(name: string): string | undefined {
  if (name === 'lib') return 'plugins/lib/ is for what plugins share';
  return isDrillAgent(name) ? `agents whose names begin with ${DRILL_PREFIX} are those of daruma drill` : undefined;
}

function nearName(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-+|-+$/g, '') || 'my-agent';
}
