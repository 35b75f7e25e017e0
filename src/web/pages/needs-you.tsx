import { resultWords } from '../../control/words/incident.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { PageCall } from '../page.ts';
import type { Need } from './needs.ts';
import { Act, addressOf, counted, FaultBox, Said, Section, State, When } from './parts.tsx';

const MOST_SHOWN = 12;

/** The matters that wait for a person, each with the acts that may settle it; a sentence when there are none. */
export function NeedList({ needs, call }: { needs: readonly Need[]; call: PageCall }) {
  if (needs.length === 0)
    return (
      <p class="calm">
        <span class="sign green">✓</span> Nothing needs you.
      </p>
    );
  return (
    <Section title="Needs you" id="needs">
      <ul class="needs">
        {needs.slice(0, MOST_SHOWN).map((need) => (
          <li>
            <NeedItem need={need} call={call} />
          </li>
        ))}
      </ul>
      {needs.length > MOST_SHOWN && <p class="dim">and {needs.length - MOST_SHOWN} more below</p>}
    </Section>
  );
}

function NeedItem({ need, call }: { need: Need; call: PageCall }) {
  if (need.is === 'problem') return <FaultBox fault={need.fault} />;
  if (need.is === 'dead letters')
    return (
      <>
        <p>
          <span class="sign red">✗</span> <a href={addressOf('agents', need.agent.name)}>{need.agent.name}</a> has{' '}
          {counted(need.agent.dead, 'dead letter')}
        </p>
        <div class="acts">
          <a class="button" href={`/dlq?agent=${encodeURIComponent(need.agent.name)}`}>
            Look at them
          </a>
        </div>
      </>
    );
  return need.is === 'incident' ? <IncidentNeed need={need} call={call} /> : <AgentNeed need={need} call={call} />;
}

function IncidentNeed({ need: { incident, agent }, call }: { need: Need & { is: 'incident' }; call: PageCall }) {
  return (
    <>
      <p>
        <State state={incident.state} word={resultWords(incident).toLowerCase()} />{' '}
        <a href={addressOf('incidents', incident.id)}>{incident.agent ?? 'host'}</a> {incident.verdict} since{' '}
        <When at={incident.openedAt} clock={call.clock} />: <Said text={incident.seen} />
      </p>
      <div class="acts">
        <a class="button" href={addressOf('incidents', incident.id)}>
          Open {incident.id}
        </a>
        {agent && <AgentActs agent={agent} call={call} />}
        {!call.down && <Act call={call} op="ack" args={{ id: incident.id }} label="Acknowledge" />}
      </div>
    </>
  );
}

function AgentNeed({ need: { agent }, call }: { need: Need & { is: 'agent' }; call: PageCall }) {
  return (
    <>
      <p>
        <State state={agent.state} /> <a href={addressOf('agents', agent.name)}>{agent.name}</a>{' '}
        {agent.state !== 'off' && agent.why !== agent.problem?.message && <Said text={agent.why} />}
      </p>
      {agent.problem && <FaultBox fault={agent.problem} />}
      <div class="acts">
        <AgentActs agent={agent} call={call} />
      </div>
    </>
  );
}

function AgentActs({ agent, call }: { agent: (Need & { is: 'agent' })['agent']; call: PageCall }) {
  if (call.down) return null;
  const { name, state, dead } = agent;
  return (
    <>
      <a class="button" href={addressOf('versions', agent.plugin)}>
        Versions{agent.version && ` (runs ${shortId(agent.version)})`}
      </a>
      {(state === 'quarantined' || state === 'paused') && (
        <Act call={call} op="resume" args={{ agent: name }} label="Resume" />
      )}
      {dead > 0 && (
        <a class="button" href={`/dlq?agent=${encodeURIComponent(name)}`}>
          {counted(dead, 'dead letter')}
        </a>
      )}
      {(state === 'failed' || state === 'late') && <Act call={call} op="run" args={{ agent: name }} label="Run now" />}
    </>
  );
}
