import type { BatchView, JobView } from '../../control/protocol.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import type { Page, PageCall } from '../page.ts';
import { ACTS_ON, actWord, planAddress } from './batch-plan.tsx';
import { JobTable } from './job-table.tsx';
import { counted, Section, textsIn, withQuery } from './parts.tsx';
import { inShell } from './shell.tsx';

const STATES = ['queued', 'running', 'retrying', 'done', 'dead', 'cancelled'] as const;
const SINCE: Readonly<Record<string, { text: string; ms: number }>> = {
  '1h': { text: 'the last hour', ms: HOUR_MS },
  '24h': { text: '24 hours', ms: DAY_MS },
  '7d': { text: '7 days', ms: 7 * DAY_MS },
  '30d': { text: '30 days', ms: 30 * DAY_MS },
};
/** Rows of one page; the next ones are a link away. */
const PAGE = 100;

/** Jobs, newest first, by state, time, agent, cause and text. */
export const jobsPage: Page = {
  path: '/jobs',
  async render(call) {
    const { query, clock } = call;
    const state = STATES.find((one) => one === query.get('state'));
    const since = SINCE[query.get('since') ?? ''];
    const filter = {
      ...textsIn(query, ['agent', 'cause', 'text', 'before']),
      ...(since ? { since: isoOf(clock.now - since.ms) } : {}),
    };
    const jobs = await call.ask('jobs', { limit: PAGE, ...filter, ...(state ? { states: [state] } : {}) });
    const isActing = call.viewer.role === 'operator' && !call.down && jobs.length > 0;
    const { before: _, ...matching } = filter;
    const many = isActing ? await manyActs(call, state, matching) : [];
    return inShell(call, 'Jobs', (status) => (
      <>
        <Filter call={call} agents={status.agents.map(({ name }) => name)} />
        <Section
          title={jobs.length === PAGE ? `${PAGE} jobs` : counted(jobs.length, 'job')}
          id="list"
          aside={<a href="/batches">batches</a>}
        >
          {isActing && <Many acts={many} state={state} />}
          <JobTable jobs={jobs} call={call} select={isActing ? 'selected' : undefined} />
          <More jobs={jobs} call={call} />
        </Section>
      </>
    ));
  },
};

/** An act on all jobs that match, and their number. */
interface ManyAct {
  act: BatchView['act'];
  count: number;
  address: string;
}

/** Acts on all jobs of a state that the filter finds; none where the filter names no state. */
async function manyActs(
  call: PageCall,
  state: (typeof STATES)[number] | undefined,
  filter: { agent?: string; cause?: string; text?: string; since?: string },
): Promise<ManyAct[]> {
  const [first, ...others] = ACTS_ON[state ?? ''] ?? [];
  if (!state || !first) return [];
  const { count } = await call.ask('batchPlan', { act: first, ...filter, states: [state] });
  return [first, ...others].map((act) => ({ act, count, address: planAddress(act, { ...filter, state }) }));
}

/** Acts on the rows that are ticked, and on all that match: each leads to a page with the number of jobs first. */
function Many({ acts, state }: { acts: readonly ManyAct[]; state: string | undefined }) {
  const fitting = state === undefined ? (['replay', 'drop', 'cancel'] as const) : (ACTS_ON[state] ?? []);
  if (fitting.length === 0) return null;
  return (
    <form class="acts" id="selected" method="get" action="/batches/new" aria-label="Acts on many jobs">
      <input type="hidden" name="named" value="1" />
      {fitting.map((act) => (
        <button type="submit" name="act" value={act}>
          {actWord(act)} selected…
        </button>
      ))}
      {acts.map(({ act, count, address }) => (
        <a class="button" href={address}>
          {actWord(act)} all {count.toLocaleString('en')} matching…
        </a>
      ))}
    </form>
  );
}

function Filter({ call: { query }, agents }: { call: PageCall; agents: readonly string[] }) {
  return (
    <form class="filter" method="get" action="/jobs" id="filter">
      <SelectField name="state" label="State" values={STATES.map((value) => ({ value, text: value }))} query={query} />
      <SelectField
        name="since"
        label="Queued within"
        values={Object.entries(SINCE).map(([value, { text }]) => ({ value, text }))}
        query={query}
      />
      <SelectField name="agent" label="Agent" values={agents.map((value) => ({ value, text: value }))} query={query} />
      <p class="field">
        <label for="f-cause">Cause</label>
        <input id="f-cause" name="cause" type="text" value={query.get('cause') ?? ''} maxlength={200} />
      </p>
      <p class="field">
        <label for="f-text">Text of input or error</label>
        <input
          id="f-text"
          name="text"
          type="search"
          value={query.get('text') ?? ''}
          maxlength={200}
          title="among the newest 20,000 jobs"
          data-search
        />
      </p>
      <button type="submit" class="main">
        Show
      </button>
      {query.size > 0 && <a href="/jobs">all jobs</a>}
    </form>
  );
}

/** A choice of one value, or any, in a filter. */
export function SelectField({
  name,
  label,
  values,
  query,
}: {
  name: string;
  label: string;
  values: readonly { value: string; text: string }[];
  query: URLSearchParams;
}) {
  const chosen = query.get(name) ?? '';
  const isKnown = chosen === '' || values.some(({ value }) => value === chosen);
  return (
    <p class="field">
      <label for={`f-${name}`}>{label}</label>
      <select id={`f-${name}`} name={name}>
        <option value="">any</option>
        {!isKnown && (
          <option value={chosen} selected>
            {chosen}
          </option>
        )}
        {values.map(({ value, text }) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </p>
  );
}

function More({ jobs, call }: { jobs: readonly JobView[]; call: PageCall }) {
  const last = jobs.at(-1);
  return (
    <nav class="pages" aria-label="More jobs">
      {call.query.has('before') && <a href={withQuery(call, { before: undefined, said: undefined })}>newest</a>}
      {last && jobs.length === PAGE && <a href={withQuery(call, { before: last.id, said: undefined })}>older</a>}
    </nav>
  );
}
