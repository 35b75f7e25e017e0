import type { PlainFault } from '../kernel/fault.ts';
import { kindOfAgentFile, kindOfPluginPath } from './files/names.ts';
import type { SettledFile } from './watching/file-scanner.ts';
import { AGENTS, type FolderList, linkOutside, PLUGINS } from './watching/list.ts';

interface UnrecognizedFilesTerms {
  files: ReadonlyMap<string, SettledFile>;
  list: FolderList;
  /** Everything that plugins are made of, by path. */
  inputs: ReadonlySet<string>;
  /** Whether every input of every plugin is known: no plugin is being compiled, and none was rejected. */
  isWhole: boolean;
}

/** Problems and notes about files that are neither plugin nor agent. */
export interface UnrecognizedFiles {
  /** Files that somebody wrote for a plugin or an agent, and that are none. */
  problems: PlainFault[];
  /** Notes: helpers that no plugin imports, links that no plugin uses. */
  notes: PlainFault[];
}

/**
 * Files in `plugins/` and `agents/` that are neither plugin nor agent nor part of one. A file that a plugin imports is
 * a part, whatever its name. Pure.
 */
export function unrecognizedFilesOf(terms: UnrecognizedFilesTerms): UnrecognizedFiles {
  const { files, list, inputs } = terms;
  const unrecognized: UnrecognizedFiles = { problems: [...list.problems], notes: [] };
  const isThere = (path: string) => (files.get(path)?.is ?? 'missing') !== 'missing';

  for (const [path, file] of files) {
    if (file.is === 'missing' || inputs.has(path) || (file.real !== undefined && inputs.has(file.real))) continue;
    const root = [PLUGINS, AGENTS].find((one) => path.startsWith(`${one}/`));
    if (!root) continue;
    const inside = path.slice(root.length + 1);
    const kind = root === PLUGINS ? kindOfPluginPath(inside) : kindOfAgentFile(inside);
    if (kind.is === 'unrecognized') unrecognized.problems.push(unrecognizedFault(path, kind, isThere));
    if (kind.is === 'misnamed') unrecognized.problems.push(misnamed(path, root, kind, isThere));
    if (kind.is === 'part' && file.definesPlugin && !inside.split('/').some((one) => one.startsWith('_'))) {
      unrecognized.problems.push(misplaced(path, isThere));
    } else if (kind.is === 'part' && !kind.quiet && terms.isWhole && !path.endsWith('.json')) {
      unrecognized.notes.push(unused(path));
    }
  }
  for (const [path, { real, isOutside }] of list.links) {
    if (isOutside && path.startsWith(`${PLUGINS}/`)) {
      if (!list.problems.some(({ file }) => file === path)) unrecognized.notes.push(linkOutside(path, real));
      continue;
    }
    const isUsed = [...inputs].some((input) => input.startsWith(`${real}/`) || input.startsWith(`${path}/`));
    if (!isUsed && terms.isWhole) unrecognized.notes.push(unusedLink(path));
  }
  return unrecognized;
}

function unrecognizedFault(
  file: string,
  { why, next, move }: { why: string; next: string; move?: string },
  isThere: (path: string) => boolean,
): PlainFault {
  const advice = !move
    ? next
    : isThere(move)
      ? `rename it, or remove it: ${move} is there already`
      : `mv ${file} ${move}`;
  return { code: 'FILE_STRAY', message: why, file, next: advice };
}

function misnamed(
  path: string,
  root: string,
  { name, rename }: { name: string; rename: string | undefined },
  isThere: (path: string) => boolean,
): PlainFault {
  const to = rename && `${root}/${rename}`;
  return {
    code: 'FILE_NAME',
    message: `"${name}" is no name: expected lower-case letters, digits and dashes, 64 at most`,
    file: path,
    next: !to ? 'rename it' : isThere(to) ? `rename it, or remove it: ${to} is there already` : `rename it to ${to}`,
  };
}

function misplaced(path: string, isThere: (path: string) => boolean): PlainFault {
  const parts = path.replace(/\.[^./]+$/, '').split('/');
  const last = parts.at(-1) === 'index' && parts.length > 2 ? parts.at(-2)! : parts.at(-1)!;
  const to = `${PLUGINS}/${last}${/\.[^./]+$/.exec(path)?.[0] ?? ''}`;
  const kind = kindOfPluginPath(to.slice(PLUGINS.length + 1));
  return {
    code: 'PLUGIN_MISPLACED',
    message: 'defines a plugin, but lies where no plugin is looked for: plugins/<name>.ts or plugins/<name>/index.ts',
    file: path,
    next: kind.is === 'plugin' && !isThere(to) ? `mv ${path} ${to}` : 'move it to plugins/, or begin its name with _',
  };
}

function unused(file: string): PlainFault {
  return {
    code: 'HELPER_UNUSED',
    message: 'is no plugin, and no plugin imports it',
    file,
    next: 'a plugin is plugins/<name>.ts or plugins/<name>/index.ts; move a helper to plugins/lib/, or remove it',
  };
}

function unusedLink(file: string): PlainFault {
  return {
    code: 'LINK_UNUSED',
    message: 'is a link to a folder, which is not looked through: only what a plugin imports from it is read',
    file,
    next: file.startsWith(`${AGENTS}/`) ? 'link the agent files one by one' : 'link plugins one by one, or remove it',
  };
}
