/** The kind of a file in `plugins/` or `agents/`, by its name alone. */
type FileKind =
  | { is: 'plugin' | 'agent'; name: string }
  /** A file that plugins may import, and that is nothing by itself. `quiet`: no plugin has to import it. */
  | { is: 'part'; quiet?: true }
  | { is: 'ignored' }
  /**
   * A file that would be a plugin or an agent under another name. `rename`: the path to give it, where there is such a
   * path.
   */
  | { is: 'misnamed'; name: string; rename: string | undefined }
  /**
   * A file that was meant to be a plugin or an agent, and is neither. `move`: where it belongs, as a path of the
   * installation.
   */
  | { is: 'unrecognized'; why: string; next: string; move?: string };

/** The endings in which an author may write a plugin; the ending of what `daruma new` writes comes first. */
export const PLUGIN_ENDINGS = ['.ts', '.mts', '.tsx', '.js', '.mjs', '.jsx'] as const;
const PLUGIN_FILE = /^(.+)\.(ts|mts|tsx|js|mjs|jsx)$/i;
const COMMONJS_FILE = /^(.+)\.(cjs|cts)$/i;
const AGENT_FILE = /^(.+)\.(yaml|yml)$/i;
const OTHER_LANGUAGE = /\.(?:py|rb|sh|bash|ps1|bat|cmd|go|rs|php|pl|lua|java|kt|coffee|vue|svelte|ipynb)$/i;
const INDEX_FILE = /^index\.(?:ts|mts|tsx|js|mjs|jsx)$/i;
/** Names of agents and plugins: lower-case letters, digits and dashes, 64 characters at most. */
export const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** Folders below `plugins/` whose files need not be imported by any plugin. */
const QUIET_FOLDER = /^(?:lib|tests?|__\w+__|fixtures|_.*)$/;

/**
 * `path` is relative to `plugins/`, with forward slashes. A plugin is a file in `plugins/` itself, or the index file of a
 * folder in it: `x.ts`, `x/index.ts`.
 */
export function kindOfPluginPath(path: string): FileKind {
  const folders = path.split('/');
  const file = folders.pop()!;
  if (isLeftover(file)) return { is: 'ignored' };
  if (/\.d\.[cm]?ts$/.test(file) || /\.(?:test|spec)\.[cm]?[jt]sx?$/.test(file)) return { is: 'part', quiet: true };
  if (file.startsWith('_') || folders.some((folder) => QUIET_FOLDER.test(folder))) return { is: 'part', quiet: true };
  if (file === 'tsconfig.json' || file === 'package.json') return { is: 'part', quiet: true };
  const [, name, ending = ''] = PLUGIN_FILE.exec(file) ?? [];
  if (folders.length === 1 && INDEX_FILE.test(file)) return ofFolder(folders[0]!, file);
  if (folders.length > 0) return { is: 'part' };
  if (name === 'lib') return { is: 'part' };
  if (name !== undefined) {
    const plain = plainName(name);
    const isFine = NAME.test(name) && ending === ending.toLowerCase();
    if (isFine) return { is: 'plugin', name };
    return { is: 'misnamed', name, rename: plain && `${plain}.${ending.toLowerCase()}` };
  }
  return unrecognizedInPlugins(file) ?? { is: 'part' };
}

function ofFolder(folder: string, file: string): FileKind {
  if (NAME.test(folder) && file === file.toLowerCase()) return { is: 'plugin', name: folder };
  const plain = plainName(folder);
  return { is: 'misnamed', name: folder, rename: plain && `${plain}/${file.toLowerCase()}` };
}

