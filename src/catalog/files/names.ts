/** What a file in `plugins/` or `agents/` is, told by its name alone. */
export type FileKind =
  | { is: 'plugin' | 'agent'; name: string }
  /** May be imported by plugins; by itself it is nothing. */
  | { is: 'part' }
  | { is: 'ignored' }
  | { is: 'misnamed'; name: string; suggestion: string | undefined };

const PLUGIN_FILE = /^(.+)\.(?:ts|mts|tsx|js|mjs|jsx)$/;
const AGENT_FILE = /^(.+)\.(?:yaml|yml)$/;
/** Names of agents and plugins: lower-case letters, digits and dashes, 64 characters at most. */
export const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** `path` is relative to `plugins/`, with forward slashes. */
export function kindOfPluginPath(path: string): FileKind {
  const file = path.slice(path.lastIndexOf('/') + 1);
  if (isLeftover(file)) return { is: 'ignored' };
  if (/\.d\.[cm]?ts$/.test(file) || /\.(?:test|spec)\.[cm]?[jt]sx?$/.test(file)) return { is: 'part' };
  const name = PLUGIN_FILE.exec(file)?.[1];
  if (path.includes('/') || file.startsWith('_') || name === undefined) return { is: 'part' };
  return NAME.test(name) ? { is: 'plugin', name } : misnamed(name);
}

/** `file` is the bare name of a file in `agents/`. */
export function kindOfAgentFile(file: string): FileKind {
  if (isLeftover(file) || file.startsWith('_')) return { is: 'ignored' };
  const name = AGENT_FILE.exec(file)?.[1];
  if (name === undefined) return { is: 'ignored' };
  return NAME.test(name) ? { is: 'agent', name } : misnamed(name);
}

/** What editors and sync tools leave beside the file that is meant: `.x.ts.swp`, `x.ts~`, `#x.ts#`, `4913`, `x.ts.tmp`. */
function isLeftover(file: string): boolean {
  return /^[.#]|~$|^4913$|\.(?:tmp|temp|bak|orig|swp|swo|swx|part|crdownload)$|\.tmp[.-]/i.test(file);
}

function misnamed(name: string): FileKind {
  const plain = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
  return { is: 'misnamed', name, suggestion: NAME.test(plain) ? plain : undefined };
}
