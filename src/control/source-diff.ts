import { structuredPatch } from 'diff';
import type { FileDiff } from './protocol.ts';

interface SourceFile {
  path: string;
  text: string;
}

/** The files in which two versions of a plugin differ, by path. */
export function compareSources(older: readonly SourceFile[], newer: readonly SourceFile[]): FileDiff[] {
  const [before, after] = [asMap(older), asMap(newer)];
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): FileDiff[] => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) return [];
    const is = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    return [{ path, is, hunks: diffLines(old ?? '', now ?? '') }];
  });
}

function asMap(files: readonly SourceFile[]): Map<string, string> {
  return new Map(files.map(({ path, text }) => [path, text]));
}

type Hunk = FileDiff['hunks'][number];

const CONTEXT = 3;
/** Texts that differ in more lines than this are shown as replaced: nobody reads such a comparison. */
const MOST_EDITS = 1_000;

/** Changed lines between two texts, with 3 lines around each change; empty for equal texts. */
export function diffLines(before: string, after: string): Hunk[] {
  const [old, now] = [endedLine(before), endedLine(after)];
  if (old === now) return [];
  const patch = structuredPatch('', '', old, now, '', '', { context: CONTEXT, maxEditLength: MOST_EDITS });
  if (patch) return patch.hunks.map((hunk) => ({ ...hunk, lines: hunk.lines.map(signed) }));
  const [gone, come] = [linesOf(old), linesOf(now)];
  const lines = [...gone.map((text) => signed(`-${text}`)), ...come.map((text) => signed(`+${text}`))];
  return [{ oldStart: 1, oldLines: gone.length, newStart: 1, newLines: come.length, lines }];
}

function signed(line: string): Hunk['lines'][number] {
  return { sign: line[0] as '+' | '-' | ' ', text: line.slice(1) };
}

/** Whether the last line has an end is no difference that a reader of code looks for. */
function endedLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
