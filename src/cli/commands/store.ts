import type { StoreView } from '../../control/protocol.ts';
import { shortTime } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatSize } from '../../kernel/units.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { type Row, table } from '../text/table.ts';

/** Rows of the store that cannot be read, and damage of its file, host or no host; exit code 3 when anything is. */
export async function storeCheckCommand(stage: Stage): Promise<CommandResult> {
  const { lookAtStore } = await stage.launcher.store();
  const view = { ...(await lookAtStore(stage.folder)), mended: 0 };
  const lines = storeLines(view, stage);
  if (view.unreadable.length > 0) lines.push(`  ${stage.paint('cyan', '→')} daruma store mend`);
  return { json: view, lines, code: isWhole(view) ? 0 : 3 };
}

/** Whether the file and every row can be read. */
function isWhole({ integrity, unreadable }: StoreView): boolean {
  return integrity === 'ok' && unreadable.length === 0;
}

/** Lines for people: trouble first, then the rows that were set aside before. */
function storeLines(view: StoreView, stage: Pick<Stage, 'paint' | 'width' | 'clock'>): string[] {
  const { paint, clock } = stage;
  const facts = `${view.file}  schema ${view.schema} · ${formatSize(view.bytes)}`;
  const lines = [`${isWhole(view) ? paint('green', '✓') : paint('red', '✗')} ${facts}`];
  if (view.integrity !== 'ok') {
    lines.push(`  it is damaged: ${oneLine(view.integrity)}`, `  ${paint('cyan', '→')} daruma backup list`);
  }
  const { length } = view.unreadable;
  const none =
    view.integrity === 'ok' ? '  every row can be read' : '  of the rows that can be reached all can be read';
  lines.push(length === 0 ? none : `  ${length} ${length === 1 ? 'row' : 'rows'} cannot be read`);
  const columns = ['TABLE', { title: 'ROW', atLeast: 12 }, { title: 'AGENT', atLeast: 8 }];
  const cellsOf = ({ table, row, agent, why }: StoreView['unreadable'][number]) => [
    table,
    oneLine(row),
    agent ?? '–',
    oneLine(why),
  ];
  if (length > 0) {
    const rows = view.unreadable.map(cellsOf);
    lines.push(...table([...columns, { title: 'WHAT STANDS THERE', atLeast: 20 }], rows, stage));
  }
  if (view.setAside.length > 0) {
    const rows = view.setAside.map((one): Row => [shortTime(Date.parse(one.at), clock), ...cellsOf(one)]);
    const all = ['SET ASIDE', ...columns, { title: 'WHAT STOOD THERE', atLeast: 20 }];
    lines.push(
      '',
      ...table(all, rows, stage),
      `  ${paint('cyan', '→')} daruma store check --json has each row as it was`,
    );
  }
  return lines;
}

/** Every row is looked at, which takes as long as the disk does. */
const ANSWER_WITHIN_MS = 600_000;

/** Sets aside every row that cannot be read, host or no host; exit code 1 when damage is left that cannot be mended. */
export async function storeMendCommand(stage: Stage): Promise<CommandResult> {
  const { lookAtStore, mendStore } = await stage.launcher.store();
  const mended = await byHost(stage, () => mendStore(stage.folder));
  const view = { ...(await lookAtStore(stage.folder)), mended };
  const done =
    mended === 0 ? 'nothing had to be set aside' : `${mended} ${mended === 1 ? 'row was' : 'rows were'} set aside`;
  return { json: view, lines: [...storeLines(view, stage), `  ${done}`], code: isWhole(view) ? 0 : 1 };
}

/** Where a host runs the store is its own, and the host reports what it sets aside. */
async function byHost(stage: Stage, otherwise: () => Promise<number>): Promise<number> {
  try {
    return (await stage.ask('storeMend', {}, ANSWER_WITHIN_MS)).mended;
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'HOST_DOWN') throw thrown;
    return otherwise();
  }
}
