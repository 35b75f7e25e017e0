import type { StatusView, TrendsView } from '../../control/protocol.ts';
import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import { slopeOf, steadinessOf } from '../../kernel/statistics.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { Page } from '../page.ts';
import { Beats, beatOfStretch } from './beats.tsx';
import { BillTable } from './bills.tsx';
import { Sparkline } from './charts.tsx';
import { addressOf, Choices, counted, Section, withQuery } from './parts.tsx';
import { inShell } from './shell.tsx';
import { earlyWarningsOf, WarningList } from './warnings.tsx';
import { evenPoints, stretchesOf, TREND_WINDOWS, windowOf } from './windows.ts';

const MOST_BARS = 60;
/** Points of a line; more are not seen, and a page has at most 100 KB. */
const MOST_POINTS = 42;
/** Agents of one page. */
const MOST_AGENTS = 40;

type AgentTrend = TrendsView['agents'][number];
type Figure = 'errorRate' | 'p95Ms' | 'lateP95Ms' | 'memoryPeakBytes';

/** How every agent did over a window, as small multiples: jobs that ended well, errors, durations, lateness, memory. */
export const trendsPage: Page = {
  path: '/trends',
  async render(call) {
    const window = windowOf(call.query.get('window')) ?? '24h';
    const first = Math.max(0, Number.parseInt(call.query.get('from') ?? '', 10) || 0);
    const [trends, warnings, bills] = await Promise.all([
      call.ask('trends', { window, points: true }),
      earlyWarningsOf(call),
      call.ask('bills', {}).catch(() => undefined),
    ]);
    const shown = trends.agents.slice(first, first + MOST_AGENTS);
    return inShell(call, 'Trends', (status) => (
      <>
        <WarningList warnings={warnings} call={call} />
        <Now status={status} />
        <Section
          title={counted(trends.agents.length, 'agent')}
          id="list"
          aside={<Choices call={call} name="window" choices={TREND_WINDOWS} fallback="24h" label="Window" />}
        >
          {shown.length === 0 && <p class="empty">Nothing happened in this time.</p>}
          <div class="multiples">
            {shown.map((agent) => (
              <AgentTrends agent={agent} trends={trends} limitBytes={limitOf(agent, status)} />
            ))}
          </div>
          <nav class="pages" aria-label="More agents">
            {first > 0 && <a href={withQuery(call, { from: undefined })}>first</a>}
            {first + MOST_AGENTS < trends.agents.length && (
              <a href={withQuery(call, { from: String(first + MOST_AGENTS) })}>more agents</a>
            )}
          </nav>
        </Section>
        <BillTable bills={bills} />
      </>
    ));
  },
};

function limitOf({ agent }: AgentTrend, { agents }: StatusView): number {
  return agents.find(({ name }) => name === agent)?.memory.limitBytes ?? 0;
}

/** Workers and the queue as they are; the page of the host has them over time. */
function Now({ status: { host } }: { status: StatusView }) {
  if (!host) return null;
  return (
    <p class="dim" id="now">
      Now: {counted(host.workers, 'worker')} in {counted(host.cells, 'cell')}, {host.queued.toLocaleString('en')}{' '}
      queued, {(host.waiting ?? host.queued).toLocaleString('en')} waiting, event loop {Math.round(host.loopLagMs)} ms
      behind. <a href="/host#load">over time</a>
    </p>
  );
}

interface AgentTrendsProps {
  agent: AgentTrend;
  trends: TrendsView;
  limitBytes: number;
}

