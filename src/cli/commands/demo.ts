import type { DrillView, IncidentView } from '../../control/protocol.ts';
import { runDrills } from '../../drills/drills.ts';
import type { DrillUpdate } from '../../drills/plans.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import { MB } from '../../kernel/measures.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { memoryBar } from '../text/drill.ts';
import { usage } from '../usage.ts';

const LIMIT_BYTES = 64 * MB;
const STORIES: Record<string, string> = {
  leak: 'A canary agent with a limit of 64 MB begins to hold on to everything it makes, 20 MB a second.',
  hang: 'A canary agent goes into an endless loop; its timeout is 2 s.',
  crash: 'A canary agent throws where nobody catches.',
  silence: 'A canary agent waits for something that never comes; silence of 2 s is failure.',
};

/** A tour of one fault for people who want to see the healer at work. */
export async function run(stage: Stage, [name = 'leak']: (string | undefined)[]): Promise<CommandResult> {
  const story = Object.hasOwn(STORIES, name) ? STORIES[name] : undefined;
  if (!story) throw usage(`there is no demo ${name}`, `one of ${Object.keys(STORIES).join(', ')}`);
  if (!stage.json) stage.note(`\n  ${story}\n`);
  const begun = stage.time.monotonic();
  let lastBar = '';
  const bar = (item: DrillUpdate) => (item.what === 'memory' ? memoryBar(item.memoryBytes ?? 0, LIMIT_BYTES) : '');
  const onFileReport = (update: DrillUpdate) => {
    if (stage.json || update.what === 'done' || (update.what === 'memory' && bar(update) === lastBar)) return;
    lastBar = bar(update) || lastBar;
    printUpdate(stage, update, bar(update), stage.time.monotonic() - begun);
  };
  const [result] = await runDrills([name], { time: stage.time, connect: stage.connect, onFileReport });
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

function printUpdate(stage: Stage, { what, text }: DrillUpdate, bar: string, atMs: number) {
  const at = `${(atMs / 1_000).toFixed(1)}s`.padStart(7);
  stage.note(bar ? `${at}  ${bar}` : `${at}  ${stage.paintNote('bold', what.padEnd(9))} ${text}`);
}
