import { stripVTControlCharacters } from 'node:util';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Any text, made safe between tags and inside quoted attributes. Control characters, which XML forbids, go. */
export function escapeHtml(text: string): string {
  return plain(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}

/** Any text as one line of Markdown that says only itself, table cells included. */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]<>|~#]|&(?=#?\w+;)/g, '\\$&')
    .replace(/^([-+]|\d+[.)])(?= )/, '\\$1');
}

/** Line breaks, tabs and runs of spaces become one space. */
export function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, ' ').trim();
}

/** At most `max` characters as people count them, the last one `…` when something was left out. */
export function clip(text: string, max: number): string {
  const signs = [...graphemes.segment(text)];
  if (signs.length <= max) return text;
  const kept = signs.slice(0, max - 1).map((sign) => sign.segment);
  return `${kept.join('').trimEnd()}…`;
}

/** How many characters people count in a text. */
export function lengthOf(text: string): number {
  return [...graphemes.segment(text)].length;
}

/** A Markdown table; the columns whose head ends in `:` are set to the right. Cells must be escaped. */
export function markdownTable(heads: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const names = heads.map((head) => head.replace(/:$/, ''));
  const rule = heads.map((head) => (head.endsWith(':') ? '---:' : '---'));
  return [line(names), line(rule), ...rows.map(line)].join('\n');
}

/** The last lines of an output, without empty ones at its end and without the colours of terminals. */
export function lastLines(text: string, most: number): string {
  const lines = plain(stripVTControlCharacters(text.replaceAll('\r\n', '\n')))
    .trimEnd()
    .split('\n');
  return most === 0 ? '' : lines.slice(-most).join('\n');
}

/** Any text as a block of code in Markdown, however many backquotes it has; nothing for no text. */
export function codeBlock(text: string): string {
  if (text === '') return '';
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/** The text without control characters (line breaks and tabs stay) and without halves of characters. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '');
}
