import { type BatchAct, MOST_ITEMS } from '../../jobs/batch.ts';
import type { JobId } from '../../jobs/model.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Ops } from '../../operations/table.ts';
import type { HostContext } from '../host-context.ts';
import { type AskedJobs, batchOrderOf, MOST_NAMED, meantBy, viewBatch } from './batches.ts';
import { type OpCall, type OpTable, whoOf } from './handlers.ts';

type ManyAnswer = Ops['replay']['value'];

/** Acts on many jobs at once, as the operations `replay`, `drop` and `cancelMany` do: by a batch that they wait for. */
interface JobSets {
  /**
   * Acts on every job of a set that is there now, or, with `dryRun`, says which these are. Rejects when the set is everything, or a cause of nothing. The
   * batch goes on when `gone` is aborted.
   */
  act(act: BatchAct, asked: AskedJobs, call: Pick<OpCall, 'by' | 'gone'> & { dryRun: boolean }): Promise<ManyAnswer>;
}

export function createJobSets(hostContext: HostContext): JobSets {
  const { store, batches, journal, events } = hostContext;
  return {
    async act(act, asked, { dryRun, ...call }) {
      const { agent, cause, since, text } = asked;
      if ([agent, cause, since, text].every((one) => one === undefined))
        throw new Fault({ code: 'USAGE', message: 'name a job, a cause or an agent', next: 'daruma dlq' });
      const order = batchOrderOf(act, withoutSecrets(asked, journal));
      const { count, stale, jobs } = await meantBy(hostContext, order, []);
      if (count === 0 && cause !== undefined) throw causeUnknown(order.set.states, cause);
      const willBeStale = asked.stale ? 0 : stale;
      if (dryRun || count === 0) return { count, jobs, dryRun, ...(act === 'replay' ? { stale: willBeStale } : {}) };
      const begun = await batches.begin(order, []);
      recordBegin(events, act, begun, call);
      const { id, results } = await batches.ended(begun, call.gone);
      const items = await store.batchItems(id, { result: 'done', limit: MOST_NAMED });
      const { done, ...others } = results;
      return { count: done, jobs: items.map(({ job }) => job), dryRun, batch: id, ...others };
    },
  };
}

/** The operations that change batches. */
export function batchOps(hostContext: HostContext): Pick<OpTable, 'batchStart' | 'batchCancel'> {
  const { store, batches, journal, events } = hostContext;
  return {
    async batchStart({ act, most = MOST_ITEMS, ...asked }, call) {
      const order = batchOrderOf(act, withoutSecrets(asked, journal));
      const named: JobId[] = asked.ids ?? [];
      const { count } = await meantBy(hostContext, order, named);
      if (count > most) throw moreByNow(count, most);
      if (count === 0) throw noneMatches();
      const begun = await batches.begin(order, named);
      recordBegin(events, act, begun, call);
      return viewBatch((await store.batch(begun))!);
    },
    batchCancel: async ({ id }) => viewBatch(await batches.cancel(id)),
  };
}

/** The end of the batch is an event that comes of this one. */
function recordBegin(events: HostContext['events'], act: BatchAct, id: string, call: Pick<OpCall, 'by'>): void {
  const message = `the batch ${id} was begun: ${act}`;
  const who = given({ who: whoOf(call) });
  const event = { kind: 'batch.begun', agent: null, message, data: { batch: id, act } };
  events.record('info', { ...event, ...who, about: [subject.batch(id)] });
}

/** A reason is kept with each job, and a person may have pasted a secret into it. */
function withoutSecrets(asked: AskedJobs, { scrub }: HostContext['journal']): AskedJobs {
  return asked.reason === undefined ? asked : { ...asked, reason: scrub.text(asked.reason) };
}

function causeUnknown(states: readonly string[], cause: string): Fault {
  const message = `no ${states.join(' or ')} job has the cause ${cause}`;
  return new Fault({ code: 'CAUSE_UNKNOWN', message, next: 'daruma dlq' });
}

function moreByNow(count: number, most: number): Fault {
  const message = `${count} jobs match by now, and ${most} were shown: nothing was done`;
  return new Fault({ code: 'BATCH_GREW', message, next: 'look again, and confirm the new number' });
}

function noneMatches(): Fault {
  return new Fault({ code: 'BATCH_EMPTY', message: 'no job matches: nothing was done', next: 'daruma jobs' });
}
