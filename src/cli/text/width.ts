import { createRequire } from 'node:module';
import type stringWidth from 'string-width';
import { oneLine } from '../../kernel/shown-text.ts';

const require = createRequire(import.meta.url);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const STYLE = /\u001b\[[0-9;]*m/g;
/** Letters and signs of one place each, among them all that Daruma itself prints. */
const SIMPLE =
  /^[ -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193\u21bb\u2260\u2500-\u259f\u25b8\u25cb\u25cf\u2713\u2717\u27f3]*$/;

/** Places that a text takes in a terminal; colours take none, and marks, joiners and variants none of their own. */
export function widthOf(text: string): number {
  const plain = text.replace(STYLE, '');
  return SIMPLE.test(plain) ? plain.length : measured(plain);
}

/** Loads the package for the first text of others: it takes 25 ms, a third of what `status` takes. */
function measured(text: string): number {
  const { default: widthIn } = require('string-width') as { default: typeof stringWidth };
  return widthIn(text);
}

/** At most `width` places, with `…` where something was cut off. For text without colours. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let taken = 0;
  // A sign that is made of several letters (a flag, a family) is kept as a whole or not at all.
  for (const letter of SIMPLE.test(text) ? text : signsOf(text)) {
    taken += widthOf(letter);
    if (taken > width - 1) break;
    kept += letter;
  }
  return `${kept.trimEnd()}…`;
}

function signsOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** Filled up with spaces to `width` places, on the right or on the left. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? text + space : space + text;
}

/** A text in lines of at most `width` places, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = '';
    }
    line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].map((one) => cut(one, width));
}

/** Names with their texts; a fact without a text is left out. */
export type Facts = readonly (readonly [name: string, text: string | null | undefined])[];

/** Lines of facts, names to the left, texts broken between words. */
export function factLines(facts: Facts, width: number): string[] {
  return facts.flatMap(([name, text]) => {
    if (!text) return [];
    const [first, ...rest] = wrap(oneLine(text), width - 13);
    return [`  ${pad(name, 10)} ${first}`, ...rest.map((line) => `${' '.repeat(13)}${line}`)];
  });
}

/** Parts joined to lines of at most `width` places, broken between parts; a part is never broken. */
export function joined(parts: string[], between: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + widthOf(between) + widthOf(part) <= width) {
      lines[lines.length - 1] = last + between + part;
    } else {
      lines.push(part);
    }
  }
  return lines;
}

/**
 * A line of a result in lines of at most `width` places, broken between words, the rest indented as the line began and
 * two places more. A line of a code frame (`  12 | code`) is left as it is: its columns carry a meaning.
 */
export function fitLine(line: string, width: number): string[] {
  if (widthOf(line) <= width || FRAME_LINE.test(line)) return [line];
  const indent = /^ */.exec(line)![0];
  const lines: string[] = [];
  let current = '';
  for (const word of line.slice(indent.length).split(' ')) {
    const start = lines.length === 0 ? indent : `${indent}  `;
    if (current.trim() && widthOf(current) + 1 + widthOf(word) > width) {
      lines.push(current.trimEnd());
      current = `${indent}  ${word}`;
    } else {
      current = current === '' ? start + word : `${current} ${word}`;
    }
  }
  return [...lines, current];
}

const FRAME_LINE = /^\s*>?\s*\d*\s*\|/;

const WIDEST = 100;
const NARROWEST = 40;

/**
 * Places in a line of output: those of the terminal, else of the variable COLUMNS, else 100; 40 at least, 100 at most.
 */
export function outputWidth(stream: { columns?: number }, env: { COLUMNS?: string }): number {
  const said = stream.columns || Number(env.COLUMNS) || WIDEST;
  return Math.max(NARROWEST, Math.min(WIDEST, Math.floor(said)));
}
