import type { FileDiff } from '../../control/protocol.ts';
import { shortId } from '../../kernel/short-id.ts';
import { diffLines } from '../line-diff.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { visible } from '../text/fault.ts';
import { usage } from '../usage.ts';

export const verbatim = true;

/** The differences of two versions of a plugin: the author's files, without libraries. */
export async function run(stage: Stage, [plugin, a, b]: (string | undefined)[]): Promise<CommandResult> {
  const [older, newer] = await versionsMeant(stage, plugin!, a, b);
  const [before, after] = await Promise.all(
    [older, newer].map((version) => stage.ask('sources', { plugin: plugin!, version })),
  );
  const files = compare(asMap(before!.files), asMap(after!.files));
  const lines = files.flatMap((file) => linesOf(file, stage));
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

function linesOf({ path, is, hunks }: FileDiff, { paint }: Stage): string[] {
  const style = { '+': 'green', '-': 'red', ' ': 'dim' } as const;
  return [
    paint('bold', is === 'changed' ? path : `${path} (${is})`),
    ...hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      paint('cyan', `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`),
      ...lines.map(({ sign, text }) => paint(style[sign], `${sign}${visible(text)}`)),
    ]),
  ];
}
