import type { DrillNewsView } from '../../control/protocol.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { drillLines } from '../text/drill.ts';

/** Puts faults into canaries of the running installation and measures; exit code 1 when a promise is broken. */
export async function run(stage: Stage, names: (string | undefined)[]): Promise<CommandResult> {
  const wanted = names.filter((name) => name !== undefined);
  const client = await stage.connect();
  const results = await client.ask('drill', wanted.length > 0 ? { names: wanted } : {}, (item) => {
    if (!stage.json) tell(stage, item as DrillNewsView);
  });
  return { json: results, lines: drillLines(results, stage), code: results.every(({ ok }) => ok) ? 0 : 1 };
}

function tell(stage: Stage, { drill, what, text }: DrillNewsView) {
  if (what === 'started') stage.note(`${stage.paintNote('dim', drill.padEnd(9))} ${text}`);
  if (what === 'seen') stage.note(`${' '.repeat(9)} ${text}`);
}
