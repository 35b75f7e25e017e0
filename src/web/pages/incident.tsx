import type { EventView, IncidentView } from '../../control/protocol.ts';
import { diagnosisLines, evidenceLines, resultWords } from '../../control/words/incident.ts';
import { postMortemOf, seenBefore } from '../../control/words/post-mortem.ts';
import { clockTime, dayOf, localTimes } from '../../kernel/clock.ts';
import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Page, PageCall } from '../page.ts';
import { IncidentLink } from './incidents.tsx';
import { FactList } from './job.tsx';
import { aroundIncident, MomentChart } from './moment.tsx';
import { Act, addressOf, counted, Said, SaidLines, Section, State, When } from './parts.tsx';
import { inShell } from './shell.tsx';

/** Incidents that are looked through for earlier ones of the same cause. */
const MOST = 200;
const MOST_CAUSES = 30;

/** The page of an incident: its timeline, its evidence and the moment as a chart, and other incidents with the same fingerprint. */
export const incidentPage: Page = {
  path: '/incidents/:id',
  async render(call) {
    const incident = await call.ask('incident', { id: call.params.id! });
    const { agent } = incident;
    const [others, moment, line] = await Promise.all([
      call.ask('incidents', { ...(agent === null ? {} : { agent }), limit: MOST }).catch((): IncidentView[] => []),
      aroundIncident(incident, call),
      call.ask('events', { cause: incident.id, limit: MOST_CAUSES }).catch((): EventView[] => []),
    ]);
    const before = seenBefore(incident, others);
    return inShell(call, `${incident.id} · ${incident.verdict}`, (status) => (
      <>
        <p class="lead">
          <State state={incident.state} word={resultWords(incident).toLowerCase()} />{' '}
          <Said text={incident.seen} most={500} />
        </p>
        <IncidentFacts incident={incident} call={call} />
        <IncidentActs incident={incident} call={call} />
        {moment && <MomentChart incident={incident} trends={moment} status={status} clock={call.clock} />}
        <Causes line={line.toReversed()} call={call} />
        <IncidentTimeline incident={incident} call={call} />
        <Evidence incident={incident} />
        <Diagnosis incident={incident} />
        <SeenBefore same={before} call={call} />
        <PostMortem text={postMortemOf(incident, before, call.clock)} />
      </>
    ));
  },
};

function IncidentFacts({ incident, call }: { incident: IncidentView; call: PageCall }) {
  const { agent, version, jobs, repeats, note, mutedUntil } = incident;
  return (
    <FactList
      facts={[
        ['Agent', agent === null ? 'host' : <a href={addressOf('agents', agent)}>{agent}</a>],
        ['Opened', <When at={incident.openedAt} clock={call.clock} />],
        ['Ended', incident.endedAt && <When at={incident.endedAt} clock={call.clock} />],
        ['Version', version && agent && <a href={addressOf('versions', agent)}>{shortId(version)}</a>],
        ['Jobs', jobs.length > 0 && jobs.slice(0, 20).map((id) => <a href={addressOf('jobs', id)}>{id} </a>)],
        ['Repeats', repeats > 0 && `came ${counted(repeats, 'more time', 'more times')} while it was open`],
        ['Muted', mutedUntil && <MutedFact until={mutedUntil} call={call} />],
        ['Note', note && <Said text={note} most={2_000} />],
      ]}
    />
  );
}

function MutedFact({ until, call }: { until: string; call: PageCall }) {
  return (
    <>
      its cause needs nobody until <When at={until} clock={call.clock} />; healing goes on
    </>
  );
}

function IncidentActs({ incident, call }: { incident: IncidentView; call: PageCall }) {
  if (call.down || call.viewer.role !== 'operator') return null;
  const isOpen = incident.endedAt === null;
  return (
    <div class="acts">
      <Act
        call={call}
        op="ack"
        args={{ id: incident.id }}
        label={isOpen ? 'Acknowledge and close' : 'Keep the note'}
        look={isOpen ? 'main' : 'plain'}
      >
        <label for="note">Note</label>
        <input id="note" name="note" type="text" maxlength={2_000} placeholder="what it was, what was done" />
      </Act>
      {isOpen && incident.agent !== null && (
        <Act call={call} op="resume" args={{ agent: incident.agent }} label={`Resume ${incident.agent}`} />
      )}
      <MuteAct incident={incident} call={call} />
    </div>
  );
}

