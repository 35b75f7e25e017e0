import type { AuditView, EventView } from '../../control/protocol.ts';
import { localTimes } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import type { Page, PageCall } from '../page.ts';
import { addressOf, Choices, counted, Said, Section, State, Table, When } from './parts.tsx';
import { inShell } from './shell.tsx';

const SPANS = [
  { value: '1d', text: '24 h' },
  { value: '7d', text: '7 d' },
  { value: '30d', text: '30 d' },
] as const;
const MOST = 200;

/** The audit: acts of people, changes of files, incidents, starts and ends of the host, each with its author. */
export const auditPage: Page = {
  path: '/audit',
  async render(call) {
    const days = Number.parseInt(call.query.get('since') ?? '7d', 10);
    const agent = call.query.get('agent') ?? undefined;
    const kind = call.query.get('kind') ?? undefined;
    const since = isoOf(call.clock.now - ([1, 7, 30].includes(days) ? days : 7) * DAY_MS);
    const acts =
      call.viewer.role === 'operator' && !kind && !agent
        ? await call.ask('audit', { since, limit: MOST }).catch((): AuditView[] => [])
        : [];
    const events = await call.ask('events', {
      since,
      limit: MOST,
      ...(agent ? { agent } : {}),
      ...(kind ? { kind } : {}),
    });
    return inShell(call, 'Audit', () => (
      <>
        <ActTable acts={acts} call={call} />
        <Section
          title={events.length === MOST ? `The newest ${MOST} events` : counted(events.length, 'event')}
          id="list"
          aside={<Choices call={call} name="since" choices={SPANS} fallback="7d" label="Since when" />}
        >
          {(agent || kind) && (
            <p>
              Only {kind} {agent} · <a href="/audit">all</a>
            </p>
          )}
          <EventTable events={events} call={call} />
        </Section>
      </>
    ));
  },
};

/** Acts of people and programs, by the page or by the control socket. */
function ActTable({ acts, call }: { acts: readonly AuditView[]; call: PageCall }) {
  if (acts.length === 0) return null;
  return (
    <Section title="Done by people and programs" id="acts">
      <Table label="Acts" heads={['When', 'Who', 'What', 'With', 'Outcome']}>
        {acts.map(({ at, via, who, role, operation, args, ok, fault, times }) => (
          <tr>
            <td>
              <When at={at} clock={call.clock} />
            </td>
            <td>
              {role} {who}, {via}
            </td>
            <td>
              {operation}
              {times > 1 && ` × ${times}`}
            </td>
            <td class="wide">
              <Said text={JSON.stringify(args) ?? ''} most={200} />
            </td>
            <td>
              <State state={ok ? 'done' : 'failed'} /> {fault && <Said text={fault.message} most={200} />}
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function EventTable({ events, call }: { events: readonly EventView[]; call: PageCall }) {
  if (events.length === 0) return <p class="empty">Nothing happened.</p>;
  return (
    <Table label="Events" heads={['When', 'What', 'Agent', 'In words']}>
      {events.map(({ id, at, kind, agent, message }) => (
        <tr id={`event-${id}`}>
          <td>
            <When at={at} clock={call.clock} />
          </td>
          <td>
            <a href={`/audit?kind=${encodeURIComponent(kind)}`}>{kind}</a>
          </td>
          <td>{agent && <a href={addressOf('agents', agent)}>{agent}</a>}</td>
          <td class="wide">
            <Said text={localTimes(message, call.clock)} most={300} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
