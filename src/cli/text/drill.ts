import type { DrillView } from '../../control/protocol.ts';
import { MB } from '../../kernel/measures.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Paint } from './paint.ts';
import { type Row, table } from './table.ts';

const COLUMNS = [
  { title: '' },
  { title: 'DRILL' },
  { title: 'SEEN AFTER', right: true, drop: 3 },
  { title: 'REPAIRED AFTER', right: true },
  { title: 'PROMISED', right: true },
  { title: 'LOST', right: true, drop: 4 },
  { title: 'LEFT', right: true, drop: 2 },
  { title: 'AS', atLeast: 10, drop: 1 },
];

/** A line for each drill: what was promised, what was measured, whether it was kept. */
export function drillLines(results: readonly DrillView[], { paint, width }: { paint: Paint; width: number }): string[] {
  const broken = results.filter(({ ok }) => !ok).length;
  const skipped = results.filter((one) => one.skipped !== undefined);
  const kept = results.length - broken - skipped.length;
  return [
    ...table(
      COLUMNS,
      results.map((one) => rowOf(one, paint)),
      width,
    ),
    '',
    ...skipped.map((one) => `  ${one.name} skipped: ${one.skipped}`),
    broken === 0
      ? `${paint('green', '✓')} ${kept} promises kept`
      : `${paint('red', '✗')} ${broken} of ${results.length} promises broken`,
  ];
}

function rowOf(one: DrillView, paint: Paint): Row {
  const sign = one.skipped !== undefined ? '–' : one.ok ? '✓' : '✗';
  const style = one.skipped !== undefined ? 'dim' : one.ok ? 'green' : 'red';
  const took = (ms: number | null) => (ms === null ? '–' : formatDuration(ms));
  return {
    cells: [
      { text: sign, paint: (text) => paint(style, text) },
      one.name,
      took(one.detectMs),
      took(one.repairMs),
      formatDuration(one.promisedMs),
      String(one.lost),
      String(one.left),
      one.seen ?? '',
    ],
  };
}

/** A bar of memory up to its limit and beyond: `▓▓▓▓▓░░░░░  31 of 64 MB`. */
export function memoryBar(bytes: number, limitBytes: number): string {
  const places = 24;
  const filled = Math.min(places, Math.round((bytes / limitBytes) * places));
  const mb = (value: number) => Math.round(value / MB);
  return `${'▓'.repeat(filled)}${'░'.repeat(places - filled)}  ${mb(bytes)} of ${mb(limitBytes)} MB`;
}
