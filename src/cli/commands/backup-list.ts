import { formatSize } from '../../kernel/units.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { shortTime } from '../text/clock.ts';
import { type Row, table } from '../text/table.ts';

/** The archives of the installation; no host has to run. */
export async function run(stage: Stage): Promise<CommandResult> {
  const backups = (await stage.launcher.backups(stage.folder)).list();
  if (backups.length === 0) {
    const lines = ['no backups yet', `  ${stage.paint('cyan', '→')} daruma backup now`];
    return { json: backups, lines };
  }
  const { clock, width } = stage;
  const rows = backups.map(
    ({ file, at, bytes, verifiedAt }): Row => ({
      cells: [
        `backups/${file}`,
        shortTime(Date.parse(at), clock),
        formatSize(bytes),
        verifiedAt === null ? 'not' : shortTime(Date.parse(verifiedAt), clock),
      ],
    }),
  );
  const columns = [{ title: 'FILE' }, { title: 'MADE' }, { title: 'SIZE', right: true }, { title: 'READ BACK' }];
  const next = `daruma backup restore backups/${backups[0]!.file} restored`;
  const lines = [...table(columns, rows, width), '', `  ${stage.paint('cyan', '→')} ${next}`];
  return { json: backups, lines };
}
