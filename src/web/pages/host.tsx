import type { Ops, OriginView, StatusView } from '../../control/protocol.ts';
import { relative } from '../../kernel/clock.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { Page, PageCall } from '../page.ts';
import { Doctor } from './doctor.tsx';
import { LoadOverTime, loadOf } from './host-load.tsx';
import { FactList } from './job.tsx';
import { ModelChain } from './models.tsx';
import { Act, addressOf, FaultBox, Said, Section, State, Table, When } from './parts.tsx';
import { inShell } from './shell.tsx';
import { Supervision } from './supervision.tsx';

type Workers = Ops['workers']['value'];

/** The host itself: who watches it, its cells and workers, the servers that agents call, what is held. */
export const hostPage: Page = {
  path: '/host',
  async render(call) {
    const [workers, health, load, checkup] = await Promise.all([
      call.ask('workers', {}).catch((): Workers => []),
      call.ask('health', {}).catch(() => undefined),
      loadOf(call),
      call.query.has('doctor') ? call.ask('doctor', {}).catch(() => undefined) : undefined,
    ]);
    return inShell(call, 'Host', (status) => (
      <>
        <Supervision status={status} health={health} call={call} />
        {status.host && <HostFacts host={status.host} call={call} />}
        <Pressure status={status} call={call} />
        <Config status={status} call={call} />
        {status.problems.map((fault) => (
          <FaultBox fault={fault} />
        ))}
        <Holds status={status} call={call} />
        <LoadOverTime load={load} call={call} />
        <WorkerTable workers={workers} call={call} />
        {status.host?.fences && <Cells fences={status.host.fences} />}
        <ModelChain models={status.models} call={call} />
        <Origins origins={status.origins ?? []} call={call} />
        <Doctor checks={checkup?.checks} call={call} />
      </>
    ));
  },
};

function HostFacts({ host, call }: { host: NonNullable<StatusView['host']>; call: PageCall }) {
  const up = formatDuration(Math.max(0, call.clock.now - Date.parse(host.startedAt)));
  return (
    <FactList
      facts={[
        ['Version', host.version],
        ['Up', `${up}, process ${host.pid}`],
        ['Memory', formatSize(host.memoryBytes)],
        ['Event loop', `${Math.round(host.loopLagMs)} ms behind`],
        ['Waiting', `${host.waiting ?? host.queued} jobs`],
        ['Web clients', `${call.streams.open} of ${call.streams.most}`],
        ['Safe mode', host.safeMode && 'on: every agent is held'],
        ['Folder', <code>{host.folder}</code>],
        ['Store', <code>{host.store}</code>],
        ['Log', <code>{host.logs}</code>],
      ]}
    />
  );
}

