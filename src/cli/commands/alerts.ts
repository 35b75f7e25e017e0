import type { Ops } from '../../control/protocol.ts';
import { deliveryWords } from '../../control/words/alert.ts';
import { fullTime, shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';

type Alerts = Ops['alerts']['value'];
type Windows = Ops['maintenance']['value'];

/** Alerts, the newest first, with what became of their deliveries. */
export async function alertsCommand(stage: Stage, [agent]: Words): Promise<CommandResult> {
  const { value, down } = await stage.askAnyway('alerts', { agent });
  return { json: value, lines: alertLines(value, stage), code: down ? 4 : 0 };
}

function alertLines(alerts: Alerts, look: Look): string[] {
  const { paint, clock } = look;
  if (alerts.length === 0) return [`${paint('green', '✓')} no alerts`];
  const columns = [
    '',
    'SINCE',
    { title: 'WHAT', atLeast: 20 },
    { title: 'LEFT TO YOU', atLeast: 16, drop: 2 },
    { title: 'DELIVERED', atLeast: 16 },
    { title: 'ID', drop: 1 },
  ];
  const rows = alerts.map((alert): Row => {
    const isOpen = alert.state === 'firing';
    const left = isOpen ? alert.left : (alert.ending ?? 'over');
    const sign = isOpen ? (['✗', 'red'] as const) : (['✓', 'green'] as const);
    return [
      [...sign],
      shortTime(Date.parse(alert.since), clock),
      oneLine(alert.title),
      oneLine(left),
      deliveryWords(alert, 'here'),
      alert.id,
    ];
  });
  const open = alerts.find(({ state }) => state === 'firing');
  return [...table(columns, rows, look), ...(open ? [`  ${paint('cyan', '→')} ${open.next}`] : [])];
}

/** Sends a test through each channel, and waits for its delivery. Exit code 1 when one is not delivered. */
export async function alertsTestCommand(stage: Stage, [channel]: Words): Promise<CommandResult> {
  const value = await stage.ask('alertsTest', { channel });
  const lines = value.map(({ channel: name, ok, tookMs, why, job }) => {
    const sign = ok ? stage.paint('green', '✓') : stage.paint('red', '✗');
    const way = job === null || ok ? '' : `        daruma jobs ${job}`;
    return `${sign} ${name} ${ok ? `delivered in ${formatDuration(tookMs)}` : `${oneLine(why ?? 'not delivered')}${way}`}`;
  });
  return { json: value, lines, code: value.every(({ ok }) => ok) ? 0 : 1 };
}

/** Maintenance windows that hold now. */
export async function maintenanceCommand(stage: Stage): Promise<CommandResult> {
  const value = await stage.ask('maintenance', {});
  if (value.length === 0) return { json: value, lines: ['no maintenance window holds now'] };
  return { json: value, lines: value.map((one) => windowLine(one, stage)) };
}

export async function maintenanceStartCommand(stage: Stage, [agent]: Words, options: Given): Promise<CommandResult> {
  const terms = { clock: stage.clock, command: 'maintenance start' };
  const { forMs, note } = argumentsOf('maintenanceStart', { for: '1h', ...options }, terms);
  const window = await stage.ask('maintenanceStart', { agent, forMs, note });
  return {
    json: window,
    lines: [windowLine(window, stage), `  ${stage.paint('cyan', '→')} daruma maintenance end ${window.id}`],
  };
}

export async function maintenanceEndCommand(stage: Stage, [id]: Words): Promise<CommandResult> {
  const value = await stage.ask('maintenanceEnd', { id });
  const lines = value.map(({ agent }) => `${stage.paint('green', '✓')} you are told of ${agent ?? 'everything'} again`);
  return { json: value, lines };
}

function windowLine({ id, agent, until, note }: Windows[number], { paint, clock }: Look): string {
  const whom = agent ?? 'anything';
  return `${paint('yellow', '‖')} ${id}  nobody is told of ${whom} until ${fullTime(Date.parse(until), clock)}${note ? `: ${oneLine(note)}` : ''}`;
}
