import type { Ops } from '../../control/protocol.ts';
import { seriesFigure, seriesName } from '../../control/words/series.ts';
import { shortTime } from '../../kernel/clock.ts';
import { given } from '../../kernel/given.ts';
import { formatDuration } from '../../kernel/units.ts';
import { expectAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { type Row, table } from '../text/table.ts';

type SeriesAnswer = Ops['series']['value'];
type Series = SeriesAnswer['series'][number];

const BARS = '▁▂▃▄▅▆▇█';
/** Letters of a course, at most. */
const PLACES = 24;

/** The series of an agent, or of the host, a line each: the figure of now, the usual one, and the course. */
export async function metricsCommand(stage: Stage, [agent]: Words, options: Given): Promise<CommandResult> {
  const args = { ...argumentsOf('series', options, { clock: stage.clock, command: 'metrics' }), ...given({ agent }) };
  const { value, down } = await stage.askAnyway('series', args);
  const code = down ? 4 : 0;
  if (value.series.length > 0) return { json: value, lines: seriesLines(value, stage), code };
  if (agent !== undefined) await expectAgent(stage, agent);
  return { json: value, lines: ['nothing was measured in this time'], code };
}

function seriesLines(answer: SeriesAnswer, stage: Stage): string[] {
  const { series, stepMs, from } = answer;
  const rows = series.map((one): Row => {
    return [seriesName(one), seriesFigure(one, one.now), seriesFigure(one, one.usual), sparkOf(one, answer)];
  });
  const columns = [
    { title: `per ${formatDuration(stepMs)}`, atLeast: 20 },
    { title: 'now', right: true },
    { title: 'usual', right: true },
    { title: `since ${shortTime(Date.parse(from), stage.clock)}`, drop: 1 },
  ];
  return table(columns, rows, stage);
}

/** A letter for each stretch of time: the height is its most, of the most of all; `·` stands for a stretch without a value. */
function sparkOf({ points }: Series, { from, to, stepMs }: SeriesAnswer): string {
  const begin = Date.parse(from);
  const steps = Math.round((Date.parse(to) - begin) / stepMs);
  const size = Math.max(1, Math.ceil(steps / PLACES));
  const most = new Map<number, number>();
  for (const { at, value } of points) {
    const place = Math.floor((Date.parse(at) - begin) / stepMs / size);
    most.set(place, Math.max(most.get(place) ?? 0, value));
  }
  const highest = Math.max(...most.values());
  return Array.from({ length: Math.ceil(steps / size) }, (_, place) => {
    const value = most.get(place);
    if (value === undefined) return '·';
    return BARS[Math.max(0, Math.ceil((value / highest) * BARS.length) - 1)] ?? BARS[0]!;
  }).join('');
}
