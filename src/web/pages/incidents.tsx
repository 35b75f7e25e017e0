import type { IncidentView } from '../../control/protocol.ts';
import { doneWords, resultWords } from '../../control/words/incident.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import type { Page, PageCall } from '../page.ts';
import { addressOf, Choices, counted, Said, Section, State, Table, When } from './parts.tsx';
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

/** An incident in a list: its state, its begin and a link to its page. */
export function IncidentLink({ incident, clock }: { incident: IncidentView; clock: Clock }) {
  return (
    <>
      <State state={incident.state} word={resultWords(incident).toLowerCase()} />{' '}
      <When at={incident.openedAt} clock={clock} /> <a href={addressOf('incidents', incident.id)}>{incident.id}</a>
    </>
  );
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
            {newest!.mutedUntil && (
              <>
                {' '}
                <span class="dim">
                  muted until <When at={newest!.mutedUntil} clock={call.clock} />
                </span>
              </>
            )}
          </td>
          <td>{1 + others.length + newest!.repeats}</td>
        </tr>
      ))}
    </Table>
  );
}
