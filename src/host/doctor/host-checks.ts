import type { SecretsView } from '../../control/protocol.ts';
import type { RungState } from '../../gateway/models/ports.ts';
import { locationOf, type PlainFault } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { DoctorCheck } from '../../operations/results/doctor.ts';
import type { Warning } from '../../telemetry/warnings/warning.ts';
import { fine, problem, warning } from './machine-checks.ts';
import type { ProcessBelow } from './processes.ts';

/** Facts of a host at work. */
export interface HostCheckFacts extends AgentFacts {
  watchedBy: 'guardian' | 'systemd' | null;
  pid: number;
  upMs: number;
  /** How far the wall clock has jumped since the host began, ms; monotonic time is the measure. */
  jumpedMs: number;
  zone: string;
  warnings: readonly PlainFault[];
  /** Early warnings. */
  early: readonly Warning[];
  page: { url: string } | null;
  isPageWanted: boolean;
  /** Changed settings that are on probation: how many, and until when in ms. */
  probation: { changed: number; leftMs: number } | null;
  processes: readonly ProcessBelow[];
  /** The rungs of the chain of models; null: no agent needs models. */
  models: {
    isListening: boolean;
    why: string | null;
    chain: readonly Pick<RungState, 'name' | 'state' | 'why'>[];
  } | null;
  /** Whether the dead man is set, and what of alerts was not delivered. */
  alerts: { hasDeadMan: boolean; channels: readonly string[] };
  /** The longest that a job of any agent may take, ms. */
  longestJobMs: number;
  droppedLines: number;
  /** Rows of the store that were set aside. */
  asides: number;
}

/** Facts of agents. */
interface AgentFacts {
  agents: readonly { name: string; state: string; why: string }[];
  rejected: readonly PlainFault[];
  unscheduled: readonly { agent: string; fault: PlainFault }[];
  secrets: SecretsView;
  down: readonly { origin: string; why: string }[];
}

type Check = Omit<DoctorCheck, 'group'>;

/** The sooner a clock is set back, the less it harms: below that, nobody notices. */
const JUMP_MS = 2_000;
/** A command is killed with its job; the grace is for its end. */
const GRACE_MS = 60_000;

/** Judges a host at work. */
export function hostChecks(facts: HostCheckFacts): DoctorCheck[] {
  const inGroup = (group: DoctorCheck['group'], checks: Check[]) => checks.map((check) => ({ ...check, group }));
  return [
    ...inGroup('host', [...clock(facts), timezone(facts), store(facts), log(facts), ...early(facts)]),
    ...inGroup('supervision', [
      supervisor(facts),
      ...faults(facts),
      page(facts),
      config(facts),
      children(facts),
      deadMan(facts),
      channels(facts),
    ]),
    ...inGroup('llm', facts.models ? chainChecks(facts.models) : []),
  ];
}

/** Judges agents by what is known of them: a store alone knows less than a host. */
export function agentChecks(facts: Partial<AgentFacts>): DoctorCheck[] {
  const checks = [
    ...(facts.rejected ? loaded(facts.rejected, facts.agents ?? []) : []),
    ...(facts.secrets ? secrets(facts.secrets) : []),
    ...(facts.unscheduled ? scheduled(facts.unscheduled) : []),
    ...(facts.agents ? held(facts.agents) : []),
    ...(facts.down ? servers(facts.down) : []),
  ];
  return checks.map((check) => ({ ...check, group: 'agents' }));
}

/** The gateway, and each rung: a chain with one rung that answers goes on, and is no redundancy. */
function chainChecks({ isListening, why, chain }: NonNullable<HostCheckFacts['models']>): Check[] {
  const ready = chain.filter(({ state }) => state === 'ready' || state === 'cooling').length;
  const gateway = isListening
    ? fine('gateway', `the model gateway listens; ${ready} of ${chain.length} rungs can be asked`)
    : problem('gateway', `the model gateway does not listen: ${why ?? 'it is starting'}`, 'daruma logs');
  return [
    gateway,
    ...chain.map(({ name, state, why: reason }) => {
      const text = `${name}: ${state}${reason ? ` (${reason})` : ''}`;
      if (state === 'ready' || state === 'cooling') return fine(`rung-${name}`, text);
      const fix = state === 'off' ? 'write its key into .env' : 'daruma models';
      return ready === 0 ? problem(`rung-${name}`, text, fix) : warning(`rung-${name}`, text, fix);
    }),
  ];
}

