import { connect } from 'node:net';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { SecretsView } from '../../control/protocol.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import type { Time } from '../../kernel/time.ts';
import type { DoctorCheck } from '../../operations/results/doctor.ts';
import type { OpTable } from '../api/handlers.ts';
import type { States } from '../api/states.ts';
import type { HostContext } from '../host-context.ts';
import { viewSecrets } from '../secrets/secrets.ts';
import { agentChecks, type HostCheckFacts, hostChecks } from './host-checks.ts';
import { readMachine } from './machine.ts';
import { fine, machineChecks, problem, warning } from './machine-checks.ts';
import { processesBelowHost } from './processes.ts';

/** The operation `doctor` of a host at work: what can be looked at without a trial, within some ten milliseconds. */
export function createDoctor(hostContext: HostContext): OpTable['doctor'] {
  const { time, facts, settings } = hostContext;
  const apart = () => time.now() - time.monotonic();
  const atStart = apart();
  return async () => {
    const machine = readMachine({ folder: facts.folder, settings, now: time.now() });
    const host = await hostFacts(hostContext, apart() - atStart);
    return { checks: [...machineChecks(machine), ...hostChecks(host), ...agentChecks(host)] };
  };
}

async function hostFacts(hostContext: HostContext, jumpedMs: number): Promise<HostCheckFacts> {
  const { time, facts, settings, catalog, states, store, setup, config, configWatch, web } = hostContext;
  const [statuses, unscheduled, asides] = await Promise.all([
    states.all(),
    states.unscheduled(),
    store.asides({ limit: 1_000 }),
  ]);
  setup.secrets.refresh();
  return {
    watchedBy: facts.watchedBy,
    pid: facts.pid,
    upMs: time.now() - facts.startedAt,
    jumpedMs,
    zone: settings.timezone,
    warnings: hostContext.warnings(),
    early: hostContext.earlyWarnings.current(),
    page: web.view(),
    isPageWanted: settings.web.enabled && process.env.DARUMA_WEB !== 'off',
    probation:
      config.selection().is === 'on-probation'
        ? { changed: config.changed.length, leftMs: Math.max(0, (configWatch.until() ?? time.now()) - time.now()) }
        : null,
    alerts: alertFacts(hostContext),
    processes: processesBelowHost(),
    models: modelFacts(hostContext),
    longestJobMs: Math.max(
      0,
      ...[...catalog.agents().values()].map(({ always, limits }) => (always ? limits.graceMs : limits.timeoutMs)),
    ),
    droppedLines: hostContext.journal.dropped(),
    asides: asides.length,
    agents: statesOf(statuses),
    rejected: catalog.problems(),
    unscheduled,
    secrets: viewSecrets(setup.secrets.list(), setup.secrets.envFile()),
    down: hostContext.outbound
      .view()
      .flatMap(({ origin, is, last }) => (is === 'closed' ? [] : { origin, why: last?.what ?? 'no answer' })),
  };
}

function alertFacts({ settings }: Pick<HostContext, 'settings'>): HostCheckFacts['alerts'] {
  const { open, deadman } = settings.alerts;
  return { hasDeadMan: deadman !== undefined, channels: open };
}

/** null: no agent needs models. */
function modelFacts({ models, catalog }: HostContext): HostCheckFacts['models'] {
  if (![...catalog.agents().values()].some(({ needs }) => needs.llm)) return null;
  return { isListening: models.view() !== null, why: models.fault()?.message ?? null, chain: models.chain() };
}

interface StoppedNeeds {
  time: Time;
  folder: string;
  settings: Pick<HostSettings, 'store' | 'logs' | 'web'>;
  /** The facts that the store has of agents; undefined: there is none, or it cannot be read. */
  states: Pick<States, 'all'> | undefined;
  secrets: SecretsView | undefined;
}

/** The facts that can be read while no host runs. */
export async function checkStopped(needs: StoppedNeeds): Promise<DoctorCheck[]> {
  const { time, folder, settings, states, secrets } = needs;
  const agents = states && statesOf(await states.all());
  return [
    ...machineChecks(readMachine({ folder, settings, now: time.now() })),
    {
      ...problem('supervisor', 'no host runs', 'daruma start; daruma service install keeps one at work'),
      group: 'supervision',
    },
    { ...(await port(settings.web)), group: 'supervision' },
    ...agentChecks({ ...(agents && { agents }), ...(secrets && { secrets }) }),
  ];
}

/** Agents whose causes are muted are known to somebody. */
function statesOf(statuses: Awaited<ReturnType<States['all']>>): HostCheckFacts['agents'] {
  return [...statuses].filter(([name]) => !isDrillAgent(name)).map(([name, { state, why }]) => ({ name, state, why }));
}

const ANSWER_WITHIN_MS = 300;

/** Whether another program has the port of the page. */
function port({ enabled, host, port }: HostSettings['web']): Promise<Omit<DoctorCheck, 'group'>> {
  if (!enabled || port === 0) return Promise.resolve(fine('port', 'no port is wanted for the page'));
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (isTaken: boolean) => {
      socket.destroy();
      const text = `another program listens on port ${port}: the page will take the next one that is free`;
      resolve(isTaken ? warning('port', text, `ss -ltnp 'sport = :${port}'`) : fine('port', `port ${port} is free`));
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(false));
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
