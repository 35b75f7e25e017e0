import type { JobView } from '../../control/protocol.ts';
import { jobState, outcomeWords } from '../../control/words/job.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { PageCall } from '../page.ts';
import { addressOf, Said, State, Table, When } from './parts.tsx';

/** Jobs in the order given, a row for each. `agent`: whether the agent has a column. `select`: the id of the form for which rows can be ticked. */
export function JobTable({
  jobs,
  call,
  agent = true,
  select,
}: {
  jobs: readonly JobView[];
  call: PageCall;
  agent?: boolean;
  select?: string | undefined;
}) {
  if (jobs.length === 0) return <p class="empty">No such jobs.</p>;
  const heads = [
    ...(select ? ['Select'] : []),
    'Job',
    ...(agent ? ['Agent'] : []),
    'State',
    'From',
    'Queued',
    'Took',
    'What came of it',
  ];
  return (
    <Table label="Jobs" heads={heads}>
      {jobs.map((job) => (
        <JobRow {...{ job, call, agent, select }} />
      ))}
    </Table>
  );
}

function JobRow({
  job,
  call,
  agent,
  select,
}: {
  job: JobView;
  call: PageCall;
  agent: boolean;
  select: string | undefined;
}) {
  return (
    <tr id={job.id}>
      {select && <SelectCell id={job.id} form={select} />}
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
  );
}

function SelectCell({ id, form }: { id: string; form: string }) {
  return (
    <td>
      <input type="checkbox" id={`select-${id}`} name="id" value={id} form={form} aria-label={`Select ${id}`} />
    </td>
  );
}
