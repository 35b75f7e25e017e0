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