function clock({ jumpedMs, upMs }: HostCheckFacts): Check[] {
  const far = Math.abs(jumpedMs);
  if (far < JUMP_MS) return [fine('clock-jumps', `the clock has not jumped in ${formatDuration(upMs)}`)];
  const way = jumpedMs > 0 ? 'forward (or the machine slept)' : 'back';
  const text = `the clock went ${formatDuration(far)} ${way} since the host began`;
  return [warning('clock-jumps', text, 'daruma status shows what is late by it')];
}

function timezone({ zone, warnings }: HostCheckFacts): Check {
  const fault = warnings.find(({ code }) => code === 'MACHINE_ZONE');
  return fault ? byFault('timezone', fault) : fine('timezone', `time zone ${zone}`);
}

function store({ asides }: HostCheckFacts): Check {
  return asides === 0
    ? fine('store-rows', 'no row of the store had to be set aside')
    : warning('store-rows', `${asides} rows of the store could not be read and were set aside`, 'daruma store check');
}

function log({ droppedLines }: HostCheckFacts): Check {
  return droppedLines === 0
    ? fine('log', 'no log line was lost')
    : warning(
        'log',
        `${droppedLines} log lines were lost since the host began`,
        'daruma doctor looks at the disk; a slower logger, logs.level',
      );
}

/** The early warnings that people are told of; a warning that only rises is shown by status. */
function early({ early }: HostCheckFacts): Check[] {
  return early
    .filter(({ word }) => word !== 'rising')
    .map(({ fingerprint, text, next }) => warning(fingerprint, text, next));
}

function supervisor({ watchedBy, pid }: HostCheckFacts): Check {
  if (watchedBy === 'systemd')
    return fine(
      'supervisor',
      `systemd starts the host (pid ${pid}) again, and its watchdog ends one that stands still`,
    );
  if (watchedBy === 'guardian')
    return warning(
      'supervisor',
      `a guardian starts the host (pid ${pid}) again; nobody starts the guardian after a reboot`,
      'daruma service install',
    );
  return problem(
    'supervisor',
    `nobody starts the host (pid ${pid}) again when it ends`,
    'daruma stop; daruma start, or daruma service install',
  );
}

/** Warnings of the host itself, but for those that have a check of their own. */
function faults({ warnings }: HostCheckFacts): Check[] {
  return warnings.filter(({ code }) => code !== 'MACHINE_ZONE').map((fault) => byFault(nameOf(fault.code), fault));
}

function page({ page, isPageWanted, warnings }: HostCheckFacts): Check {
  if (page) return fine('page', `page on ${page.url}`);
  if (!isPageWanted) return fine('page', 'the page is off, as config/daruma.yaml or DARUMA_WEB says');
  return warnings.some(({ code }) => code.startsWith('WEB'))
    ? problem('page', 'there is no page', 'daruma logs --grep web --level warn')
    : warning('page', 'the page is starting', 'daruma doctor, in a moment');
}

function config({ probation }: HostCheckFacts): Check {
  if (!probation) return fine('config', 'the settings in force are known to be good');
  const text = `${probation.changed} changed settings are on probation for ${formatDuration(probation.leftMs)} more`;
  return warning('config', text, 'daruma config force takes them now, daruma config rollback goes back');
}

function deadMan({ alerts }: HostCheckFacts): Check {
  if (alerts.hasDeadMan) return fine('dead-man', 'the dead man is pinged while every loop turns');
  return warning(
    'dead-man',
    'dead-man URL not set: nobody notices when this machine is gone',
    'set alerts.deadman: { url: … } in config/daruma.yaml',
  );
}

