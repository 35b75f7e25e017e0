import type { BundleFiles } from '../../kernel/source-map.ts';
import type { ThreadLine } from '../wire.ts';
import type { StackMap } from './stack-map.ts';

type MapText = (text: string) => string | undefined;

/** Lines of a worker with the author's own places in the stacks that were printed or logged, and without the frames of Daruma and Node below them. */
export function mapLines(lines: ThreadLine[], stacks: Pick<StackMap, 'line'>, bundle: BundleFiles): ThreadLine[] {
  const map: MapText = (text) => stacks.line(text, bundle);
  const mapped: ThreadLine[] = [];
  for (const line of lines) {
    const message = mapText(line.message, map);
    if (message === undefined) continue;
    mapped.push({ ...line, message, data: line.data === null ? null : mapData(line.data, map) });
  }
  return mapped;
}

/** What Node itself writes to a thread's stderr. */
export function linesOf(text: string, at: number): ThreadLine[] {
  const lines = text.split('\n').filter(Boolean);
  return lines.map((message) => ({ at, level: 'error', job: '', message, data: null }));
}

/** undefined: nothing of it is the author's. */
function mapText(text: string, map: MapText): string | undefined {
  if (!text.includes('at ')) return text;
  const lines = text
    .split('\n')
    .map(map)
    .filter((line) => line !== undefined);
  return lines.length === 0 ? undefined : lines.join('\n');
}

function mapData(json: string, map: MapText): string {
  if (!json.includes('"stack":')) return json;
  return JSON.stringify(JSON.parse(json), (key, value) =>
    key === 'stack' && typeof value === 'string' ? (mapText(value, map) ?? '') : value,
  );
}
