import type { RungView, StatusView } from '../../control/protocol.ts';
import type { PageCall } from '../page.ts';
import { Said, Section, State, Table, When } from './parts.tsx';

const RUNG_STATES: Readonly<Record<RungView['state'], string>> = {
  ready: 'ok',
  cooling: 'late',
  closed: 'failed',
  off: 'off',
  down: 'failed',
};

/** The chain of models, while a gateway listens. */
export function ModelChain({ models, call }: { models: StatusView['models']; call: PageCall }) {
  if (!models) return null;
  return (
    <Section title="Models" id="models">
      <p class="dim">
        The gateway listens on port {models.port}, process {models.pid}. Rungs are asked in this order.
      </p>
      <Table label="Models" heads={['Rung', 'Model', 'Is', 'Until', 'Proven', 'Why']}>
        {models.chain.map(({ name, model, state, until, provenAt, why }) => (
          <tr id={`rung-${name}`}>
            <th scope="row">{name}</th>
            <td>{model ? <Said text={model} most={80} /> : '–'}</td>
            <td>
              <State state={RUNG_STATES[state]} word={state} />
            </td>
            <td>
              <When at={until} clock={call.clock} />
            </td>
            <td>
              <When at={provenAt} clock={call.clock} />
            </td>
            <td class="wide">{why && <Said text={why} most={160} />}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
