import type { Ops } from '../../control/protocol.ts';
import { seriesFigure, seriesName } from '../../control/words/series.ts';
import { formatDuration } from '../../kernel/units.ts';
import { Sparkline } from './charts.tsx';
import { Section, Table } from './parts.tsx';
import { thinned } from './trends.tsx';

type Measured = Ops['series']['value'];
type Series = Measured['series'][number];

/** Series of one page; a page has at most 100 KB. */
const MOST_SERIES = 40;
/** Points of a line in a cell; more are not seen. */
const MOST_POINTS = 36;
/** Series that the charts above show already. */
const CHARTED: ReadonlySet<string> = new Set(['memory', 'duration', 'jobs.late']);

/** The series of an agent in the window: the author's own series first, each with its course. */
export function MeasuredSection({ measured, agent }: { measured: Measured | undefined; agent: string }) {
  const all = (measured?.series ?? []).filter(({ name }) => !CHARTED.has(name));
  if (!measured || all.length === 0) return null;
  const own = ({ name }: Series) => Number(name.startsWith('context.'));
  const shown = all.toSorted((a, b) => own(b) - own(a)).slice(0, MOST_SERIES);
  return (
    <Section title="Measured" id="measured" aside={<span class="dim">per {formatDuration(measured.stepMs)}</span>}>
      <Table label="Measured" heads={['Series', 'Course, newest and usual']}>
        {shown.map((series) => (
          <SeriesRow series={series} measured={measured} />
        ))}
      </Table>
      <p class="dim">
        {all.length > shown.length && `${all.length - shown.length} more: `}
        <code>daruma metrics {agent}</code>
      </p>
    </Section>
  );
}

function SeriesRow({ series, measured }: { series: Series; measured: Measured }) {
  const name = seriesName(series);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <Sparkline
          values={thinned(evenValues(measured, series), MOST_POINTS)}
          label={name}
          words={seriesFigure(series, series.now)}
        />{' '}
        <span class="dim">usual {seriesFigure(series, series.usual)}</span>
      </td>
    </tr>
  );
}

/** The values of the whole window at equal distances; null where nothing was measured. */
function evenValues({ from, to, stepMs }: Measured, { points }: Series): (number | null)[] {
  const begin = Date.parse(from);
  const byPlace = new Map(points.map(({ at, value }) => [Math.floor((Date.parse(at) - begin) / stepMs), value]));
  const places = Math.min(400, Math.max(1, Math.ceil((Date.parse(to) - begin) / stepMs)));
  return Array.from({ length: places }, (_, place) => byPlace.get(place) ?? null);
}
