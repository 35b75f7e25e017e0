import { structuredPatch } from 'diff';
import type { FileDiff } from '../../control/protocol.ts';
import { usage } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import { plainLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** The differences of two versions of a plugin: the author's files, without libraries. */
export async function diffCommand(stage: Stage, [plugin, a, b]: Words): Promise<CommandResult> {
  const [older, newer] = await versionsMeant(stage, plugin!, a, b);
  const [before, after] = await Promise.all(
    [older, newer].map((version) => stage.ask('sources', { plugin: plugin!, version })),
  );
  const files = compare(asMap(before!.files), asMap(after!.files));
  const lines = files.flatMap((file) => fileLines(file, stage));
  if (files.length === 0) lines.push(`the files of ${shortId(older)} and ${shortId(newer)} are the same`);
  return { json: { plugin: before!.plugin, a: older, b: newer, files }, lines };
}

/** The newest two, or what is given and the newest one. */
async function versionsMeant(stage: Stage, plugin: string, a?: string, b?: string): Promise<[string, string]> {
  if (a !== undefined && b !== undefined) return [a, b];
  const { versions } = await stage.ask('versions', { plugin });
  const [newest, second] = versions;
  const older = a ?? second?.id;
  if (older === undefined) throw usage(`${plugin} has one version only`, `daruma versions ${plugin}`);
  return [older, newest!.id];
}

function asMap(files: { path: string; text: string }[]): Map<string, string> {
  return new Map(files.map(({ path, text }) => [path, text]));
}

function compare(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): FileDiff[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): FileDiff[] => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) return [];
    const is = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    return [{ path, is, hunks: diffLines(old ?? '', now ?? '') }];
  });
}

function fileLines({ path, is, hunks }: FileDiff, { paint }: Stage): string[] {
  const style = { '+': 'green', '-': 'red', ' ': 'dim' } as const;
  return [
    paint('bold', is === 'changed' ? path : `${path} (${is})`),
    ...hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      paint('cyan', `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`),
      ...lines.map(({ sign, text }) => paint(style[sign], `${sign}${plainLine(text)}`)),
    ]),
  ];
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
