import type { Ops } from '../../control/protocol.ts';
import type { PageCall } from '../page.ts';
import { Act, addressOf, Said, Section, State, Table, When } from './parts.tsx';

/** The last deliveries to an agent, or undefined where none are known. */
export type Deliveries = Ops['deliveries']['value'] | undefined;

const NEWEST = 10;

export function deliveriesOf(call: PageCall, agent: string): Promise<Deliveries> {
  return call.ask('deliveries', { agent, limit: NEWEST }).catch((): Deliveries => undefined);
}

/** A button for a job of a delivery, or a delivery that was refused. */
function again(call: PageCall, job: string | null) {
  return job !== null && <Act call={call} op="deliver" args={{ job }} label="Once more" />;
}

/** The last deliveries to an agent, with a button that gives it one of them once more. */
export function DeliverySection({ deliveries: found, call }: { deliveries: Deliveries; call: PageCall }) {
  if (!found || (found.deliveries.length === 0 && found.unproven.length === 0)) return null;
  const mayAct = call.viewer.role === 'operator' && !call.down;
  return (
    <Section title="Deliveries" id="deliveries">
      <Table label="Deliveries" heads={['Job', 'Event', 'Delivery', 'At', 'What came of it', ...(mayAct ? [''] : [])]}>
        {found.deliveries.map(({ at, is, event, delivery, job, state, reason, refusal }) => (
          <tr>
            <th scope="row">{job === null ? '–' : <a href={addressOf('jobs', job)}>{job}</a>}</th>
            <td>
              <Said text={event ?? '–'} most={60} />
            </td>
            <td>
              <Said text={delivery ?? '–'} most={60} />
            </td>
            <td>
              <When at={at} clock={call.clock} />
            </td>
            <td class="wide">{state === null ? <Said text={reason ?? is} most={160} /> : <State state={state} />}</td>
            {mayAct && <td>{again(call, job ?? refusal)}</td>}
          </tr>
        ))}
      </Table>
      {found.unproven.map(({ reason, count, lastAt }) => (
        <p class="dim">
          {count} that proved nothing: {reason}, the last <When at={lastAt} clock={call.clock} />
        </p>
      ))}
    </Section>
  );
}
