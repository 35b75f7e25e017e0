import type { AgentView, IncidentView, JobView, Ops, TrendsView } from '../../control/protocol.ts';
import { scalingWords, stateWords } from '../../control/words/agent.ts';
import { billWords, monthWords } from '../../control/words/bill.ts';
import { nextTime } from '../../kernel/clock.ts';
import { shortId } from '../../kernel/short-id.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { BillView } from '../../operations/results/bill.ts';
import type { Page, PageCall } from '../page.ts';
import { DurationChart, LineChart } from './charts.tsx';
import { type Deliveries, DeliverySection, deliveriesOf } from './deliveries.tsx';
import { IncidentLink } from './incidents.tsx';
import { InputFields } from './input-form.tsx';
import { FactList } from './job.tsx';
import { JobTable } from './job-table.tsx';
import { MeasuredSection } from './measured.tsx';
import {
  Act,
  addressOf,
  Choices,
  counted,
  FaultBox,
  MemoryMeter,
  Said,
  Section,
  State,
  Table,
  When,
} from './parts.tsx';
import { limitLines, rightWords } from './rights.ts';
import { inShell, PauseLength } from './shell.tsx';
import { evenPoints, TREND_WINDOWS, windowOf } from './windows.ts';

const NEWEST_JOBS = 50;

/** The page of an agent: the reason for its state, its next slot, its last jobs, and the acts that a person can do. */
export const agentPage: Page = {
  path: '/agents/:name',
  async render(call) {
    const agent = call.params.name!;
    // The first question knows the agent, or rejects with `AGENT_UNKNOWN`.
    const jobs = await call.ask('jobs', { agent, limit: NEWEST_JOBS });
    const window = windowOf(call.query.get('window')) ?? '24h';
    const asked = call.ask('trends', { agent, window, points: true }).catch(() => undefined);
    const [measured, trends, next, config, incidents, deliveries, bills] = await Promise.all([
      asked.then((found) => found && call.ask('series', { agent, since: found.from })).catch(() => undefined),
      asked,
      call.ask('next', { agent, n: 3 }).catch((): NextRuns | undefined => undefined),
      call.viewer.role === 'operator'
        ? call.ask('configShow', { agent }).catch((): Config => ({ values: [] }))
        : ({ values: [] } as Config),
      call.ask('incidents', { agent, limit: 10 }).catch((): IncidentView[] => []),
      deliveriesOf(call, agent),
      call.ask('bills', { agent }).catch(() => undefined),
    ]);
    return inShell(call, agent, (status) => {
      const view = status.agents.find(({ name }) => name === agent);
      if (!view)
        return (
          <>
            <p class="calm">This agent is no more; its jobs are kept.</p>
            <JobTable jobs={jobs} call={call} agent={false} />
          </>
        );
      return (
        <AgentBody
          {...{ call, jobs, trends, measured, next, config, incidents, deliveries }}
          agent={view}
          bill={bills?.agents[0]}
        />
      );
    });
  },
};

type NextRuns = Ops['next']['value'];
type Config = Ops['configShow']['value'];

interface BodyProps {
  call: PageCall;
  agent: AgentView;
  jobs: JobView[];
  trends: TrendsView | undefined;
  measured: Ops['series']['value'] | undefined;
  next: NextRuns | undefined;
  config: Config;
  incidents: IncidentView[];
  deliveries: Deliveries;
  bill: BillView | undefined;
}

function AgentBody({ call, agent, jobs, trends, measured, next, config, incidents, deliveries, bill }: BodyProps) {
  return (
    <>
      <p class="lead">
        <State state={agent.state} word={stateWords(agent)} /> <Said text={agent.why} most={500} />
      </p>
      {agent.about && <Said text={agent.about} />}
      {agent.problem && <FaultBox fault={agent.problem} />}
      <AgentActs agent={agent} call={call} />
      <AgentFacts {...{ agent, next, config, call, bill }} />
      <AgentTrends trends={trends} agent={agent} call={call} />
      <MeasuredSection measured={measured} agent={agent.name} />
      <Section
        title={`Last ${counted(jobs.length, 'job')}`}
        id="jobs"
        aside={<a href={`/jobs?agent=${encodeURIComponent(agent.name)}`}>all jobs</a>}
      >
        <DurationChart jobs={jobs} incidents={incidents} clock={call.clock} />
        <JobTable jobs={jobs} call={call} agent={false} />
      </Section>
      <DeliverySection deliveries={deliveries} call={call} />
      <Incidents incidents={incidents} call={call} />
      <Settings config={config} />
    </>
  );
}

function RunNow({ agent, call }: { agent: AgentView; call: PageCall }) {
  return (
    <details class="menu" id="run-now">
      <summary>Run now</summary>
      <div class="sheet">
        <Act call={call} op="run" args={{ agent: agent.name }} label="Run now" look="main">
          <InputFields agent={agent} />
          <p class="field">
            <label>
              <input type="checkbox" name="debug" id="run-debug" /> with debug log, until the job has ended
            </label>
          </p>
        </Act>
      </div>
    </details>
  );
}

