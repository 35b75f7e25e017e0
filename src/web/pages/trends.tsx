import type { TrendsView } from '../../control/protocol.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { Page } from '../page.ts';
import { Beats, beatOfStretch } from './beats.tsx';
import { Sparkline } from './charts.tsx';
import { addressOf, Choices, counted, Section, Table } from './parts.tsx';
import { inShell } from './shell.tsx';
import { evenPoints, stretchesOf, TREND_WINDOWS, windowOf } from './windows.ts';

const MOST_BARS = 60;
const MOST_AGENTS = 100;

/** How every agent did over a window: jobs that ended well, durations, lateness, memory. */
export const trendsPage: Page = {
  path: '/trends',
  async render(call) {
    const window = windowOf(call.query.get('window')) ?? '24h';
    const trends = await call.ask('trends', { window, points: true });
    return inShell(call, 'Trends', () => (
      <Section
        title={counted(trends.agents.length, 'agent')}
        id="list"
        aside={<Choices call={call} name="window" choices={TREND_WINDOWS} fallback="24h" label="Window" />}
      >
        {trends.agents.length === 0 ? (
          <p class="empty">Nothing happened in this time.</p>
        ) : (
          <Table label="Trends" heads={['Agent', 'Done', 'Jobs over time', 'p95', 'Late, p95', 'Memory, peak']}>
            {trends.agents.slice(0, MOST_AGENTS).map((agent) => (
              <TrendRow agent={agent} trends={trends} />
            ))}
          </Table>
        )}
      </Section>
    ));
  },
};

function TrendRow({ agent, trends }: { agent: TrendsView['agents'][number]; trends: TrendsView }) {
  const points = evenPoints(trends, agent);
  const line = (key: 'p95Ms' | 'lateP95Ms' | 'memoryPeakBytes') => points.map((point) => point?.[key] ?? null);
  return (
    <tr id={`trend-${agent.agent}`}>
      <th scope="row">
        <a href={addressOf('agents', agent.agent)}>{agent.agent}</a>
      </th>
      <td>
        <DoneShare agent={agent} />
      </td>
      <td class="bars">
        <Beats
          beats={stretchesOf(points, MOST_BARS).map(beatOfStretch)}
          label={`Jobs of ${agent.agent}: ${agent.done} done, ${agent.dead} gave up`}
        />
      </td>
      <td data-is="p95">
        <Sparkline values={line('p95Ms')} label={`p95 of ${agent.agent}`} words={durationWords(agent.p95Ms)} />
      </td>
      <td data-is="late">
        <Sparkline
          values={line('lateP95Ms')}
          label={`Lateness of ${agent.agent}`}
          words={durationWords(agent.lateP95Ms)}
        />
      </td>
      <td data-is="memory">
        <Sparkline
          values={line('memoryPeakBytes')}
          label={`Memory of ${agent.agent}`}
          words={agent.memoryPeakBytes === null ? '–' : formatSize(agent.memoryPeakBytes)}
        />
      </td>
    </tr>
  );
}

/** The share of jobs that were done: never 100 where one was not. */
function DoneShare({ agent: { uptime, done, dead } }: { agent: TrendsView['agents'][number] }) {
  if (uptime === null) return <span class="dim">–</span>;
  const share = dead > 0 ? Math.min(99.9, uptime * 100).toFixed(1) : '100';
  return (
    <>
      <span class={dead > 0 ? 'yellow' : 'green'}>{share} %</span>{' '}
      <span class="dim">of {(done + dead).toLocaleString('en')}</span>
    </>
  );
}

function durationWords(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms);
}
