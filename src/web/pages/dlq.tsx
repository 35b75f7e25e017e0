import type { JobView, Ops } from '../../control/protocol.ts';
import type { Page, PageCall } from '../page.ts';
import { JobTable } from './job-table.tsx';
import { Act, addressOf, counted, FaultBox, Said, Section, When } from './parts.tsx';
import { inShell } from './shell.tsx';

type DeadGroups = Ops['dlq']['value'];

const MOST_GROUPS = 100;
const MOST_SHOWN = 50;

/**
 * Dead letters by cause. An act on all dead letters of a cause is shown on a page of its own, which asks before the
 * act.
 */
export const dlqPage: Page = {
  path: '/dlq',
  async render(call) {
    const agent = call.query.get('agent');
    const all = await call.ask('dlq', {});
    const groups = all.filter((group) => agent === null || group.agent === agent);
    const count = groups.reduce((sum, group) => sum + group.count, 0);
    return inShell(call, 'Dead letters', () => (
      <Section
        title={counted(count, 'dead letter')}
        id="list"
        aside={agent !== null && <a href="/dlq">of all agents</a>}
      >
        {groups.length === 0 && (
          <p class="calm">
            <span class="sign green">✓</span> None.
          </p>
        )}
        <ul class="needs">
          {groups.slice(0, MOST_GROUPS).map((group) => (
            <li>
              <Group group={group} call={call} />
            </li>
          ))}
        </ul>
      </Section>
    ));
  },
};

function Group({ group, call }: { group: DeadGroups[number]; call: PageCall }) {
  const { cause, agent, count, example } = group;
  const which = new URLSearchParams({ cause, agent });
  return (
    <>
      <p>
        <span class="sign red">✗</span> <b>{count}</b> of <a href={addressOf('agents', agent)}>{agent}</a>{' '}
        <span class="dim">{cause}</span>, first <When at={group.firstAt} clock={call.clock} />, last{' '}
        <When at={group.lastAt} clock={call.clock} />, such as <a href={addressOf('jobs', example.id)}>{example.id}</a>
      </p>
      {example.error && <FaultBox fault={example.error} />}
      {call.viewer.role === 'operator' && !call.down && (
        <div class="acts">
          <a class="button main" href={`/dlq/replay?${which}`}>
            Replay {count}…
          </a>
          <a class="button" href={`/dlq/drop?${which}`}>
            Give up {count}…
          </a>
        </div>
      )}
    </>
  );
}

/** The page that shows an act on all dead letters of a cause before it is done. */
function previewPage(op: 'replay' | 'drop', words: { title: string; would: string; button: string }): Page {
  return {
    path: `/dlq/${op}`,
    role: 'operator',
    async render(call) {
      const cause = call.query.get('cause') ?? '';
      const agent = call.query.get('agent') ?? '';
      const [groups, jobs] = await Promise.all([
        call.ask('dlq', {}),
        call.ask('jobs', { agent, cause, states: ['dead'], limit: MOST_SHOWN }).catch((): JobView[] => []),
      ]);
      const count = groups.find((group) => group.cause === cause && group.agent === agent)?.count ?? 0;
      return inShell(call, words.title, () => (
        <>
          <p class="lead">
            {words.would} <b>{counted(count, 'job')}</b> of <Said text={agent} /> with the cause <Said text={cause} />.
          </p>
          <div class="acts">
            {count > 0 && (
              <Act
                call={call}
                op={op}
                args={{ cause, agent }}
                label={`${words.button} ${count}`}
                look={op === 'drop' ? 'danger' : 'main'}
                back="/dlq"
              />
            )}
            <a class="button" href="/dlq">
              Back
            </a>
          </div>
          <Section title={count > MOST_SHOWN ? `The newest ${MOST_SHOWN} of them` : 'These jobs'} id="jobs">
            <JobTable jobs={jobs} call={call} />
          </Section>
        </>
      ));
    },
  };
}

/** The page before a replay of all dead letters of a cause. */
export const replayPage = previewPage('replay', {
  title: 'Replay dead letters',
  would: 'A replay puts back in the queue, each with all its attempts before it:',
  button: 'Replay',
});

/** The page before all dead letters of a cause are given up for good. */
export const dropPage = previewPage('drop', {
  title: 'Give up dead letters',
  would: 'Nobody will run these again, and they leave the dead letters:',
  button: 'Give up',
});