function AgentActs({ agent, call }: { agent: AgentView; call: PageCall }) {
  if (call.down || call.viewer.role !== 'operator') return null;
  const { name, state } = agent;
  const isHeld = state === 'paused' || state === 'quarantined';
  return (
    <div class="acts">
      <RunNow agent={agent} call={call} />
      {!isHeld && (
        <details class="menu" id="pause">
          <summary>Pause</summary>
          <div class="sheet">
            <Act call={call} op="pause" args={{ agent: name }} label="Pause">
              <PauseLength id="pause-for" />
            </Act>
          </div>
        </details>
      )}
      {isHeld && <Act call={call} op="resume" args={{ agent: name }} label="Resume" look="main" />}
      {agent.workers.now > 0 && <Act call={call} op="restart" args={{ agent: name }} label="Restart" />}
      <Act call={call} op="level" args={{ agent: name, level: 'debug' }} label="Log debug lines" />
      <a class="button" href={addressOf('versions', agent.plugin)}>
        Versions
      </a>
      <a class="button" href={`/logs?agent=${encodeURIComponent(name)}`}>
        Log
      </a>
    </div>
  );
}

type FactsProps = Omit<BodyProps, 'jobs' | 'trends' | 'measured' | 'incidents' | 'deliveries'>;

function AgentFacts(props: FactsProps) {
  const { agent, config, bill } = props;
  const { now, min, max } = agent.workers;
  const done = agent.hours.reduce((sum, hour) => sum + hour.done, 0);
  const dead = agent.hours.reduce((sum, hour) => sum + hour.dead, 0);
  const p95 = agent.p95Ms === null ? '' : `, p95 ${formatDuration(agent.p95Ms)}`;
  return (
    <FactList
      facts={[
        ['Schedule', agent.schedule && <ScheduleFact {...props} />],
        ['Next', <NextFact {...props} />],
        ['Plugin', <PluginFact {...props} />],
        ['24 hours', `${counted(done, 'job')} done, ${dead} dead${p95}`],
        ['Workers', `${now} now, ${min} to ${max}`],
        ['Scaling', scalingWords(agent, props.call.clock)],
        ['Memory', <MemoryMeter agent={agent} />],
        ['Cell', agent.cell && `${agent.cell}${agent.fence ? `, fence ${agent.fence.fence}` : ''}`],
        ['Limits', limitLines(config.values).join(' · ')],
        [
          'Rights',
          config.values.length > 0 && (rightWords(config.values).join(' · ') || 'nothing but its own data folder'),
        ],
        ['Waiting', counted(agent.waiting ?? agent.queued, 'job')],
        ['Costs today', bill && billWords(bill.today)],
        ['Costs this month', bill && monthWords(bill)],
        ['Dead letters', agent.dead > 0 && <a href={`/dlq?agent=${encodeURIComponent(agent.name)}`}>{agent.dead}</a>],
      ]}
    />
  );
}

function ScheduleFact({ agent, next }: FactsProps) {
  return (
    <>
      <code>{agent.schedule}</code> {agent.timezone} {agent.range}{' '}
      {next?.words && <span class="dim">{next.words}</span>}
    </>
  );
}

function NextFact({ next, call: { clock } }: FactsProps) {
  const times = next?.times ?? [];
  if (times.length === 0) return <span class="dim">none</span>;
  return (
    <>
      {nextTime(Date.parse(times[0]!), clock)}
      {times.slice(1).map((at) => (
        <>
          {', '}
          <When at={at} clock={clock} />
        </>
      ))}
    </>
  );
}

function PluginFact({ agent: { plugin, version, rollout } }: FactsProps) {
  return (
    <>
      {plugin} {version && <a href={addressOf('versions', plugin)}>{shortId(version)}</a>}{' '}
      {rollout !== 'good' && rollout}
    </>
  );
}

function AgentTrends({ trends, agent, call }: Pick<BodyProps, 'trends' | 'agent' | 'call'>) {
  const own = trends?.agents[0];
  if (!trends || !own) return null;
  const points = evenPoints(trends, own);
  const line = (key: 'p50Ms' | 'p95Ms' | 'p99Ms' | 'lateP95Ms', title: string) => (
    <LineChart values={points.map((point) => point?.[key] ?? null)} title={title} words={formatDuration} />
  );
  const choices = <Choices call={call} name="window" choices={TREND_WINDOWS} fallback="24h" label="Window" />;
  return (
    <Section title="Over time" id="over-time" aside={choices}>
      <div class="charts">
        {line('p50Ms', 'p50 of durations')}
        {line('p95Ms', 'p95 of durations')}
        {line('p99Ms', 'p99 of durations')}
        {line('lateP95Ms', 'p95 of lateness and wait')}
        <LineChart
          values={points.map((point) => point?.memoryPeakBytes ?? null)}
          limit={agent.memory.limitBytes}
          title="Most memory of a worker"
          words={formatSize}
        />
      </div>
    </Section>
  );
}

function Incidents({ incidents, call }: { incidents: readonly IncidentView[]; call: PageCall }) {
  if (incidents.length === 0) return null;
  return (
    <Section title="Incidents" id="incidents">
      <ul class="lines">
        {incidents.map((incident) => (
          <li>
            <IncidentLink incident={incident} clock={call.clock} /> {incident.verdict}:{' '}
            <Said text={incident.seen} most={160} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Settings({ config }: { config: Config }) {
  const values = config.values.filter(({ value }) => value !== null && value !== undefined);
  if (values.length === 0) return null;
  return (
    <Section title="Settings" id="settings">
      <details id="settings-all">
        <summary>{counted(values.length, 'value')} and where each is said</summary>
        <Table label="Settings" heads={['Setting', 'Value', 'Said in']}>
          {values.map(({ path, value, origin }) => (
            <tr>
              <th scope="row">{path}</th>
              <td class="wide">
                <Said text={typeof value === 'string' ? value : JSON.stringify(value)} most={200} />
              </td>
              <td>{origin}</td>
            </tr>
          ))}
        </Table>
      </details>
    </Section>
  );
}
