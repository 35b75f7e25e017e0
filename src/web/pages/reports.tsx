import type { AgentView, JobView, StatusView } from '../../control/protocol.ts';
import type { Page, PageCall } from '../page.ts';
import { Markdown } from './markdown.tsx';
import { Act, addressOf, Said, Section, When } from './parts.tsx';
import { inShell } from './shell.tsx';

/** Agents whose jobs are reports: of a plugin whose name says so. */
const IS_REPORT = /report/i;
const KEPT = 30;

/** Reports that agents made, the newest in full. A report is the summary of its job. */
export const reportsPage: Page = {
  path: '/reports',
  async render(call) {
    const status = await call.ask('status', {});
    const agents = status.agents.filter(({ plugin }) => IS_REPORT.test(plugin)).slice(0, 5);
    const jobs = await Promise.all(
      agents.map(({ name }) => call.ask('jobs', { agent: name, states: ['done'], limit: KEPT })),
    );
    const reports = jobs
      .flat()
      .filter(({ summary }) => summary !== null)
      .sort((one, other) => other.queuedAt.localeCompare(one.queuedAt));
    const chosen = reports.find(({ id }) => id === call.query.get('job')) ?? reports[0];
    return inShell(call, 'Reports', () => (
      <>
        <Making agents={agents} status={status} call={call} />
        {chosen?.summary && (
          <Section
            title={`${chosen.agent}, ${chosen.id}`}
            id="report"
            aside={<When at={chosen.finishedAt} clock={call.clock} />}
          >
            <article>
              <Markdown text={chosen.summary} />
            </article>
          </Section>
        )}
        <ReportList reports={reports} chosen={chosen} call={call} />
      </>
    ));
  },
};

function Making({ agents, status, call }: { agents: readonly AgentView[]; status: StatusView; call: PageCall }) {
  if (agents.length === 0)
    return (
      <p class="empty">
        None of the {status.agents.length} agents makes reports.{' '}
        <span class="next">→ put plugins/performance-report.ts back</span>
      </p>
    );
  if (call.down) return null;
  return (
    <div class="acts">
      {agents.map(({ name }) => (
        <Act call={call} op="run" args={{ agent: name }} label={`Make one now: ${name}`} />
      ))}
    </div>
  );
}

function ReportList({
  reports,
  chosen,
  call,
}: {
  reports: readonly JobView[];
  chosen: JobView | undefined;
  call: PageCall;
}) {
  if (reports.length === 0) return <p class="empty">No report has been made yet.</p>;
  return (
    <Section title="All that are kept" id="all">
      <ul class="lines">
        {reports.map((job) => (
          <li>
            <When at={job.finishedAt} clock={call.clock} />{' '}
            <a href={`/reports?job=${job.id}`} aria-current={job === chosen ? 'true' : undefined}>
              {job.agent}
            </a>{' '}
            <a class="dim" href={addressOf('jobs', job.id)}>
              {job.id}
            </a>{' '}
            <Said
              text={
                job
                  .summary!.split('\n')
                  .find((line) => /\w/.test(line))
                  ?.replace(/^#+ /, '') ?? ''
              }
              most={100}
            />
          </li>
        ))}
      </ul>
    </Section>
  );
}