const MUTES = [
  { ms: HOUR_MS, text: '1 hour' },
  { ms: DAY_MS, text: '24 hours' },
  { ms: 7 * DAY_MS, text: '7 days' },
];

function MuteAct({ incident: { id, mutedUntil }, call }: { incident: IncidentView; call: PageCall }) {
  if (mutedUntil) return <Act call={call} op="unmute" args={{ id }} label="End the mute" />;
  return (
    <Act call={call} op="mute" args={{ id }} label="Mute this cause">
      <label for="mute-for">for</label>
      <select id="mute-for" name="forMs">
        {MUTES.map(({ ms, text }) => (
          <option value={String(ms)} selected={ms === DAY_MS}>
            {text}
          </option>
        ))}
      </select>
    </Act>
  );
}

/** The incident as Markdown, ready to be selected and copied. */
function PostMortem({ text }: { text: string }) {
  return (
    <details id="post-mortem">
      <summary>Copy as Markdown</summary>
      <label for="post-mortem-text">A post-mortem to copy</label>
      <textarea id="post-mortem-text" class="copy" readonly rows={Math.min(24, text.split('\n').length)}>
        {text}
      </textarea>
    </details>
  );
}

/** The line of causes, from the first cause that is kept to now. */
function Causes({ line, call }: { line: readonly EventView[]; call: PageCall }) {
  const [first] = line;
  if (!first || line.length < 2) return null;
  return (
    <Section title="Line of causes" id="causes">
      {first.cause !== null && <p>What came before is not kept any more, or lies further back.</p>}
      <ol class="lines">
        {line.map(({ id, at, kind, agent, who, message }) => (
          <li id={`event-${id}`}>
            <ClockTime at={at} call={call} /> <b>{kind}</b>{' '}
            {agent !== null && <a href={addressOf('agents', agent)}>{agent}</a>}{' '}
            <Said text={localTimes(message, call.clock)} most={400} />
            {who !== null && <small> by {who}</small>}
          </li>
        ))}
      </ol>
    </Section>
  );
}

function ClockTime({ at, call: { clock } }: { at: string; call: PageCall }) {
  const ms = Date.parse(at);
  return (
    <time datetime={at} title={dayOf(ms, clock)}>
      {clockTime(ms, clock)}
    </time>
  );
}

function IncidentTimeline({ incident, call }: { incident: IncidentView; call: PageCall }) {
  return (
    <Section title="Timeline" id="timeline">
      <ol class="lines">
        {incident.timeline.map(({ at, what, text }) => (
          <li>
            <ClockTime at={at} call={call} /> <b>{what}</b> <Said text={localTimes(text, call.clock)} most={600} />
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Evidence({ incident: { evidence } }: { incident: IncidentView }) {
  const lines = evidenceLines(evidence);
  if (lines.length === 0) return null;
  return (
    <Section title="Evidence" id="evidence">
      <SaidLines text={lines.join('\n')} label="Evidence" />
    </Section>
  );
}

function Diagnosis({ incident: { diagnosis } }: { incident: IncidentView }) {
  const lines = diagnosisLines(diagnosis);
  if (lines.length === 0) return null;
  return (
    <Section title="Diagnosis" id="diagnosis">
      <SaidLines text={lines.join('\n')} label="Diagnosis by a model" />
    </Section>
  );
}

function SeenBefore({ same, call }: { same: readonly IncidentView[]; call: PageCall }) {
  if (same.length === 0) return null;
  return (
    <Section title={`Seen before: ${counted(same.length, 'time')}`} id="before">
      <ul class="lines">
        {same.slice(0, 10).map((incident) => (
          <li>
            <IncidentLink incident={incident} clock={call.clock} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
