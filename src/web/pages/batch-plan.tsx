import type { BatchView, JobView, Ops } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Page, PageCall } from '../page.ts';
import { JobTable } from './job-table.tsx';
import { Act, counted, Said, Section, textsIn } from './parts.tsx';
import { inShell } from './shell.tsx';

type BatchAct = BatchView['act'];
type States = NonNullable<Ops['jobs']['args']['states']>;

/** Each act in words, and whether it can be undone by a replay. */
const ACTS: Readonly<Record<BatchAct, { title: string; would: string; button: string; look: 'main' | 'danger' }>> = {
  replay: {
    title: 'Replay jobs',
    would: 'A replay puts back in the queue, behind new jobs, each with all its attempts before it:',
    button: 'Replay',
    look: 'main',
  },
  drop: {
    title: 'Give up dead letters',
    would: 'Nobody will run these again, and they leave the dead letters:',
    button: 'Give up',
    look: 'danger',
  },
  cancel: {
    title: 'Cancel jobs',
    would: 'These end for good, and attempts that run now are stopped:',
    button: 'Cancel',
    look: 'danger',
  },
};

/** The states of jobs that a list can be narrowed to, with what can be done with all of them. */
export const ACTS_ON: Readonly<Record<string, readonly BatchAct[]>> = {
  dead: ['replay', 'drop'],
  cancelled: ['replay'],
  queued: ['cancel'],
  retrying: ['cancel'],
  running: ['cancel'],
};

/** The word for an act on a button. */
export function actWord(act: BatchAct): string {
  return Object.hasOwn(ACTS, act) ? ACTS[act].button : act;
}

const MOST_SHOWN = 50;
const MOST_NAMED = 100;

/** The jobs that an address means: those that are named, or those that a filter finds. */
interface Meant {
  ids?: string[];
  agent?: string;
  cause?: string;
  text?: string;
  since?: string;
  states?: States;
}

/** The page before an act on many jobs: their number first, then the button. */
export const batchPlanPage: Page = {
  path: '/batches/new',
  role: 'operator',
  async render(call) {
    const act = actIn(call.query);
    const meant = meantIn(call.query);
    if (meant.ids?.length === 0)
      throw new Fault({
        code: 'NOTHING_SELECTED',
        message: 'no job is selected',
        next: 'go back, and tick the boxes of the jobs',
      });
    const { ids, ...filter } = meant;
    const [plan, jobs] = await Promise.all([
      call.ask('batchPlan', { act, ...meant }),
      ids ? namedJobs(call, ids) : call.ask('jobs', { ...filter, ...usualStates(act, filter), limit: MOST_SHOWN }),
    ]);
    const { title } = ACTS[act];
    return inShell(call, title, () => (
      <>
        <Plan act={act} meant={meant} plan={plan} call={call} />
        <Section
          title={plan.count > jobs.length && !ids ? `The newest ${jobs.length} of them` : 'These jobs'}
          id="jobs"
        >
          <JobTable jobs={jobs} call={call} />
        </Section>
      </>
    ));
  },
};

interface PlanProps {
  act: BatchAct;
  meant: Meant;
  plan: Ops['batchPlan']['value'];
  call: PageCall;
}

function Plan(props: PlanProps) {
  const { act, meant, plan, call } = props;
  const { ids, states, ...texts } = meant;
  const rest = ids ? ids.length - plan.count : 0;
  return (
    <>
      <p class="lead">
        {ACTS[act].would} <b>{counted(plan.count, 'job')}</b>
        {Object.entries(texts).map(([name, value]) => (
          <>
            {' '}
            · {name} <Said text={String(value)} />
          </>
        ))}
        {states && <> · {states.join(', ')}</>}
      </p>
      {rest > 0 && (
        <p>{counted(rest, 'selected job')} cannot be taken: the state of a job decides what can be done with it.</p>
      )}
      <div class="acts">
        {plan.count > 0 && !call.down && <Confirm {...props} />}
        <a class="button" href={act === 'cancel' ? '/jobs' : '/dlq'}>
          Back
        </a>
      </div>
    </>
  );
}

function Confirm({ act, meant: { ids = [], states = [], ...texts }, plan: { count, stale }, call }: PlanProps) {
  const { button, look } = ACTS[act];
  const lists = [...ids.map((id) => ['ids', id] as const), ...states.map((one) => ['states', one] as const)];
  return (
    <Act
      call={call}
      op="batchStart"
      args={{ act, ...texts, most: String(count) }}
      label={`${button} ${count.toLocaleString('en')}`}
      look={look}
      back="/batches"
    >
      {lists.map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {act === 'replay' && stale > 0 && <StaleBox stale={stale} />}
      {act !== 'replay' && (
        <>
          <label for="reason">Reason</label>
          <input id="reason" name="reason" type="text" maxlength={1_000} placeholder="each of the jobs keeps it" />
        </>
      )}
    </Act>
  );
}

function StaleBox({ stale }: { stale: number }) {
  return (
    <p class="field">
      <label>
        <input type="checkbox" name="stale" id="stale-too" /> also the {counted(stale, 'job')} that{' '}
        {stale === 1 ? 'is' : 'are'} of no use any more (limits.staleAfter); else {stale === 1 ? 'it is' : 'they are'}{' '}
        dropped
      </label>
    </p>
  );
}

function namedJobs(call: PageCall, ids: readonly string[]): Promise<JobView[]> {
  const asked = ids.map((id) => call.ask('job', { id }).catch(() => undefined));
  return Promise.all(asked).then((found) => found.filter((job) => job !== undefined));
}

function usualStates(act: BatchAct, { states }: Meant): { states: States } {
  return { states: states ?? (act === 'cancel' ? ['queued', 'retrying', 'running'] : ['dead']) };
}

function actIn(query: URLSearchParams): BatchAct {
  const said = query.get('act') ?? '';
  if (Object.hasOwn(ACTS, said)) return said as BatchAct;
  throw new Fault({ code: 'ACT_UNKNOWN', message: 'there is no such act on jobs', next: 'go to the jobs' });
}

function meantIn(query: URLSearchParams): Meant {
  if (query.has('named')) return { ids: [...new Set(query.getAll('id'))].slice(0, MOST_NAMED) };
  const texts = textsIn(query, ['agent', 'cause', 'text', 'since']);
  const states = query.getAll('state').filter((state): state is States[number] => Object.hasOwn(ACTS_ON, state));
  return { ...texts, ...(states.length > 0 ? { states } : {}) };
}

/** The address of the page before an act on all jobs that a filter finds. */
export function planAddress(act: BatchAct, filter: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return `/batches/new?${new URLSearchParams([['act', act], ...said])}`;
}
