import type { Ops } from '../../control/protocol.ts';
import { shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { jobTable } from '../text/job.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';

/** Jobs that gave up, by cause; exit code 3 when there are any. */
export async function dlqCommand(stage: Stage): Promise<CommandResult> {
  const { value: groups, down } = await stage.askAnyway('dlq', {});
  return { json: groups, lines: groupLines(groups, stage), code: down ? 4 : groups.length > 0 ? 3 : 0 };
}

function groupLines(groups: Ops['dlq']['value'], look: Look): string[] {
  const { clock, paint } = look;
  if (groups.length === 0) return [`${paint('green', '✓')} no dead letters`];
  const columns = [
    { title: 'N', right: true },
    { title: 'WHAT HAPPENED', atLeast: 20 },
    'CAUSE',
    { title: 'AGENT', atLeast: 12 },
    { title: 'FIRST', drop: 1 },
    { title: 'LAST', drop: 3 },
    { title: 'EXAMPLE', drop: 2 },
  ];
  const rows = groups.map(
    (group): Row => [
      String(group.count),
      [oneLine(group.example.error?.message ?? ''), 'red'],
      group.cause,
      group.agent,
      shortTime(Date.parse(group.firstAt), clock),
      shortTime(Date.parse(group.lastAt), clock),
      group.example.id,
    ],
  );
  const lines = table(columns, rows, look);
  const { cause } = groups[0]!;
  return [...lines, `  ${paint('cyan', '→')} daruma dlq show ${cause}   daruma replay --cause ${cause} --dry-run`];
}

const MOST = 100;

/** The dead jobs of one cause, newest first, and the newest one's failure with its place. */
export async function dlqShowCommand(stage: Stage, [cause]: Words): Promise<CommandResult> {
  const { value: jobs, down } = await stage.askAnyway('jobs', { states: ['dead'], cause: cause!, limit: MOST });
  if (jobs.length === 0) return { json: jobs, lines: ['no dead letters of that cause'], code: down ? 4 : 1 };
  const lines = jobTable(jobs, stage);
  const error = jobs[0]!.error;
  if (error) lines.push('', ...faultLines(error, stage.paint));
  lines.push(
    `  ${stage.paint('cyan', '→')} daruma replay --cause ${cause} --dry-run   daruma dlq drop --cause ${cause}`,
  );
  return { json: jobs, lines, code: down ? 4 : 3 };
}
