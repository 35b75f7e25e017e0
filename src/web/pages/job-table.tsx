import type { JobView } from '../../control/protocol.ts';
import { jobState, outcomeWords } from '../../control/words/job.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { PageCall } from '../page.ts';
import { addressOf, Said, State, Table, When } from './parts.tsx';

/** Jobs in the order given, a row for each. `agent`: whether the agent has a column. */
export function JobTable({ jobs, call, agent = true }: { jobs: readonly JobView[]; call: PageCall; agent?: boolean }) {
  if (jobs.length === 0) return <p class="empty">No such jobs.</p>;
  const heads = ['Job', ...(agent ? ['Agent'] : []), 'State', 'From', 'Queued', 'Took', 'What came of it'];
  return (
    <Table label="Jobs" heads={heads}>
      {jobs.map((job) => (
        <tr id={job.id}>
          <th scope="row">
            <a href={addressOf('jobs', job.id)}>{job.id}</a>
          </th>
          {agent && (
            <td>
              <a href={addressOf('agents', job.agent)}>{job.agent}</a>
            </td>
          )}
          <td>
            <State state={job.state} word={jobState(job)} />
          </td>
          <td>{job.trigger}</td>
          <td>
            <When at={job.queuedAt} clock={call.clock} />
          </td>
          <td>{job.durationMs === null ? '–' : formatDuration(job.durationMs)}</td>
          <td class="wide">
            <Said text={outcomeWords(job, call.clock)} most={160} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
