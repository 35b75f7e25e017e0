import type { Ops } from '../../control/protocol.ts';
import type { PageCall } from '../page.ts';
import { LineChart } from './charts.tsx';
import { Choices, counted, Section, When } from './parts.tsx';
import { thinned } from './trends.tsx';
import { TREND_WINDOWS } from './windows.ts';

type HostLoad = Ops['hostLoad']['value'];
type Window = Ops['hostLoad']['args']['window'];
type Figure = 'workers' | 'busy' | 'waiting';

/** Points of a line; more are not seen. */
const MOST_POINTS = 72;

/** The load of the window that the address names; undefined where neither the host nor its store answers. */
export async function loadOf({ ask, query }: PageCall): Promise<HostLoad | undefined> {
  const named = TREND_WINDOWS.find(({ value }) => value === query.get('load'))?.value as Window;
  return await ask('hostLoad', { window: named ?? '24h' }).catch(() => undefined);
}

/** Workers and waiting jobs over a window as small multiples, with a sentence that says the most of each. */
export function LoadOverTime({ load, call }: { load: HostLoad | undefined; call: PageCall }) {
  if (!load) return null;
  const line = (key: Figure, title: string) => (
    <LineChart
      values={thinned(evenFigures(load, key), MOST_POINTS)}
      title={title}
      words={(value) => value.toLocaleString('en')}
    />
  );
  return (
    <Section
      title="Workers and queue over time"
      id="load"
      aside={<Choices call={call} name="load" choices={TREND_WINDOWS} fallback="24h" label="Window" />}
    >
      <LoadWords load={load} call={call} />
      <div class="multiples">
        {line('workers', 'Workers')}
        {line('busy', 'Workers with a job')}
        {line('waiting', 'Waiting jobs')}
      </div>
    </Section>
  );
}

function LoadWords({ load: { points }, call }: { load: HostLoad; call: PageCall }) {
  if (points.length === 0) return <p class="empty">Nothing was measured in this time.</p>;
  const most = (key: Figure) => Math.max(...points.map((point) => point[key]));
  const longest = points.find(({ waiting }) => waiting === most('waiting'))!;
  return (
    <p class="dim">
      At most {counted(most('workers'), 'worker')}, {most('busy').toLocaleString('en')} of them with a job;{' '}
      {longest.waiting === 0 ? (
        'no job waited when it was measured.'
      ) : (
        <>
          the longest queue, {counted(longest.waiting, 'job')}, <When at={longest.at} clock={call.clock} />.
        </>
      )}
    </p>
  );
}

/** The values of the whole window at equal distances; null where no host ran. */
function evenFigures({ from, to, stepMs, points }: HostLoad, key: Figure): (number | null)[] {
  const begin = Date.parse(from);
  const byPlace = new Map(points.map((point) => [Math.floor((Date.parse(point.at) - begin) / stepMs), point[key]]));
  const places = Math.min(200, Math.ceil((Date.parse(to) - begin) / stepMs));
  return Array.from({ length: places }, (_, place) => byPlace.get(place) ?? null);
}
