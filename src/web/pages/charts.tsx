import type { IncidentView, JobView } from '../../control/protocol.ts';
import { type Clock, shortTime } from '../../kernel/clock.ts';
import { formatDuration } from '../../kernel/units.ts';

const WIDTH = 600;
const HEIGHT = 80;
const TOP = 10;

/** How long the last jobs of an agent took, oldest first, with a mark over each that an incident names. */
export function DurationChart({
  jobs,
  incidents,
  clock,
}: {
  jobs: readonly JobView[];
  incidents: readonly IncidentView[];
  clock: Clock;
}) {
  const ended = jobs.filter(({ durationMs }) => durationMs !== null).toReversed();
  if (ended.length < 2) return null;
  const most = Math.max(1, ...ended.map(({ durationMs }) => durationMs!));
  const troubled = new Set(incidents.flatMap((incident) => incident.jobs));
  const step = WIDTH / ended.length;
  const first = shortTime(Date.parse(ended[0]!.queuedAt), clock);
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + TOP}`} preserveAspectRatio="none">
        <title>{`How long the last ${ended.length} jobs took: ${formatDuration(most)} at most`}</title>
        {ended.map((job, place) => (
          <DurationBar
            job={job}
            x={place * step}
            width={step}
            share={job.durationMs! / most}
            isTroubled={troubled.has(job.id)}
          />
        ))}
      </svg>
      <figcaption>
        since {first}, at most {formatDuration(most)}
        {troubled.size > 0 && ' · ▼ an incident'}
      </figcaption>
    </figure>
  );
}

interface BarProps {
  job: JobView;
  x: number;
  width: number;
  /** The bar's length as a share of the longest bar. */
  share: number;
  isTroubled: boolean;
}

function DurationBar({ job, x, width, share, isTroubled }: BarProps) {
  const height = Math.max(2, share * HEIGHT);
  const tone = job.state === 'dead' ? 'red' : job.attempt > 1 ? 'yellow' : 'accent';
  return (
    <a href={`/jobs/${job.id}`} aria-label={`${job.id}, ${job.state}, ${formatDuration(job.durationMs!)}`}>
      <rect
        class={tone}
        x={x.toFixed(1)}
        y={(TOP + HEIGHT - height).toFixed(1)}
        width={Math.max(1, width - 2).toFixed(1)}
        height={height.toFixed(1)}
      />
      {isTroubled && <path class="mark" d={`M${(x + width / 2 - 4).toFixed(1)} 0h8l-4 7z`} />}
    </a>
  );
}

/** A line of values at equal distances; gaps are left where nothing was measured. */
export function Sparkline({
  values,
  label,
  words,
}: {
  values: readonly (number | null)[];
  label: string;
  words: string;
}) {
  return (
    <span class="spark">
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={`${label}: ${words}`}>
        <path d={lineOf(values, Math.max(0, ...values.map((value) => value ?? 0)))} />
      </svg>{' '}
      {words}
    </span>
  );
}

interface LineChartProps {
  values: readonly (number | null)[];
  title: string;
  words(value: number): string;
  /** A value that is drawn as a line of its own. */
  limit?: number;
  /** A moment that is marked: where it lies (0 … 1) and its words. */
  mark?: { place: number; words: string };
}

/** A line of values at equal distances, with its title, its largest value, perhaps a limit and a marked moment. */
export function LineChart({ values, title, words, limit, mark }: LineChartProps) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2)
    return (
      <p class="dim">
        {title}: {known.length === 0 ? 'not measured' : `${words(known[0]!)}, too few values for a line`}
      </p>
    );
  const most = Math.max(...known);
  // A limit far above the values would flatten them.
  const isNear = limit !== undefined && limit > 0 && limit < most * 4;
  const top = isNear ? Math.max(limit, most) : most;
  const text = `${title}: at most ${words(most)}${limit ? ` of ${words(limit)}` : ''}${mark ? `; ${mark.words}` : ''}`;
  const markAt = mark && Math.min(99.5, Math.max(0.5, mark.place * 100)).toFixed(1);
  return (
    <figure class="chart line">
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={text}>
        {isNear && <path class="limit" d={`M0 ${(22 - (limit / top) * 20).toFixed(1)}H100`} />}
        {mark && <path class="moment" d={`M${markAt} 0V24`} />}
        <path d={lineOf(values, top)} />
      </svg>
      <figcaption>{text}</figcaption>
    </figure>
  );
}

/** Drawn into 100 × 24; a value that stands alone is a short stroke. */
function lineOf(values: readonly (number | null)[], most: number): string {
  const step = 100 / Math.max(1, values.length - 1);
  let d = '';
  for (const [place, value] of values.entries()) {
    if (value === null) continue;
    const isBegin = (values[place - 1] ?? null) === null;
    d += `${isBegin ? 'M' : 'L'}${(place * step).toFixed(1)} ${(22 - (most > 0 ? value / most : 0) * 20).toFixed(1)}`;
    if (isBegin && (values[place + 1] ?? null) === null) d += place === values.length - 1 ? 'h-1' : 'h1';
  }
  return d;
}