function channels({ alerts }: HostCheckFacts): Check {
  if (alerts.channels.length > 0) return fine('channels', `alerts go to ${alerts.channels.join(', ')}`);
  const text = 'alerts go to the terminal and the file of this machine alone';
  return warning('channels', text, 'alerts: { open: [post-email] } in config/daruma.yaml, then daruma alerts test');
}

function children({ processes, longestJobMs }: HostCheckFacts): Check {
  const zombies = processes.filter(({ isZombie }) => isZombie);
  if (zombies.length > 0)
    return warning(
      'children',
      `${zombies.length} ended processes were not asked for their end`,
      'daruma stop; daruma start',
    );
  const old = processes.filter(({ isOwn, ageMs }) => !isOwn && ageMs > longestJobMs + GRACE_MS);
  if (old.length === 0) {
    const own = processes.filter(({ isOwn }) => isOwn).length;
    return fine(
      'children',
      `${own} processes of the host, ${processes.length - own} of commands, none older than a job may be`,
    );
  }
  const names = old.slice(0, 3).map(({ pid, command, ageMs }) => `${command} (pid ${pid}, ${formatDuration(ageMs)})`);
  return problem(
    'children',
    `commands are older than any job may be: ${names.join(', ')}`,
    `kill ${old.map(({ pid }) => pid).join(' ')}`,
  );
}

function loaded(rejected: AgentFacts['rejected'], agents: AgentFacts['agents']): Check[] {
  if (rejected.length > 0) return rejected.map((fault) => byFault('plugins', fault));
  return [fine('plugins', `all files load, ${agents.length} agents`)];
}

function secrets({ secrets, problems }: SecretsView): Check[] {
  const missing = secrets.filter(({ where }) => where === null);
  const found = [
    ...missing.map(({ name, agents }) =>
      problem(
        'secrets',
        `${name} is missing, which ${agents.join(', ')} needs`,
        `${name}=… in .env (LoadCredential=${name}:<file> in a unit)`,
      ),
    ),
    ...problems.map((fault) => byFault('secrets', fault)),
  ];
  return found.length > 0
    ? found
    : [
        fine(
          'secrets',
          secrets.length === 0
            ? 'no agent declares a secret'
            : secrets.length === 1
              ? 'the one secret is there'
              : `all ${secrets.length} secrets are there`,
        ),
      ];
}

function scheduled(unscheduled: AgentFacts['unscheduled']): Check[] {
  if (unscheduled.length === 0) return [fine('slots', 'every agent with a schedule has its next slot')];
  return unscheduled.map(({ agent, fault }) =>
    problem(
      'slots',
      `${agent} has a schedule and no next slot: ${fault.message}`,
      fault.next ?? `daruma logs ${agent} --level error`,
    ),
  );
}

/** States that want somebody, and the way out of each. */
const TROUBLED: Readonly<Record<string, (agent: string) => string>> = {
  quarantined: (agent) => `daruma status ${agent}; daruma resume ${agent}`,
  failed: (agent) => `daruma jobs ${agent} --state dead; daruma replay --agent ${agent}`,
  late: (agent) => `daruma why ${agent}`,
};

function held(agents: AgentFacts['agents']): Check[] {
  const found = agents.flatMap(({ name, state, why }) => {
    const way = TROUBLED[state];
    return way ? [problem('states', `${name} is ${state}: ${why}`, way(name))] : [];
  });
  return found.length > 0 ? found : [fine('states', 'no agent is late, failed or quarantined')];
}

function servers(down: AgentFacts['down']): Check[] {
  if (down.length === 0) return [fine('servers', 'every server that agents call answers')];
  return down.map(({ origin, why }) => warning('servers', `${origin} is down: ${why}`, 'daruma incidents --open'));
}

function byFault(name: string, fault: PlainFault): Check {
  const place = locationOf(fault);
  return problem(
    name,
    place && !fault.message.includes(place) ? `${fault.message} (${place})` : fault.message,
    fault.next ?? null,
  );
}

/** `guardian-gone`. */
function nameOf(code: string): string {
  return code.toLowerCase().replaceAll('_', '-');
}
