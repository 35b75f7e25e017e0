import { runDrills } from '../../drills/drills.ts';
import type { DrillUpdate } from '../../drills/plans.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { drillLines } from '../text/drill.ts';

/** Does drills on the running installation, and prints what was measured; exit code 1 when a promise is broken. */
export async function run(stage: Stage, names: (string | undefined)[]): Promise<CommandResult> {
  const wanted = names.filter((name) => name !== undefined);
  const results = await runDrills(wanted, {
    time: stage.time,
    connect: stage.connect,
    onFileReport: (news) => {
      if (!stage.json) printUpdate(stage, news);
    },
  });
  return { json: results, lines: drillLines(results, stage), code: results.every(({ ok }) => ok) ? 0 : 1 };
}

function printUpdate(stage: Stage, { drill, what, text }: DrillUpdate) {
  if (what === 'started') stage.note(`${stage.paintNote('dim', drill.padEnd(9))} ${text}`);
  if (what === 'seen') stage.note(`${' '.repeat(9)} ${text}`);
}
