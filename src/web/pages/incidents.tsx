import type { IncidentView } from '../../control/protocol.ts';
import { doneWords, evidenceLines, resultWords } from '../../control/words/incident.ts';
import { clockTime, dayOf, localTimes } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Page, PageCall } from '../page.ts';
import { FactList } from './job.tsx';
import { Act, addressOf, Choices, counted, Said, SaidLines, Section, State, Table, When } from './parts.tsx';
import { inShell } from './shell.tsx';

const SPANS = [
  { value: 'open', text: 'open' },
  { value: '24h', text: '24 h' },
  { value: '7d', text: '7 d' },
  { value: '30d', text: '30 d' },
] as const;
const DAYS: Readonly<Record<string, number>> = { '24h': 1, '7d': 7, '30d': 30 };
const MOST = 200;

/** Incidents: those that are open, then the others with the same cause in one row. */
export const incidentsPage: Page = {
  path: '/incidents',
  async render(call) {
    const span = call.query.get('since') ?? '7d';
    const agent = call.query.get('agent') ?? undefined;
    const args = span === 'open' ? { open: true } : { since: isoOf(call.clock.now - (DAYS[span] ?? 7) * DAY_MS) };
    const incidents = await call.ask('incidents', { ...args, ...(agent === undefined ? {} : { agent }), limit: MOST });
    return inShell(call, 'Incidents', () => (
      <Section
        title={counted(incidents.length, 'incident')}
        id="list"
        aside={<Choices call={call} name="since" choices={SPANS} fallback="7d" label="Since when" />}
      >
        <IncidentTable incidents={incidents} call={call} />
        {incidents.length === MOST && <p class="dim">Only the newest {MOST} are shown.</p>}
      </Section>
    ));
  },
};

/** Open ones alone, then those with one fingerprint together, newest first. */
export function groupsOf(incidents: readonly IncidentView[]): IncidentView[][] {
  const open = incidents.filter(({ endedAt }) => endedAt === null).map((one) => [one]);
  const ended = Map.groupBy(
    incidents.filter(({ endedAt }) => endedAt !== null),
    ({ fingerprint, state }) => `${fingerprint} ${state}`,
  );
  return [...open, ...ended.values()];
}

function IncidentTable({ incidents, call }: { incidents: readonly IncidentView[]; call: PageCall }) {
  if (incidents.length === 0)
    return (
      <p class="calm">
        <span class="sign green">✓</span> None.
      </p>
    );
  return (
    <Table label="Incidents" heads={['Incident', 'When', 'Agent', 'Seen', 'Done', 'Result', 'Times']}>
      {groupsOf(incidents).map(([newest, ...others]) => (
        <tr id={newest!.id}>
          <th scope="row">
            <a href={addressOf('incidents', newest!.id)}>{newest!.id}</a>
          </th>
          <td>
            <When at={newest!.openedAt} clock={call.clock} />
          </td>
          <td>{newest!.agent === null ? 'host' : <a href={addressOf('agents', newest!.agent)}>{newest!.agent}</a>}</td>
          <td class="wide">
            {newest!.verdict}: <Said text={newest!.seen} most={160} />
          </td>
          <td>{doneWords(newest!)}</td>
          <td>
            <State state={newest!.state} word={resultWords(newest!).toLowerCase()} />
          </td>
          <td>{1 + others.length + newest!.repeats}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The page of an incident: its timeline, its evidence, and earlier incidents with the same fingerprint. */
export const incidentPage: Page = {
  path: '/incidents/:id',
  async render(call) {
    const incident = await call.ask('incident', { id: call.params.id! });
    const before =
      incident.agent === null
        ? []
        : await call.ask('incidents', { agent: incident.agent, limit: MOST }).catch((): IncidentView[] => []);
    const same = before.filter(({ id, fingerprint }) => id !== incident.id && fingerprint === incident.fingerprint);
    return inShell(call, `${incident.id} · ${incident.verdict}`, () => (
      <>
        <p class="lead">
          <State state={incident.state} word={resultWords(incident).toLowerCase()} />{' '}
          <Said text={incident.seen} most={500} />
        </p>
        <IncidentFacts incident={incident} call={call} />
        <Acknowledge incident={incident} call={call} />
        <IncidentTimeline incident={incident} call={call} />
        <Evidence incident={incident} />
        <SeenBefore same={same} call={call} />
      </>
    ));
  },
};

function IncidentFacts({ incident, call }: { incident: IncidentView; call: PageCall }) {
  const { agent, version, jobs, repeats, note } = incident;
  return (
    <FactList
      facts={[
        ['Agent', agent === null ? 'host' : <a href={addressOf('agents', agent)}>{agent}</a>],
        ['Opened', <When at={incident.openedAt} clock={call.clock} />],
        ['Ended', incident.endedAt && <When at={incident.endedAt} clock={call.clock} />],
        ['Version', version && agent && <a href={addressOf('versions', agent)}>{shortId(version)}</a>],
        ['Jobs', jobs.length > 0 && jobs.slice(0, 20).map((id) => <a href={addressOf('jobs', id)}>{id} </a>)],
        ['Repeats', repeats > 0 && `came ${counted(repeats, 'more time', 'more times')} while it was open`],
        ['Note', note && <Said text={note} most={2_000} />],
      ]}
    />
  );
}

function Acknowledge({ incident, call }: { incident: IncidentView; call: PageCall }) {
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
    </div>
  );
}

function IncidentTimeline({ incident, call }: { incident: IncidentView; call: PageCall }) {
  return (
    <Section title="Timeline" id="timeline">
      <ol class="lines">
        {incident.timeline.map(({ at, what, text }) => (
          <li>
            <time datetime={at} title={dayOf(Date.parse(at), call.clock)}>
              {clockTime(Date.parse(at), call.clock)}
            </time>{' '}
            <b>{what}</b> <Said text={localTimes(text, call.clock)} most={600} />
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

function SeenBefore({ same, call }: { same: readonly IncidentView[]; call: PageCall }) {
  if (same.length === 0) return null;
  return (
    <Section title={`Seen before: ${counted(same.length, 'time')}`} id="before">
      <ul class="lines">
        {same.slice(0, 10).map((incident) => (
          <li>
            <State state={incident.state} word={resultWords(incident).toLowerCase()} />{' '}
            <When at={incident.openedAt} clock={call.clock} />{' '}
            <a href={addressOf('incidents', incident.id)}>{incident.id}</a>
          </li>
        ))}
      </ul>
    </Section>
  );
}
