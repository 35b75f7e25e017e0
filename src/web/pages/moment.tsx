import type { IncidentView, StatusView, TrendsView } from '../../control/protocol.ts';
import { type Clock, shortTime } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { PageCall } from '../page.ts';
import { LineChart } from './charts.tsx';
import { Section } from './parts.tsx';
import { evenPoints } from './windows.ts';

/** Minutes are kept for two days; a window of them must still be whole. */
const MINUTES_KEPT_MS = 2 * DAY_MS - 2 * HOUR_MS;
/** The time after its opening that the chart of an incident shows. */
const AFTER = { '1h': 20 * MINUTE_MS, '24h': 8 * HOUR_MS } as const;

/** The figures of the agent of an incident around its opening, by minutes, or by hours where minutes are gone; undefined for the host. */
export async function aroundIncident(incident: IncidentView, call: PageCall): Promise<TrendsView | undefined> {
  const { agent, openedAt } = incident;
  if (agent === null) return undefined;
  const opened = Date.parse(openedAt);
  const window = call.clock.now - opened < MINUTES_KEPT_MS ? '1h' : '24h';
  const until = isoOf(Math.min(call.clock.now, opened + AFTER[window]));
  return await call.ask('trends', { window, until, agent, points: true }).catch(() => undefined);
}

type Point = NonNullable<TrendsView['agents'][number]['points']>[number];
interface Series {
  title: string;
  valueOf(point: Point): number | null;
  words(value: number): string;
}

const MEMORY: Series = {
  title: 'Memory of its largest worker',
  valueOf: ({ memoryPeakBytes }) => memoryPeakBytes,
  words: formatSize,
};
const LATENESS: Series = {
  title: 'Lateness of its jobs',
  valueOf: ({ lateMaxMs }) => lateMaxMs,
  words: formatDuration,
};
const FAILURES: Series = {
  title: 'Failed attempts',
  valueOf: ({ failedAttempts }) => failedAttempts,
  words: (value) => String(value),
};
/** The figure that shows a verdict best. Default: failed attempts. */
const SERIES: Readonly<Record<string, Series>> = {
  leaking: MEMORY,
  'over-limit': MEMORY,
  'out-of-memory': MEMORY,
  late: LATENESS,
  stuck: LATENESS,
  silent: LATENESS,
  'falling-behind': LATENESS,
  unscheduled: LATENESS,
};

interface MomentProps {
  incident: IncidentView;
  trends: TrendsView;
  status: StatusView;
  clock: Clock;
}

/** A chart of the figure that the verdict is about, with the opening of the incident marked and told in words. */
export function MomentChart({ incident, trends, status, clock }: MomentProps) {
  const series = SERIES[incident.verdict] ?? FAILURES;
  const [from, to, opened] = [trends.from, trends.to, incident.openedAt].map((at) => Date.parse(at)) as [
    number,
    number,
    number,
  ];
  const [agent] = trends.agents;
  const points = agent ? evenPoints(trends, agent) : [];
  const values = points.map((point) => (point ? series.valueOf(point) : null));
  if (values.filter((value) => value !== null).length < 2) return null;
  const limit = series === MEMORY ? limitOf(incident, status) : undefined;
  return (
    <Section title={`${shortTime(from, clock)} to ${shortTime(to, clock)}`} id="moment">
      <LineChart
        values={values}
        title={series.title}
        words={series.words}
        {...(limit === undefined ? {} : { limit })}
        mark={{ place: (opened - from) / (to - from), words: `opened at ${shortTime(opened, clock)}` }}
      />
    </Section>
  );
}

/** The limit that held then, or the limit of now. */
function limitOf({ agent, evidence }: IncidentView, status: StatusView): number | undefined {
  const memory = evidence?.memory as { limitBytes?: unknown } | undefined;
  if (typeof memory?.limitBytes === 'number') return memory.limitBytes;
  return status.agents.find(({ name }) => name === agent)?.memory.limitBytes;
}
