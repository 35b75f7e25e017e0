import type { Child } from 'hono/jsx';
import { keptLinesOf, lineFilter } from '../../control/log-files.ts';
import type { IncidentView, JobView, LogLine } from '../../control/protocol.ts';
import { holdUpWords, jobState, neverAgain, wallMs } from '../../control/words/job.ts';
import { shortId } from '../../kernel/short-id.ts';
import { formatDuration } from '../../kernel/units.ts';
import { logQueryOf } from '../log-query.ts';
import type { Page, PageCall } from '../page.ts';
import { LevelChoice, LogLines } from './log-lines.tsx';
import { Markdown } from './markdown.tsx';
import { Act, addressOf, FaultBox, SaidLines, Section, State, When } from './parts.tsx';
import { inShell } from './shell.tsx';
import { Timeline } from './timeline.tsx';

const MOST_LINES = 300;

/** The page of a job: its attempts, its log, its input and its result. */
export const jobPage: Page = {
  path: '/jobs/:id',
  async render(call) {
    const id = call.params.id!;
    const job = await call.ask('job', { id });
    const [lines, incidents] = await Promise.all([
      call.ask('logs', { job: id, level: logQueryOf(call.query).level, limit: MOST_LINES }).catch((): LogLine[] => []),
      call.ask('incidents', { agent: job.agent, limit: 50 }).catch((): IncidentView[] => []),
    ]);
    // Lines of a job whose files are gone are kept with its failed attempts.
    const shown = lines.length > 0 ? lines : keptLinesOf(job).filter(lineFilter(logQueryOf(call.query)));
    const before = await previousOk(call, job);
    const linked = incidents.filter(({ jobs }) => jobs.includes(id));
    return inShell(call, id, () => (
      <>
        <Head job={job} linked={linked} before={before} call={call} />
        <Timeline job={job} clock={call.clock} />
        {job.error && job.state !== 'done' && (
          <Section title="Error" id="error">
            <FaultBox fault={job.error} />
            {job.error.stack && <SaidLines text={job.error.stack} label="The stack" />}
            <p>{neverAgain(job)}</p>
          </Section>
        )}
        {job.summary && (
          <Section title="Summary" id="summary">
            <Markdown text={job.summary} />
          </Section>
        )}
        <Payload title="Input" value={job.input} />
        <Payload title="Result" value={job.result} />
        <Section title="Log" id="log" aside={<LevelChoice call={call} />}>
          <LogLines lines={shown} call={call} ofJob />
        </Section>
      </>
    ));
  },
};

/** The newest run before a job that failed which was done; undefined for a job that did not fail, and where there is none. */
async function previousOk(call: PageCall, { id, agent, state }: JobView): Promise<JobView | undefined> {
  if (state !== 'dead' && state !== 'retrying') return undefined;
  const asked = { agent, states: ['done' as const], before: id, limit: 1 };
  return (await call.ask('jobs', asked).catch((): JobView[] => []))[0];
}

interface HeadProps {
  job: JobView;
  linked: readonly IncidentView[];
  before: JobView | undefined;
  call: PageCall;
}

function Head(props: HeadProps) {
  const { job, call } = props;
  return (
    <>
      <p class="lead">
        <State state={job.state} word={jobState(job)} />
      </p>
      <FactList facts={factsOf(props)} />
      <div class="acts">
        <JobActs job={job} call={call} />
        <a class="button" href={`${addressOf('jobs', job.id)}/json`} download={`${job.id}.json`}>
          Download JSON
        </a>
      </div>
    </>
  );
}

function factsOf({ job, linked, before, call: { clock } }: HeadProps): [string, Child][] {
  const took = wallMs(job);
  return [
    ['Agent', <a href={addressOf('agents', job.agent)}>{job.agent}</a>],
    ['From', [job.trigger, job.key && ` · key ${job.key}`]],
    ['Planned', job.slot && <When at={job.slot} clock={clock} />],
    ['Queued', <When at={job.queuedAt} clock={clock} />],
    ['Ended', job.finishedAt && <When at={job.finishedAt} clock={clock} />],
    ['Took', took === null ? null : formatDuration(took)],
    ['Attempts', `${job.attempt} of ${job.attempts}`],
    ['Version', job.version && <a href={addressOf('versions', job.agent)}>{shortId(job.version)}</a>],
    ['Cause', job.cause && <a href={`/jobs?cause=${encodeURIComponent(job.cause)}`}>{job.cause}</a>],
    ['Made by', job.madeBy && <a href={addressOf('jobs', job.madeBy)}>{job.madeBy}</a>],
    ['Waits', job.holdUp && <span>{holdUpWords(job.holdUp, clock)}</span>],
    [
      'Last that was ok',
      before && (
        <>
          <a href={addressOf('jobs', before.id)}>{before.id}</a>, <When at={before.queuedAt} clock={clock} />
        </>
      ),
    ],
    ['Incident', linked.length > 0 && linked.map(({ id }) => <a href={addressOf('incidents', id)}>{id} </a>)],
  ];
}

function JobActs({ job: { id, state }, call }: { job: JobView; call: PageCall }) {
  if (call.down) return null;
  if (state === 'dead' || state === 'cancelled')
    return (
      <>
        <Act call={call} op="replay" args={{ id }} label="Replay" look="main" />
        <Act call={call} op="replay" args={{ id, debug: 'true' }} label="Replay with debug log" />
        {state === 'dead' && <Act call={call} op="drop" args={{ id }} label="Give up for good" look="danger" />}
      </>
    );
  return state === 'done' ? null : <Act call={call} op="cancel" args={{ id }} label="Cancel" look="danger" />;
}

/** Names and values; a value that is missing leaves its name out. */
export function FactList({ facts }: { facts: readonly [string, Child][] }) {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== undefined &&
          value !== false &&
          value !== '' && (
            <div>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function Payload({ title, value }: { title: string; value: unknown }) {
  if (value === null || value === undefined) return null;
  return (
    <Section title={title} id={title.toLowerCase()}>
      <SaidLines text={JSON.stringify(value, undefined, 2)} label={title} />
    </Section>
  );
}
