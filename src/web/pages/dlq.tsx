import type { Ops } from '../../control/protocol.ts';
import type { Page, PageCall } from '../page.ts';
import { planAddress } from './batch-plan.tsx';
import { addressOf, counted, FaultBox, Section, When } from './parts.tsx';
import { inShell } from './shell.tsx';

type DeadGroups = Ops['dlq']['value'];

const MOST_GROUPS = 100;

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
        aside={
          <>
            {agent !== null && <a href="/dlq">of all agents</a>} <a href="/batches">batches</a>
          </>
        }
      >
        {groups.length === 0 && (
          <p class="calm">
            <span class="sign green">✓</span> None.
          </p>
        )}
        {groups.length > 1 && call.viewer.role === 'operator' && !call.down && (
          <div class="acts">
            <a class="button" href={planAddress('replay', { state: 'dead', agent: agent ?? undefined })}>
              Replay all {count.toLocaleString('en')}…
            </a>
            <a class="button" href={planAddress('drop', { state: 'dead', agent: agent ?? undefined })}>
              Give up all {count.toLocaleString('en')}…
            </a>
          </div>
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
  const which = { cause, agent, state: 'dead' };
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
          <a class="button main" href={planAddress('replay', which)}>
            Replay {count}…
          </a>
          <a class="button" href={planAddress('drop', which)}>
            Give up {count}…
          </a>
        </div>
      )}
    </>
  );
}
