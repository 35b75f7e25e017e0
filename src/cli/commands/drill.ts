import type { DrillView, IncidentView } from '../../control/protocol.ts';
import { runDrills } from '../../drills/drills.ts';
import type { DrillUpdate } from '../../drills/plans.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import { usage } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Paint } from '../text/paint.ts';
import { type Row, table } from '../text/table.ts';

/** Does drills on the running installation, and prints what was measured; exit code 1 when a promise is broken. */
export async function drillCommand(stage: Stage, names: Words): Promise<CommandResult> {
  const wanted = names.filter((name) => name !== undefined);
  const results = await runDrills(wanted, {
    time: stage.time,
    connect: stage.connect,
    onUpdate: (update) => {
      if (!stage.json) printUpdate(stage, update);
    },
  });
  return { json: results, lines: drillLines(results, stage), code: results.every(({ ok }) => ok) ? 0 : 1 };
}

function printUpdate(stage: Stage, { drill, what, text }: DrillUpdate) {
  if (what === 'started') stage.note(`${stage.paintNote('dim', drill.padEnd(9))} ${text}`);
  if (what === 'seen') stage.note(`${' '.repeat(9)} ${text}`);
}

const LIMIT_BYTES = 64 * MB;
const DEMOS: Record<string, string> = {
  leak: 'A canary agent with a limit of 64 MB begins to hold on to everything it makes, 20 MB a second.',
  hang: 'A canary agent goes into an endless loop; its timeout is 2 s.',
  crash: 'A canary agent throws where nobody catches.',
  silence: 'A canary agent waits for something that never comes; silence of 2 s is failure.',
};

/** A tour of one fault for people who want to see the healer at work. */
export async function demoCommand(stage: Stage, [name = 'leak']: Words): Promise<CommandResult> {
  const intro = Object.hasOwn(DEMOS, name) ? DEMOS[name] : undefined;
  if (!intro) throw usage(`there is no demo ${name}`, `one of ${Object.keys(DEMOS).join(', ')}`);
  if (!stage.json) stage.note(`\n  ${intro}\n`);
  const begun = stage.time.monotonic();
  let lastBar = '';
  const bar = (item: DrillUpdate) => (item.what === 'memory' ? memoryBar(item.memoryBytes ?? 0, LIMIT_BYTES) : '');
  const onUpdate = (update: DrillUpdate) => {
    if (stage.json || update.what === 'done' || (update.what === 'memory' && bar(update) === lastBar)) return;
    lastBar = bar(update) || lastBar;
    printTimed(stage, update, bar(update), stage.time.monotonic() - begun);
  };
  const [result] = await runDrills([name], { time: stage.time, connect: stage.connect, onUpdate });
  const [incident] = await stage.ask('incidents', { agent: drillAgent(name), limit: 1 });
  const { ok } = result!;
  return {
    json: result,
    lines: [
      '',
      `${ok ? stage.paint('green', '✓') : stage.paint('red', '✗')} ${endWords(result!, incident)} No other agent noticed.`,
      `  next: ${incident ? `daruma incidents ${incident.id}` : 'daruma incidents --drills'} · daruma drill, for all faults`,
    ],
    code: ok ? 0 : 1,
  };
}

/** When it was seen and when it was over, in the figures of the incident that it made. */
function endWords({ detectMs, repairMs }: DrillView, incident: IncidentView | undefined): string {
  if (repairMs === null) return 'It was not repaired.';
  if (detectMs === null || !incident?.endedAt)
    return `The same job ran on a clean worker ${formatDuration(repairMs)} after the fault.`;
  const healedMs = Date.parse(incident.endedAt) - Date.parse(incident.openedAt);
  return `Seen ${formatDuration(detectMs)} after the fault, healed ${formatDuration(healedMs)} later: the same job ran on a clean worker.`;
}

function printTimed(stage: Stage, { what, text }: DrillUpdate, bar: string, atMs: number) {
  const at = `${(atMs / 1_000).toFixed(1)}s`.padStart(7);
  stage.note(bar ? `${at}  ${bar}` : `${at}  ${stage.paintNote('bold', what.padEnd(9))} ${text}`);
}

const COLUMNS = [
  '',
  'DRILL',
  { title: 'SEEN AFTER', right: true, drop: 3 },
  { title: 'REPAIRED AFTER', right: true },
  { title: 'PROMISED', right: true },
  { title: 'LOST', right: true, drop: 4 },
  { title: 'LEFT', right: true, drop: 2 },
  { title: 'AS', atLeast: 10, drop: 1 },
];

/** A line for each drill: what was promised, what was measured, whether it was kept. */
function drillLines(results: readonly DrillView[], { paint, width }: { paint: Paint; width: number }): string[] {
  const broken = results.filter(({ ok }) => !ok).length;
  const skipped = results.filter((one) => one.skipped !== undefined);
  const kept = results.length - broken - skipped.length;
  return [
    ...table(COLUMNS, results.map(rowOf), { paint, width }),
    '',
    ...skipped.map((one) => `  ${one.name} skipped: ${one.skipped}`),
    broken === 0
      ? `${paint('green', '✓')} ${kept} promises kept`
      : `${paint('red', '✗')} ${broken} of ${results.length} promises broken`,
  ];
}

function rowOf(one: DrillView): Row {
  const sign = one.skipped !== undefined ? '–' : one.ok ? '✓' : '✗';
  const style = one.skipped !== undefined ? 'dim' : one.ok ? 'green' : 'red';
  const took = (ms: number | null) => (ms === null ? '–' : formatDuration(ms));
  return [
    [sign, style],
    one.name,
    took(one.detectMs),
    took(one.repairMs),
    formatDuration(one.promisedMs),
    String(one.lost),
    String(one.left),
    one.seen ?? '',
  ];
}

/** A bar of memory up to its limit and beyond: `▓▓▓▓▓░░░░░  31 of 64 MB`. */
function memoryBar(bytes: number, limitBytes: number): string {
  const places = 24;
  const filled = Math.min(places, Math.round((bytes / limitBytes) * places));
  const mb = (value: number) => Math.round(value / MB);
  return `${'▓'.repeat(filled)}${'░'.repeat(places - filled)}  ${mb(bytes)} of ${mb(limitBytes)} MB`;
}
