import { Fault } from '../../kernel/fault.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { isWhole, storeLines } from './store-check.ts';

/** Every row is looked at, which takes as long as the disk does. */
const ANSWER_WITHIN_MS = 600_000;

/** Sets aside every row that cannot be read, host or no host; exit code 1 when something is left that it cannot mend. */
export async function run(stage: Stage): Promise<CommandResult> {
  const { lookAtStore, mendStore } = await stage.launcher.store();
  const mended = await byHost(stage, () => mendStore(stage.folder));
  const view = { ...(await lookAtStore(stage.folder)), mended };
  const done =
    mended === 0 ? 'nothing had to be set aside' : `${mended} ${mended === 1 ? 'row was' : 'rows were'} set aside`;
  return { json: view, lines: [...storeLines(view, stage), `  ${done}`], code: isWhole(view) ? 0 : 1 };
}

/** Where a host runs the store is its own, and it tells of what it sets aside. */
async function byHost(stage: Stage, otherwise: () => Promise<number>): Promise<number> {
  try {
    return (await stage.ask('storeMend', {}, ANSWER_WITHIN_MS)).mended;
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'HOST_DOWN') throw thrown;
    return otherwise();
  }
}
