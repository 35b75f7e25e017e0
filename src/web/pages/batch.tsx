import type { BatchItemView, BatchView } from '../../control/protocol.ts';
import { actedWords, batchWords } from '../../control/words/batch.ts';
import type { Page, PageCall } from '../page.ts';
import { actWord } from './batch-plan.tsx';
import { FactList } from './job.tsx';
import { Act, addressOf, Choices, counted, Said, Section, State, Table, When, withQuery } from './parts.tsx';
import { inShell } from './shell.tsx';

const MOST_BATCHES = 100;
/** Rows of one page; the next ones are a link away. */
const PAGE = 100;
const RESULTS = ['done', 'stale', 'gone', 'failed'] as const;

/** Batches, newest first. */
export const batchesPage: Page = {
  path: '/batches',
  async render(call) {
    const batches = await call.ask('batches', { limit: MOST_BATCHES });
    return inShell(call, 'Batches', () => (
      <Section title={counted(batches.length, 'batch', 'batches')} id="list">
        {batches.length === 0 ? (
          <p class="empty">None: an act on many jobs is one, from the jobs or the dead letters.</p>
        ) : (
          <Table label="Batches" heads={['Batch', 'Act', 'State', 'Begun', 'Jobs', 'What came of it']}>
            {batches.map((batch) => (
              <tr id={batch.id}>
                <th scope="row">
                  <a href={`/batches/${batch.id}`}>{batch.id}</a>
                </th>
                <td>{actWord(batch.act)}</td>
                <td>
                  <State state={batch.state} />
                </td>
                <td>
                  <When at={batch.startedAt} clock={call.clock} />
                </td>
                <td>{batch.total.toLocaleString('en')}</td>
                <td class="wide">{batchWords(batch)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Section>
    ));
  },
};

/** The page of a batch: how far it has come, live, and what came of each job. */
export const batchPage: Page = {
  path: '/batches/:id',
  async render(call) {
    const id = call.params.id!;
    const result = RESULTS.find((one) => one === call.query.get('result'));
    const after = call.query.get('after')?.slice(0, 40);
    const [batch, items] = await Promise.all([
      call.ask('batch', { id }),
      call.ask('batchItems', { id, limit: PAGE, ...(result ? { result } : {}), ...(after ? { after } : {}) }),
    ]);
    return inShell(call, id, () => (
      <>
        <Progress batch={batch} />
        <BatchFacts batch={batch} call={call} />
        {batch.endedAt === null && !call.down && (
          <div class="acts">
            <Act call={call} op="batchCancel" args={{ id }} label="End it here" look="danger" />
          </div>
        )}
        <Section title="What came of each job" id="items" aside={<ResultChoice batch={batch} call={call} />}>
          <Items batch={batch} items={items} />
          <nav class="pages" aria-label="More jobs">
            {after && <a href={withQuery(call, { after: undefined, said: undefined })}>first</a>}
            {items.length === PAGE && <a href={withQuery(call, { after: items.at(-1)!.job, said: undefined })}>next</a>}
          </nav>
        </Section>
      </>
    ));
  },
};

function Progress({ batch }: { batch: BatchView }) {
  const { total, left, state, act } = batch;
  return (
    <>
      <p class="lead">
        <State state={state} /> {batchWords(batch)}
      </p>
      {batch.endedAt === null && (
        <p>
          <progress max={Math.max(1, total)} value={total - left} aria-label={`${actWord(act)}: how far it has come`} />{' '}
          {state === 'collecting'
            ? 'jobs that match are looked for'
            : `${(total - left).toLocaleString('en')} of ${counted(total, 'job')}`}
        </p>
      )}
    </>
  );
}

function BatchFacts({ batch, call }: { batch: BatchView; call: PageCall }) {
  const { act, filter, named, reason, withStale } = batch;
  const { states, since, ...texts } = filter;
  return (
    <FactList
      facts={[
        ['Act', actWord(act)],
        ['Of', named ? 'jobs that were selected' : `${states.join(', ')} jobs`],
        ...Object.entries(texts).map(([name, value]): [string, ReturnType<typeof Said>] => [
          name,
          <Said text={value!} />,
        ]),
        ['Queued since', since && <When at={since} clock={call.clock} />],
        ['Stale jobs', act === 'replay' && (withStale ? 'are replayed, too' : 'are dropped')],
        ['Reason', reason && <Said text={reason} />],
        ['Begun', <When at={batch.startedAt} clock={call.clock} />],
        ['Ended', batch.endedAt && <When at={batch.endedAt} clock={call.clock} />],
      ]}
    />
  );
}

function ResultChoice({ batch, call }: { batch: BatchView; call: PageCall }) {
  const choices = RESULTS.filter((result) => batch[result] > 0).map((value) => ({
    value,
    text: `${batch[value].toLocaleString('en')} ${actedWords(batch.act, value)}`,
  }));
  return (
    <Choices
      call={{
        path: call.path,
        query: new URLSearchParams(call.query.has('result') ? { result: call.query.get('result')! } : {}),
      }}
      name="result"
      choices={[{ value: '', text: 'all' }, ...choices]}
      fallback=""
      label="The result"
    />
  );
}

const SIGNS = { done: 'done', stale: 'cancelled', gone: 'off', failed: 'failed' } as const;

function Items({ batch, items }: { batch: BatchView; items: readonly BatchItemView[] }) {
  if (items.length === 0) return <p class="empty">No such jobs.</p>;
  return (
    <Table label="Jobs of the batch" heads={['Job', 'Agent', 'Result', 'Is now', 'Why']}>
      {items.map(({ job, agent, result, state, why }) => (
        <tr id={`item-${job}`}>
          <th scope="row">{state === null ? job : <a href={addressOf('jobs', job)}>{job}</a>}</th>
          <td>{agent === null ? '–' : <a href={addressOf('agents', agent)}>{agent}</a>}</td>
          <td>
            {result === null ? (
              <span class="dim">waits</span>
            ) : (
              <State state={SIGNS[result]} word={actedWords(batch.act, result)} />
            )}
          </td>
          <td>{state === null ? <span class="dim">not kept</span> : <State state={state} />}</td>
          <td class="wide">{why}</td>
        </tr>
      ))}
    </Table>
  );
}
