import type { AgentView, IncidentView, StatusView } from '../../control/protocol.ts';
import { isSwitchedOff, lastRun, offPlaceOf, stateWords } from '../../control/words/agent.ts';
import { openAlertWords } from '../../control/words/alert.ts';
import { doneWords, resultWords } from '../../control/words/incident.ts';
import { nextTime } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Page, PageCall } from '../page.ts';
import { type Beat, Beats, beatOfStretch } from './beats.tsx';
import { needsOf } from './needs.ts';
import { NeedList } from './needs-you.tsx';
import { addressOf, Choices, counted, hereOf, MemoryMeter, Said, Section, State, When } from './parts.tsx';
import { inShell } from './shell.tsx';
import { earlyWarningsOf, WarningList } from './warnings.tsx';
import { evenPoints, stretchesOf, TREND_WINDOWS, windowOf } from './windows.ts';

/** Runs of an agent that its row shows as bars, at most. */
const RUNS = 50;
const MOST_HEALED = 8;
const SPANS = [{ value: 'runs', text: `${RUNS} runs` }, ...TREND_WINDOWS];

/** The first page: what needs a person, then how every agent is. */
export const overviewPage: Page = {
  path: '/',
  async render(call) {
    const since = isoOf(call.clock.now - DAY_MS);
    const [recent, beats, warnings] = await Promise.all([
      call.ask('incidents', { since, limit: 100 }).catch((): IncidentView[] => []),
      beatsOf(call),
      earlyWarningsOf(call),
    ]);
    return inShell(call, 'Overview', (status) => {
      const open = recent.filter(({ endedAt }) => endedAt === null);
      const healed = recent.filter(({ state }) => state === 'healed');
      const needs = needsOf(status, open);
      return (
        <>
          <Counters needs={needs.length} healed={healed.length} status={status} />
          <NeedList needs={needs} call={call} />
          <OpenAlerts alerts={status.alerts} call={call} />
          <Muted incidents={open.filter(({ mutedUntil }) => mutedUntil)} call={call} />
          <Section
            title="Agents"
            id="agents"
            aside={<Choices call={call} name="span" choices={SPANS} fallback="runs" label="What the bars show" />}
          >
            <AgentTable agents={status.agents.filter((agent) => !isSwitchedOff(agent))} beats={beats} call={call} />
            <OffAgents agents={status.agents.filter(isSwitchedOff)} />
          </Section>
          <WarningList warnings={warnings} call={call} />
          <Healed incidents={healed} call={call} />
        </>
      );
    });
  },
};

/** The bars of each agent: its last runs, or the stretches of a window. */
async function beatsOf({ ask, query }: PageCall): Promise<ReadonlyMap<string, Beat[]>> {
  const window = windowOf(query.get('span'));
  if (window === undefined) {
    const runs = await ask('runs', { limit: RUNS }).catch(() => []);
    return new Map(runs.map((one) => [one.agent, atTheRight(one.runs.map(beatOfRun))]));
  }
  const trends = await ask('trends', { window, points: true }).catch(() => undefined);
  const agents = trends?.agents ?? [];
  return new Map(
    agents.map((one) => [one.agent, stretchesOf(evenPoints(trends!, one), RUNS).map(beatOfStretch)] as const),
  );
}

/** How many alerts hold, the worst of them, and what comes next. */
function OpenAlerts({ alerts, call }: { alerts: StatusView['alerts']; call: PageCall }) {
  if (!alerts?.worst) return null;
  const { id, title, since, next, severity } = alerts.worst;
  return (
    <p id="alerts">
      <span class={severity === 'open' ? 'sign red' : 'sign yellow'}>{severity === 'open' ? '✗' : '!'}</span>{' '}
      <a href={`/alerts#${encodeURIComponent(id)}`}>{openAlertWords(alerts.firing, title)}</a> since{' '}
      <When at={since} clock={call.clock} />. <span class="next">→ {next}</span>
    </p>
  );
}

function Counters({ needs, healed, status }: { needs: number; healed: number; status: StatusView }) {
  const hours = status.agents.flatMap((agent) => agent.hours);
  const done = hours.reduce((sum, hour) => sum + hour.done, 0);
  const all = done + hours.reduce((sum, hour) => sum + hour.dead, 0);
  return (
    <ul class="counters">
      <li class={needs > 0 ? 'bad' : 'good'}>
        <b>{needs}</b> {needs === 1 ? 'needs you' : 'need you'}
      </li>
      <li>
        <b>{healed}</b> healed in 24 h
      </li>
      <li>
        <b>{status.agents.length}</b> {status.agents.length === 1 ? 'agent' : 'agents'}
      </li>
      <li>
        <b>{all === 0 ? '–' : `${percent(done, all)} %`}</b> of {counted(all, 'job')} done in 24 h
      </li>
    </ul>
  );
}

/** The share in percent; below 100 where a job failed. */
function percent(part: number, all: number): string {
  const share = (part / all) * 100;
  return part < all ? Math.min(99.9, share).toFixed(1) : '100';
}

/** Few runs stand at the right edge, where the newest of every agent is. */
function atTheRight(beats: Beat[]): Beat[] {
  return [...new Array<Beat>(Math.max(0, RUNS - beats.length)).fill('none'), ...beats];
}

