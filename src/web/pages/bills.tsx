import type { Ops } from '../../control/protocol.ts';
import { dollarWords, memoryHours, moneyWords, processorWords, tokensOf } from '../../control/words/bill.ts';
import { formatSize } from '../../kernel/units.ts';
import { addressOf, Section, Table } from './parts.tsx';

type Bills = Ops['bills']['value'];

const MOST = 40;

/** The cost of agents this month, the dearest first. */
export function BillTable({ bills }: { bills: Bills | undefined }) {
  if (!bills || bills.agents.length === 0) return null;
  const shown = bills.agents.slice(0, MOST);
  return (
    <Section
      title={`Costs of ${bills.month}`}
      id="bills"
      aside={<span class="dim">since the first of the month, {bills.timezone}</span>}
    >
      <Table
        label="Costs"
        heads={['Agent', 'Today', 'Month', 'Forecast', 'Calls', 'Tokens', 'Memory', 'Processor', 'Disk']}
      >
        {shown.map((bill) => (
          <tr>
            <th scope="row">
              <a href={addressOf('agents', bill.agent)}>{bill.agent}</a>
            </th>
            <BillCells {...bill} />
          </tr>
        ))}
        <tr>
          <th scope="row">all {bills.agents.length}</th>
          <BillCells {...bills.total} />
        </tr>
      </Table>
      {bills.agents.length > MOST && <p class="dim">and {bills.agents.length - MOST} more, which cost less</p>}
    </Section>
  );
}

function BillCells({ today, month, forecast }: Bills['total']) {
  return (
    <>
      <td>{dollarWords(today.money)}</td>
      <td>{moneyWords(month)}</td>
      <td>{forecast === null ? '–' : dollarWords(forecast)}</td>
      <td>{month.calls.toLocaleString('en')}</td>
      <td>{tokensOf(month).toLocaleString('en')}</td>
      <td>{memoryHours(month)}</td>
      <td>{processorWords(month)}</td>
      <td>{month.diskBytes === 0 ? '–' : formatSize(month.diskBytes)}</td>
    </>
  );
}