function AgentTrends({ agent, trends, limitBytes }: AgentTrendsProps) {
  const points = evenPoints(trends, agent);
  const name = agent.agent;
  const line = (key: Figure, label: string, words: string) => (
    <div>
      <dt>{label}</dt>
      <dd>
        <Sparkline
          values={thinned(
            points.map((point) => point?.[key] ?? null),
            MOST_POINTS,
          )}
          label={`${label} of ${name}`}
          words={words}
        />
      </dd>
    </div>
  );
  return (
    <section class="multiple" aria-labelledby={`trend-${name}`}>
      <AgentHead agent={agent} />
      <Beats
        beats={stretchesOf(points, MOST_BARS).map(beatOfStretch)}
        label={`Jobs of ${name}: ${agent.done} done, ${agent.dead} gave up`}
      />
      <dl>
        {line('errorRate', 'Errors', agent.errorRate === null ? '–' : `${(agent.errorRate * 100).toFixed(1)} %`)}
        {line('p95Ms', 'p95', durationWords(agent.p95Ms))}
        <Quantiles agent={agent} />
        {line('lateP95Ms', 'Late, p95', durationWords(agent.lateP95Ms))}
        {line('memoryPeakBytes', 'Memory, peak', memoryTrendWords(agent, trends, limitBytes))}
      </dl>
    </section>
  );
}

function AgentHead({ agent }: { agent: AgentTrend }) {
  const name = agent.agent;
  return (
    <h3 id={`trend-${name}`}>
      <a href={addressOf('agents', name)}>{name}</a> <DoneShare agent={agent} />{' '}
      <small>
        <a href={`${addressOf('agents', name)}#measured`} aria-label={`series of ${name}`}>
          series
        </a>
      </small>
    </h3>
  );
}

function Quantiles({ agent: { p50Ms, p99Ms } }: { agent: AgentTrend }) {
  return (
    <div>
      <dt>p50, p99</dt>
      <dd>{p50Ms === null ? '–' : `${durationWords(p50Ms)}, ${durationWords(p99Ms)}`}</dd>
    </div>
  );
}

/** The highest value of each of at most `most` stretches of equal length; null where nothing was measured. */
export function thinned(values: readonly (number | null)[], most: number): (number | null)[] {
  const size = Math.ceil(values.length / most);
  if (size <= 1) return [...values];
  return Array.from({ length: Math.ceil(values.length / size) }, (_, at) => {
    const known = values.slice(at * size, (at + 1) * size).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  });
}

/** Hours that a slope needs, and how steadily memory has to rise for a limit to be told: as early warnings want it. */
const LEAST_POINTS = 12;
const LEAST_STEADINESS = 0.7;

/** `88 MB`, and where memory rises steadily over the window `88 MB, +3 MB/h, limit in 20 h`. */
export function memoryTrendWords(
  { memoryPeakBytes, points = [] }: AgentTrend,
  { window }: TrendsView,
  limitBytes: number,
): string {
  if (memoryPeakBytes === null) return '–';
  const peak = formatSize(memoryPeakBytes);
  const known = points.flatMap(({ at, memoryPeakBytes: value }) =>
    value === null ? [] : [{ at: Date.parse(at), value }],
  );
  const slope = slopeOf(known);
  if (known.length < LEAST_POINTS || slope <= 0 || steadinessOf(known) < LEAST_STEADINESS) return peak;
  const [per, unit] = window === '24h' || window === '7d' ? [HOUR_MS, 'h'] : [DAY_MS, 'd'];
  const leftMs = (limitBytes - known.at(-1)!.value) / slope;
  const limit = limitBytes > 0 && leftMs < 30 * DAY_MS ? `, limit in ${formatDuration(Math.max(0, leftMs))}` : '';
  return `${peak}, +${formatSize(slope * per)}/${unit}${limit}`;
}

/** The share of jobs that were done: never 100 where one was not. */
function DoneShare({ agent: { uptime, done, dead } }: { agent: AgentTrend }) {
  if (uptime === null) return <small class="dim">no job ended</small>;
  const share = dead > 0 ? Math.min(99.9, uptime * 100).toFixed(1) : '100';
  return (
    <small>
      <span class={dead === 0 ? 'green' : done > 0 ? 'yellow' : 'red'}>{share} %</span>{' '}
      <span class="dim">of {(done + dead).toLocaleString('en')} done</span>
    </small>
  );
}

function durationWords(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms);
}
