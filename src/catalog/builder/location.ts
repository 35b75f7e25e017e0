import { pathToFileURL } from 'node:url';

/**
 * A bundle lies elsewhere than the files that it is made of. Each file that asks for its own place gets an answer of
 * its own: these expressions are replaced by variables, which {@link withLocation} sets at the file's beginning.
 */
export const LOCATION_DEFINES: Record<string, string> = {
  'import.meta.url': '__darumaUrl',
  'import.meta.dirname': '__darumaDirname',
  'import.meta.filename': '__darumaFilename',
  'import.meta.resolve': '__darumaResolve',
  __dirname: '__darumaDirname',
  __filename: '__darumaFilename',
  'require.resolve': '__darumaRequire.resolve',
};

/**
 * Stands at the beginning of each bundle. Libraries in the old module format ask for `require`, which a module has not by
 * itself; `__darumaAt` answers for a file, by its path as seen from the bundle.
 */
export const LOCATION_BANNER =
  "import{createRequire as __darumaRequireOf}from'node:module';import{fileURLToPath as __darumaPathOf}from'node:url';" +
  'import{dirname as __darumaDirnameOf}from"node:path";' +
  'globalThis.require??=__darumaRequireOf(import.meta.url);' +
  'function __darumaAt(path){const url=new URL(path,import.meta.url).href,filename=__darumaPathOf(url);' +
  'return{url,filename,dirname:__darumaDirnameOf(filename),require:__darumaRequireOf(url),' +
  'resolve:(name)=>/^\\.{0,2}\\//.test(name)?new URL(name,url).href:import.meta.resolve(name)}}';

const VARIABLES: [mentions: RegExp, variable: string, field: string][] = [
  [/\bimport\.meta\.url\b/, '__darumaUrl', 'url'],
  [/\bimport\.meta\.dirname\b|\b__dirname\b/, '__darumaDirname', 'dirname'],
  [/\bimport\.meta\.filename\b|\b__filename\b/, '__darumaFilename', 'filename'],
  [/\bimport\.meta\.resolve\b/, '__darumaResolve', 'resolve'],
  [/\brequire\.resolve\b|\b__darumaRequire\b/, '__darumaRequire', 'require'],
];

/** Finds a `require` of a computed name, where the file has no function of its own called so. */
const COMPUTED_REQUIRE = /(?<![.\w$'"`])require\((?=\s*[A-Za-z_$([])/g;
const OWN_REQUIRE = /\b(?:function|var|let|const|class)\s+require\b|[(,]\s*require\s*[,)=]|\brequire\s*=(?!=)/;

/** The text with its location set, all in its first line; undefined for a text that never asks for its place. */
export function withLocation(text: string, at: string): { text: string; added: number } | undefined {
  const own = OWN_REQUIRE.test(text) ? text : text.replace(COMPUTED_REQUIRE, '__darumaRequire(');
  const asked = VARIABLES.filter(([mentions]) => mentions.test(own));
  if (asked.length === 0) return undefined;
  const sets = asked.map(([, variable, field]) => `,${variable}=__darumaHere.${field}`).join('');
  const head = `var __darumaHere=/* @__PURE__ */__darumaAt(${JSON.stringify(at)})${sets};`;
  // The line of a program's interpreter stays the first one.
  if (own.startsWith('#!')) return { text: own.replace(/\n|$/, (end) => `${end}${head}`), added: 0 };
  return { text: head + own, added: head.length };
}

/** A path as part of a URL; an absolute one becomes a file URL. */
export function urlOf(path: string): string {
  return path.startsWith('/') ? pathToFileURL(path).href : path.split('/').map(encodeURIComponent).join('/');
}

/** Texts between quotes; a line in which a quote stands alone is read both ways. */
const QUOTED = /(?=(['"`])([^'"`\\\n]{1,200})\1)/g;
/** Texts of a template: before its first part, and between or behind its parts. */
const BEFORE_PART = /(?=`([^'"`$\\\n]{1,200})\$\{)/g;
const BEHIND_PART = /(?=\}([^'"`$\\\n{}]{1,200})(`|\$\{))/g;

/**
 * The relative paths that a file may mean by its texts: files or folders beside it, when they are there. Some are not
 * meant, for no reader can say which text is a path.
 */
export function pathsNamedIn(text: string): string[] {
  const found = new Set<string>();
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
  for (const [, , quoted] of text.matchAll(QUOTED)) if (!quoted!.includes('${')) found.add(quoted!);
  for (const [, before] of text.matchAll(BEFORE_PART)) found.add(folderOf(before!));
  for (const [, behind, end] of text.matchAll(BEHIND_PART)) found.add(end === '`' ? behind! : folderOf(behind!));
  const paths = [...found].map((path) => path.replace(/^\/+/, ''));
  return [...new Set(paths)].filter((path) => /[A-Za-z0-9]/.test(path) && !path.includes('://'));
}
