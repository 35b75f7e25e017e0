import type { Ops } from '../../control/protocol.ts';
import { clockTime, shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { formatSize } from '../../kernel/units.ts';
import { expectAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';

type Deliveries = Ops['deliveries']['value'];

/** Deliveries to agents, newest first; with `--again` one of them, refused or not, is given to its agent once more. */
export async function deliveriesCommand(
  stage: Stage,
  [agent]: Words,
  options: Given & { again?: string },
): Promise<CommandResult> {
  if (options.again !== undefined) {
    const job = await stage.ask('deliver', { job: options.again });
    const line = `${stage.paint('green', '✓')} ${job.agent} gets it once more, as ${job.id}        daruma jobs ${job.id}`;
    return { json: job, lines: [line] };
  }
  const args = argumentsOf('deliveries', options, { clock: stage.clock, command: 'deliveries' });
  const { value, down } = await stage.askAnyway('deliveries', { ...args, agent });
  if (agent !== undefined && value.deliveries.length === 0) await expectAgent(stage, agent, 'agent');
  return { json: value, lines: [...deliveryLines(value, stage), ...unprovenLines(value, stage)], code: down ? 4 : 0 };
}

function deliveryLines({ deliveries }: Deliveries, look: Look): string[] {
  if (deliveries.length === 0) return ['nothing was delivered'];
  const columns = [
    '',
    { title: 'AT', drop: 3 },
    { title: 'AGENT', atLeast: 12 },
    { title: 'EVENT', drop: 2 },
    { title: 'DELIVERY', atLeast: 12, drop: 1 },
    'JOB',
    { title: 'WHAT CAME OF IT', atLeast: 16 },
  ];
  const rows = deliveries.map(({ at, agent, is, event, delivery, job, state, reason, refusal }): Row => {
    const { sign, style } = is === 'queued' ? signOf(state!) : SIGNS[is];
    const cells = [oneLine(event ?? '–'), oneLine(delivery ?? '–'), job ?? refusal ?? '–'];
    return [[sign, style], shortTime(Date.parse(at), look.clock), agent, ...cells, oneLine(reason ?? state ?? is)];
  });
  return table(columns, rows, look);
}

const SIGNS = { refused: { sign: '✗', style: 'red' }, answered: { sign: '✓', style: 'green' } } as const;

function unprovenLines({ unproven }: Deliveries, { clock }: Look): string[] {
  if (unproven.length === 0) return [];
  const lines = unproven.flatMap(({ agent, reason, count, lastAt, newest }) => {
    const whom = agent === null ? 'nobody' : agent;
    const times = count === 0 ? 'before that' : `${count}`;
    return [
      `  ${times} to ${whom}: ${reason}, the last ${shortTime(Date.parse(lastAt), clock)}`,
      ...newest.map((one) => `      ${newestLine(one, clock)}`),
    ];
  });
  return ['', '· refused because they proved nothing, since the host started:', ...lines];
}

/** `12:04:31 1.2 KB, x-github-event issues, x-github-delivery d-1` */
function newestLine({ at, bytes, headers }: Deliveries['unproven'][number]['newest'][number], clock: Look['clock']) {
  const said = Object.entries(headers).map(([name, value]) => `${name} ${oneLine(value)}`);
  return [`${clockTime(Date.parse(at), clock)} ${formatSize(bytes)}`, ...said].join(', ');
}
