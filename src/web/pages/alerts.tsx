import type { Ops } from '../../control/protocol.ts';
import { deliveryWords } from '../../control/words/alert.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import type { Page, PageCall } from '../page.ts';
import { Act, addressOf, counted, Said, Section, State, Table, When } from './parts.tsx';
import { inShell } from './shell.tsx';

type Alert = Ops['alerts']['value'][number];
type Window = Ops['maintenance']['value'][number];

const MOST = 100;

/** The alerts of which people were told, whether it was delivered, and the maintenance windows that hold. */
export const alertsPage: Page = {
  path: '/alerts',
  async render(call) {
    const [alerts, windows] = await Promise.all([call.ask('alerts', { limit: MOST }), call.ask('maintenance', {})]);
    return inShell(call, 'Alerts', () => (
      <>
        <Windows windows={windows} call={call} />
        <Section
          title={alerts.length === MOST ? `The newest ${MOST} alerts` : counted(alerts.length, 'alert')}
          id="list"
        >
          {alerts.length === 0 ? (
            <p class="empty">Nobody had to be told anything.</p>
          ) : (
            <AlertTable alerts={alerts} call={call} />
          )}
        </Section>
      </>
    ));
  },
};

function Windows({ windows, call }: { windows: readonly Window[]; call: PageCall }) {
  if (windows.length === 0) return null;
  return (
    <Section title="Maintenance" id="maintenance">
      {windows.map(({ agent, until, note }) => (
        <p>
          Nobody is told of {agent ?? 'anything'} until <When at={until} clock={call.clock} />
          {note && `: ${note}`}
        </p>
      ))}
    </Section>
  );
}

function AlertTable({ alerts, call }: { alerts: readonly Alert[]; call: PageCall }) {
  return (
    <Table label="Alerts" heads={['Since', 'State', 'What', 'Left to you', 'Delivered']}>
      {alerts.map((alert) => (
        <tr id={alert.id}>
          <td>
            <When at={alert.since} clock={call.clock} />
          </td>
          <td>
            <State state={alert.state === 'over' ? 'done' : 'failed'} /> {alert.state}
          </td>
          <td class="wide">
            {alert.incident ? <a href={addressOf('incidents', alert.incident)}>{alert.title}</a> : alert.title}:{' '}
            <Said text={alert.seen} most={300} />
          </td>
          <td class="wide">
            <Said
              text={alert.state === 'over' ? (alert.ending ?? 'it is over') : `${alert.left}: ${alert.next}`}
              most={300}
            />
            <IncidentActs alert={alert} call={call} />
          </td>
          <td>{deliveryWords(alert)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** An alert of an incident ends when somebody closes that, and is quiet while its cause is muted. */
function IncidentActs({ alert: { state, incident }, call }: { alert: Alert; call: PageCall }) {
  if (state === 'over' || incident === null || call.down) return null;
  return (
    <div class="acts">
      <Act call={call} op="ack" args={{ id: incident }} label="Acknowledge" />
      <Act call={call} op="mute" args={{ id: incident, forMs: String(DAY_MS) }} label="Mute for a day" />
    </div>
  );
}