/** Agents that are off, folded away, each with the line that holds it. */
function OffAgents({ agents }: { agents: AgentView[] }) {
  if (agents.length === 0) return null;
  return (
    <details id="off">
      <summary>{agents.length === 1 ? '1 agent is off' : `${agents.length} agents are off`}</summary>
      <ul class="lines">
        {agents.map((agent) => (
          <li>
            <a href={addressOf('agents', agent.name)}>{agent.name}</a> {agent.about}{' '}
            <span class="next">
              → to switch it on, take out the line <code>enabled: false</code>: <code>{offPlaceOf(agent)}</code>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

interface TableProps {
  agents: AgentView[];
  beats: ReadonlyMap<string, Beat[]>;
  call: PageCall;
}

function AgentTable({ agents, beats, call }: TableProps) {
  if (agents.length === 0)
    return (
      <p class="empty">
        No agents yet. <span class="next">→ daruma new hello --schedule "* * * * *"</span>
      </p>
    );
  const rows = agents.map((agent) => <AgentRow agent={agent} beats={beats.get(agent.name) ?? []} call={call} />);
  const table = (
    <table class="agents">
      <thead>
        <tr>
          {['Agent', 'State', 'Last', 'Next', 'p95', 'Memory', 'Runs', ...(isOperator(call) ? ['Act'] : [])].map(
            (head) => (
              <th scope="col">{head}</th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{rows}</tbody>
    </table>
  );
  if (!isOperator(call)) return table;
  // The rows share this form: each button carries the name of its agent.
  return (
    <form method="post" action="/act/run">
      <input type="hidden" name="csrf" value={call.viewer.csrf} />
      <input type="hidden" name="back" value={hereOf(call)} />
      {table}
    </form>
  );
}

const isOperator = ({ viewer, down }: PageCall) => viewer.role === 'operator' && !down;

function AgentRow({ agent, beats, call }: { agent: AgentView; beats: Beat[]; call: PageCall }) {
  const { name } = agent;
  const isLoud = SHOWS_WHY.has(agent.state) || Boolean(agent.lastJob?.holdUp);
  return (
    <tr id={`agent-${name}`}>
      <th scope="row">
        <a href={addressOf('agents', name)}>{name}</a>
        {isLoud && agent.why && <Said text={agent.why} most={200} />}
      </th>
      <td>
        <State state={agent.state} word={stateWords(agent)} />
      </td>
      <td data-is="last">{lastRun(agent.lastJob, call.clock)}</td>
      <td data-is="next">{agent.nextSlot ? nextTime(Date.parse(agent.nextSlot), call.clock) : '–'}</td>
      <td data-is="p95">{agent.p95Ms === null ? '–' : formatDuration(agent.p95Ms)}</td>
      <td data-is="memory">
        <MemoryMeter agent={agent} />
      </td>
      <td class="bars">
        <AgentBeats agent={agent} beats={beats} />
      </td>
      {isOperator(call) && (
        <td class="acts">
          <RowActs agent={agent} />
        </td>
      )}
    </tr>
  );
}

function RowActs({ agent: { name, state } }: { agent: AgentView }) {
  const turn = state === 'paused' ? 'Resume' : 'Pause';
  return (
    <>
      <button formaction="/act/run" name="agent" value={name} type="submit" aria-label={`Run ${name} now`}>
        Run
      </button>
      <button
        formaction={`/act/${turn.toLowerCase()}`}
        name="agent"
        value={name}
        type="submit"
        aria-label={`${turn} ${name}`}
      >
        {turn}
      </button>
    </>
  );
}

/** States whose reason stands below the name. */
const SHOWS_WHY = new Set(['retrying', 'late', 'failed', 'healing', 'quarantined', 'unscheduled', 'needs setup']);

function AgentBeats({ agent, beats }: { agent: AgentView; beats: Beat[] }) {
  if (beats.every((one) => one === 'none')) return <span class="dim">no run has ended yet</span>;
  return <Beats beats={beats} label={`Runs of ${agent.name}: ${troubleWords(beats)}`} />;
}

function troubleWords(beats: readonly string[]): string {
  const dead = beats.filter((one) => one === 'dead').length;
  const mixed = beats.filter((one) => one === 'mixed').length;
  return dead + mixed === 0 ? 'no trouble' : `${dead} failed, ${mixed} with trouble`;
}

/** Open incidents that need nobody because somebody has muted their causes. */
function Muted({ incidents, call }: { incidents: IncidentView[]; call: PageCall }) {
  if (incidents.length === 0) return null;
  return (
    <p class="dim" id="muted">
      Muted:{' '}
      {incidents.slice(0, MOST_HEALED).map(({ id, agent, verdict, mutedUntil }) => (
        <>
          <a href={addressOf('incidents', id)}>{agent ?? 'host'}</a> {verdict} until{' '}
          <When at={mutedUntil} clock={call.clock} />.{' '}
        </>
      ))}
    </p>
  );
}

function Healed({ incidents, call }: { incidents: IncidentView[]; call: PageCall }) {
  if (incidents.length === 0) return null;
  return (
    <Section title="Healed in the last 24 hours" id="healed">
      <ul class="lines">
        {incidents.slice(0, MOST_HEALED).map((incident) => (
          <li>
            <State state={incident.state} word={resultWords(incident)} />{' '}
            <When at={incident.openedAt} clock={call.clock} />{' '}
            <a href={addressOf('incidents', incident.id)}>{incident.agent ?? 'host'}</a> {incident.verdict}:{' '}
            <Said text={incident.seen} most={120} /> <span class="dim">{doneWords(incident)}</span>
          </li>
        ))}
      </ul>
      {incidents.length > MOST_HEALED && <a href="/incidents?since=24h">all {incidents.length}</a>}
    </Section>
  );
}

/** The state of a run as a beat: `mixed` is done only after another attempt. */
function beatOfRun({ state, attempt }: { state: string; attempt: number }): Beat {
  if (state === 'done') return attempt > 1 ? 'mixed' : 'fine';
  return state === 'dead' ? 'dead' : 'none';
}