function unrecognizedInPlugins(file: string): FileKind | undefined {
  const commonJs = COMMONJS_FILE.exec(file);
  if (commonJs) {
    const to = commonJs[2]!.toLowerCase() === 'cts' ? 'ts' : 'js';
    const why = `a plugin is an ES module: files that end in .${commonJs[2]} can only be imported by one`;
    return { is: 'unrecognized', why, next: `write it with import and export, in a file that ends in .${to}` };
  }
  const agentFile = AGENT_FILE.exec(file);
  if (agentFile) {
    const why = 'agent files lie in agents/, not in plugins/';
    return { is: 'unrecognized', why, next: 'move it to agents/', ...moveTo('agents', agentFile) };
  }
  const twice = /\.(?:[cm]?[jt]s|[jt]sx)\.(\w+)$/i.exec(file);
  if (twice && !/^(?:map|snap|json|html|md)$/i.test(twice[1]!)) {
    return { is: 'unrecognized', why: `ends in .${twice[1]}, so it is no plugin`, next: 'rename it, or remove it' };
  }
  if (OTHER_LANGUAGE.test(file)) {
    const why = 'a plugin is written in TypeScript or JavaScript';
    return {
      is: 'unrecognized',
      why,
      next: "run it from a plugin: context.exec, with the command in the plugin's needs.exec",
    };
  }
  return undefined;
}

/** `path` is relative to `agents/`, with forward slashes. */
export function kindOfAgentFile(path: string): FileKind {
  const folders = path.split('/');
  const file = folders.pop()!;
  if (isLeftover(file) || file.startsWith('_') || folders.some((folder) => folder.startsWith('_'))) {
    return { is: 'ignored' };
  }
  const [, name, ending = ''] = AGENT_FILE.exec(file) ?? [];
  if (folders.length > 0) {
    if (name === undefined) return { is: 'ignored' };
    const why = 'agent files lie in agents/ itself: in folders below it they are not read';
    return { is: 'unrecognized', why, next: 'move it to agents/', ...moveTo('agents', AGENT_FILE.exec(file)!) };
  }
  if (name === undefined) return unrecognizedInAgents(file);
  if (NAME.test(name) && ending === ending.toLowerCase()) return { is: 'agent', name };
  const plain = plainName(name);
  return { is: 'misnamed', name, rename: plain && `${plain}.${ending.toLowerCase()}` };
}

function unrecognizedInAgents(file: string): FileKind {
  if (/\.(?:md|txt)$/i.test(file) || /^(?:readme|license)\b/i.test(file)) return { is: 'ignored' };
  const code = PLUGIN_FILE.exec(file);
  if (code || COMMONJS_FILE.test(file)) {
    const why = 'plugins lie in plugins/, not in agents/';
    return { is: 'unrecognized', why, next: 'move it to plugins/', ...(code ? moveTo('plugins', code) : {}) };
  }
  const name = file.replace(/\.[^.]*$/, '');
  const next = NAME.test(name) ? `write it as agents/${name}.yaml` : 'write it as agents/<name>.yaml';
  return {
    is: 'unrecognized',
    why: 'an agent file ends in .yaml or .yml',
    next: /\.json$/i.test(file) ? `${next}: JSON is YAML` : next,
  };
}

function moveTo(folder: string, [, name, ending]: RegExpExecArray): { move?: string } {
  const plain = NAME.test(name!) ? name : plainName(name!);
  return plain ? { move: `${folder}/${plain}.${ending!.toLowerCase()}` } : {};
}

/**
 * Files that editors and sync tools leave beside the file that is meant: `.x.ts.swp`, `x.ts~`, `#x.ts#`, `4913`,
 * `x.ts.tmp`.
 */
function isLeftover(file: string): boolean {
  return /^[.#]|~$|^4913$|\.(?:tmp|temp|bak|orig|rej|swp|swo|swx|part|crdownload)$|\.tmp[.-]/i.test(file);
}

/** Letters that do not fall apart into a plain letter and its mark. */
const PLAIN_LETTERS = new Map(
  Object.entries({ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' }),
);

/** The nearest name that can be one; undefined when letters would be lost on the way. */
function plainName(name: string): string | undefined {
  const letters = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^\0-\x7f]/gu, (letter) => PLAIN_LETTERS.get(letter) ?? letter)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '');
  if (/[^\0-\x7f]/u.test(letters.replace(/[^\p{L}\p{N}]/gu, ''))) return undefined;
  const plain = letters
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 64)
    .replace(/^-+|-+$/g, '');
  return NAME.test(plain) ? plain : undefined;
}
