import type { FileDiff } from '../../control/protocol.ts';
import { compareSources } from '../../control/source-diff.ts';
import { usage } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import { plainLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** The differences of two versions of a plugin: the author's files, without libraries; also while the host is down. */
export async function diffCommand(stage: Stage, [plugin, a, b]: Words): Promise<CommandResult> {
  const [older, newer] = await versionsMeant(stage, plugin!, a, b);
  const [before, after] = await Promise.all(
    [older, newer].map((version) => stage.askAnyway('sources', { plugin: plugin!, version })),
  );
  const files = compareSources(before!.value.files, after!.value.files);
  const lines = files.flatMap((file) => fileLines(file, stage));
  if (files.length === 0) lines.push(`the files of ${shortId(older)} and ${shortId(newer)} are the same`);
  const code = before!.down || after!.down ? 4 : 0;
  return { json: { plugin: before!.value.plugin, a: older, b: newer, files }, lines, code };
}

/** The newest two, or what is given and the newest one. */
async function versionsMeant(stage: Stage, plugin: string, a?: string, b?: string): Promise<[string, string]> {
  if (a !== undefined && b !== undefined) return [a, b];
  const { versions } = (await stage.askAnyway('versions', { plugin })).value;
  const [newest, second] = versions;
  const older = a ?? second?.id;
  if (older === undefined) throw usage(`${plugin} has one version only`, `daruma versions ${plugin}`);
  return [older, newest!.id];
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
