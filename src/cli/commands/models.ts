import type { ModelsView, RungView } from '../../control/protocol.ts';
import { shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage } from '../ports.ts';
import type { Style } from '../text/paint.ts';
import { type Row, table } from '../text/table.ts';

/** The chain of models: each rung with its model, its state and what came of its calls; exit code 3 while none can be asked. */
export async function modelsCommand(stage: Stage): Promise<CommandResult> {
  const value = await stage.ask('models', {});
  const { gateway, why, chain } = value;
  const head = gateway
    ? `the model gateway listens on port ${gateway.port}, process ${gateway.pid}`
    : `no model gateway: ${why}`;
  const isAskable = chain.some(({ state }) => state === 'ready');
  const rows = chain.length === 0 ? ['models.chain of config/daruma.yaml has no rung'] : rungTable(value, stage);
  return { json: value, lines: [head, '', ...rows], code: gateway && !isAskable ? 3 : 0 };
}

const SIGNS: Readonly<Record<RungView['state'], readonly [sign: string, style: Style]>> = {
  ready: ['✓', 'green'],
  cooling: ['◌', 'yellow'],
  closed: ['✗', 'red'],
  off: ['·', 'dim'],
  down: ['✗', 'red'],
};

function rungTable({ chain, calls, firstTokenMs }: ModelsView, stage: Stage): string[] {
  const columns = [
    '',
    'RUNG',
    { title: 'MODEL', atLeast: 12 },
    'STATE',
    { title: 'UNTIL', drop: 2 },
    { title: 'PROVEN', drop: 1 },
    { title: 'GOOD', right: true, drop: 4 },
    { title: 'OTHER', right: true, drop: 4 },
    { title: 'FIRST TOKEN', right: true, drop: 3 },
    { title: 'WHY', atLeast: 16 },
  ];
  const when = (at: string | null) => (at === null ? '–' : shortTime(Date.parse(at), stage.clock));
  const rows = chain.map(({ name, model, state, until, provenAt, why }): Row => {
    const [sign, style] = SIGNS[state];
    const own = calls.filter(({ rung }) => rung === name);
    const sumOf = (good: boolean) =>
      own.reduce((sum, { verdict, count }) => ((verdict === 'good') === good ? sum + count : sum), 0);
    const ms = firstTokenMs.find(({ rung }) => rung === name)?.ms;
    const counts = [`${sumOf(true)}`, `${sumOf(false)}`, ms === undefined ? '–' : `${ms} ms`];
    const cells = [name, oneLine(model ?? '–'), state, when(until), when(provenAt), ...counts, oneLine(why ?? '')];
    return [[sign, style], ...cells];
  });
  return table(columns, rows, stage);
}
