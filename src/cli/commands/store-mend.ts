import type { Said, Stage } from '../ports.ts';
import { isWhole, storeLines, storeView } from './store-check.ts';

/** Sets aside every row that cannot be read, host or no host; exit code 1 when something is left that it cannot mend. */
export async function run(stage: Stage): Promise<Said> {
  const view = await storeView(stage, true);
  const { mended } = view;
  const done =
    mended === 0 ? 'nothing had to be set aside' : `${mended} ${mended === 1 ? 'row was' : 'rows were'} set aside`;
  return { json: view, lines: [...storeLines(view, stage), `  ${done}`], code: isWhole(view) ? 0 : 1 };
}