/** The steps that are in force while the machine is short; nothing while there is none. */
function Pressure({ status: { host }, call }: { status: StatusView; call: PageCall }) {
  const steps = host?.pressure?.steps ?? [];
  if (steps.length === 0) return null;
  return (
    <Section title={`Pressure: rung ${host!.pressure!.rung} of 6`} id="pressure">
      <ul class="lines">
        {steps.map(({ step, rung, resource, text, since, seen }) => (
          <li id={`pressure-${resource}-${step}`}>
            <b>
              {rung} {text}
            </b>{' '}
            since <When at={since} clock={call.clock} />: <Said text={seen} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Config({ status: { host }, call }: { status: StatusView; call: PageCall }) {
  const config = host?.config;
  if (!config) return null;
  return (
    <Section title="config/daruma.yaml" id="config">
      <p>
        <State
          state={config.is === 'on-probation' ? 'probation' : 'bad'}
          word={config.is === 'on-probation' ? 'on probation' : 'taken back'}
        />{' '}
        {config.until && (
          <>
            until <When at={config.until} clock={call.clock} />
          </>
        )}{' '}
        {config.why && <Said text={config.why} />}
      </p>
      <ul class="lines">
        {config.changed.map(({ path, before, after }) => (
          <li>
            <b>{path}</b> <Said text={before} most={80} /> → <Said text={after} most={80} />
          </li>
        ))}
      </ul>
      <div class="acts">
        {config.is === 'on-probation' && <Act call={call} op="configRollback" label="Go back" />}
        <Act call={call} op="configForce" label="Take it as good" look="danger" />
      </div>
    </Section>
  );
}

const HELD = new Set(['paused', 'quarantined', 'needs setup']);

function Holds({ status, call }: { status: StatusView; call: PageCall }) {
  const held = status.agents.filter(({ state }) => HELD.has(state));
  if (held.length === 0) return null;
  return (
    <Section title="Held" id="holds">
      <ul class="lines">
        {held.map(({ name, state, why }) => (
          <li>
            <State state={state} /> <a href={addressOf('agents', name)}>{name}</a> <Said text={why} />{' '}
            {!call.down && state !== 'needs setup' && (
              <Act call={call} op="resume" args={{ agent: name }} label="Resume" />
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

const WORKER_STATES: Readonly<Record<string, string>> = {
  idle: 'ok',
  busy: 'running',
  starting: 'new',
  draining: 'off',
  stopping: 'off',
};

function WorkerTable({ workers, call }: { workers: Workers; call: PageCall }) {
  if (workers.length === 0) return null;
  return (
    <Section title="Workers" id="workers">
      <Table label="Workers" heads={['Worker', 'Agent', 'Is', 'Job', 'For', 'Memory']}>
        {workers.slice(0, 200).map(({ worker, agent, is, job, startedAt, memoryBytes }) => (
          <tr id={`worker-${worker}`}>
            <th scope="row">{worker}</th>
            <td>
              <a href={addressOf('agents', agent)}>{agent}</a>
            </td>
            <td>
              <State state={WORKER_STATES[is] ?? is} word={is} />
            </td>
            <td>{job && <a href={addressOf('jobs', job)}>{job}</a>}</td>
            <td>{startedAt && relative(Date.parse(startedAt), call.clock).replace(/ ago$/, '')}</td>
            <td>{memoryBytes === null ? '–' : formatSize(memoryBytes)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

const FENCES: Readonly<Record<string, string>> = { full: 'ok', partial: 'late', node: 'late', none: 'failed' };

function Cells({ fences }: { fences: NonNullable<NonNullable<StatusView['host']>['fences']> }) {
  if (fences.length === 0) return null;
  return (
    <Section title="Cells" id="cells">
      <Table label="Cells" heads={['Process', 'Cell', 'Agent', 'Fence', 'Lacks']}>
        {fences.map(({ pid, cell, agent, fence }) => (
          <tr>
            <th scope="row">{pid}</th>
            <td>{cell}</td>
            <td>{agent && <a href={addressOf('agents', agent)}>{agent}</a>}</td>
            <td>
              {fence ? (
                <State state={FENCES[fence.fence] ?? 'late'} word={fence.fence} />
              ) : (
                <span class="dim">not up yet</span>
              )}
            </td>
            <td class="wide">{fence?.missing.join('; ')}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

const BREAKERS: Readonly<Record<OriginView['state'], string>> = {
  closed: 'ok',
  open: 'failed',
  'half-open': 'retrying',
};

function Origins({ origins, call }: { origins: readonly OriginView[]; call: PageCall }) {
  if (origins.length === 0) return null;
  return (
    <Section title="Servers that agents call" id="origins">
      <Table
        label="Servers"
        heads={['Server', 'Breaker', 'Since', 'Calls', 'Failed', 'Refused', 'p95', 'Newest failure']}
      >
        {origins.map(({ origin, state, since, calls, failures, refused, p95Ms, last }) => (
          <tr>
            <th scope="row">
              <Said text={origin} most={100} />
            </th>
            <td>
              <State state={BREAKERS[state]} word={state} />
            </td>
            <td>
              <When at={since} clock={call.clock} />
            </td>
            <td>{calls}</td>
            <td>{failures}</td>
            <td>{refused}</td>
            <td>{p95Ms === null ? '–' : formatDuration(p95Ms)}</td>
            <td class="wide">{last && <Said text={last.what} most={160} />}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
