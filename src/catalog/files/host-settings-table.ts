import type * as z from 'zod';
import { DEFAULT_CHAIN_BOUNDS } from '../../jobs/chain.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { LOG_LEVELS } from '../../kernel/log.ts';
import { machineZone } from '../../kernel/time.ts';
import { type chainField, DIAGNOSIS_DRILL, FALLBACK_DRILL, type pricesField } from './model-settings.ts';
import {
  alertFile,
  channels,
  choice,
  countSetting,
  deadMan,
  diagnose,
  digestTime,
  length,
  modelBudget,
  modelChain,
  modelDrills,
  modelPrices,
  origins,
  path,
  paths,
  type Setting,
  setting,
  size,
  truth,
  windows,
  words,
  zone,
} from './setting.ts';

const METRIC_READERS = ['loopback', 'public'] as const;
const FENCE_MODES = ['best', 'required'] as const;
const COMMAND_FENCES = ['auto', 'bwrap', 'none'] as const;

/**
 * Every setting of the host, a row each. The schema of config/daruma.yaml, its JSON Schema, the type
 * {@link HostSettings}, the defaults, what changes in place, what may not delete on probation, and docs/settings.md all
 * come out of these rows.
 */
export const HOST_SETTINGS = [
  setting('timezone', zone, () => machineZone().zone, {
    about: 'The zone of every schedule that names none. Default: that of the machine.',
  }),
  setting('store.file', path(), 'data/daruma.db', { about: 'The SQLite file.' }),
  setting('logs.folder', path(), 'logs', { about: 'The folder of all log files.' }),
  setting('logs.level', choice(LOG_LEVELS), 'info', { live: true, about: 'The least level that is written.' }),
  setting('logs.maxFile', size(BOUNDS.disk), '50MB', { about: 'A file that is larger is rolled.' }),
  setting('logs.budget', size({ ...BOUNDS.disk, least: 10 * BOUNDS.disk.least }), '2GB', {
    live: true,
    deletes: true,
    about: 'All log files together; the oldest go first.',
  }),
  setting('workers.max', countSetting(BOUNDS.hostWorkers), undefined, {
    about:
      'Workers of all agents together, at most; agents that find no room wait for their turn. Default: 64 for each core, or one for each 32 MB of memory above 384 MB, whichever is fewer, of what the container is granted.',
  }),
  setting('cells.size', countSetting(BOUNDS.cell), 50, { about: 'Workers in one cell, at most.' }),
  setting('cells.idle', length(BOUNDS.timer), '60s', {
    about:
      'An idle worker above its agent’s workers.min goes after this long; after a sixth of it, when its agent’s work comes at more than half of it.',
  }),
  setting('fence', choice(FENCE_MODES), 'best', {
    about:
      'With `required`, agents with rights are off where the kernel lacks a fence (daruma doctor shows them); with `best` they run behind the fences that there are.',
  }),
  setting('exec.fence', choice(COMMAND_FENCES), 'auto', {
    about:
      'The fence around commands. auto: bubblewrap where it is installed and works, else the kernel’s own fences. bwrap: bubblewrap, or the host does not start. none: commands do what the host’s user may.',
  }),
  setting('retention.jobs', length(BOUNDS.keep), '30d', { live: true, deletes: true, about: 'Finished jobs.' }),
  setting('retention.slots', length(BOUNDS.keep), '90d', { live: true, deletes: true, about: 'Decided slots.' }),
  setting('retention.events', length(BOUNDS.keep), '90d', { live: true, deletes: true, about: 'Events.' }),
  setting('versions.budget', size(BOUNDS.disk), '256MB', {
    live: true,
    deletes: true,
    about:
      'All kept versions of plugins together; the oldest go first, but never one that runs or that a rollback goes to.',
  }),
  setting('state.budget', size(BOUNDS.disk), '64MB', {
    live: true,
    about:
      'What an agent keeps: its state and the results of its effects, together. More is refused, and nothing is deleted.',
  }),
  setting('links.folders', paths, [], {
    about:
      'Folders outside of the installation to which links to folders in plugins/ may lead, with all that is below them. Default: none; a link to a file is always followed.',
  }),
  setting('jobChains.depth', countSetting(BOUNDS.hops), DEFAULT_CHAIN_BOUNDS.depth, {
    about: 'The most hops from a job that no other made: sends and emits beyond are refused.',
  }),
  setting('jobChains.perMinute', countSetting(BOUNDS.madeJobs), DEFAULT_CHAIN_BOUNDS.perMinute, {
    about:
      'What the jobs of one agent may make within a minute, each counted by its hops; then it makes nothing for a minute.',
  }),
  setting('origins', origins, () => ({}), {
    live: true,
    about: 'Servers that agents call, by origin; `*` for all: when one counts as down, and who is asked then.',
  }),
  setting('web.enabled', truth, true, { about: 'Whether there is a page. `web: false` says the same in short.' }),
  setting('web.port', countSetting(BOUNDS.port), 7070, {
    about: 'The port of the page; when it is taken, the next one that is free. 0: any.',
  }),
  setting('web.host', words(253, 'an address'), '127.0.0.1', {
    about: 'The address that the page listens on. Beyond this machine only with `web.origin` and `web.behindTls`.',
  }),
  setting('web.origin', words(300, 'an origin'), undefined, {
    about:
      'The address under which people see the page, where a server with TLS stands in front: https://daruma.example.',
  }),
  setting('web.behindTls', truth, false, {
    about: 'Says that the page is reached through that server alone.',
  }),
  setting('web.metrics', choice(METRIC_READERS), 'loopback', {
    about:
      'loopback: /metrics, and the reasons of /healthz, are shown while the page is for this machine alone, without `web.origin`. public: through that server, too.',
  }),
  setting('pressure.memoryFree', countSetting(BOUNDS.percent), 15, {
    live: true,
    about:
      'The percentage of memory, of the machine and of each cgroup with a limit, that is to be free, of 1 GB at most. With less for ten seconds the machine is pressed, with a third of it for two seconds critically.',
  }),
  setting('pressure.memoryStall', countSetting(BOUNDS.percent), 5, {
    live: true,
    about:
      'The percentage of time in which some task waits for memory (PSI), in the last ten seconds and the last minute, that presses; the same of all tasks at once is critical.',
  }),
  setting('pressure.cpuThrottled', countSetting(BOUNDS.percent), 25, {
    live: true,
    about: 'The percentage of periods in which a processor quota (cpu.max) was used up that presses.',
  }),
  setting('pressure.ioStall', countSetting(BOUNDS.percent), 60, {
    live: true,
    about: 'The percentage of time in which all tasks wait for the disk at once (PSI) that presses.',
  }),
  setting('pressure.relief', length(BOUNDS.timer), '30s', {
    live: true,
    about:
      'How long a resource has to be well below its mark before a step is taken back; longer after a relapse, to eight times.',
  }),
  setting('models.enabled', truth, true, {
    about: 'Whether agents may ask models. `models: false` says the same in short.',
  }),
  setting('models.chain', modelChain, defaultChain, {
    about:
      'Providers of models, tried in order, each with an ordered list of models. `key` names a secret; a rung without its key is off.',
  }),
  setting('models.prices', modelPrices, defaultPrices, {
    live: true,
    about: 'Money for a million tokens, with the day on which somebody looked.',
  }),
  setting('models.budget', modelBudget, () => ({ calls: 2000, tokens: '2M', money: 5 }), {
    live: true,
    about: 'The most of a day, in the zone of the host, of all agents together. A limit that is not named is none.',
  }),
  setting('models.diagnose', diagnose, () => ({ autonomy: 'suggest' as const, perDay: 5 }), {
    live: true,
    about: 'What a model may do about an incident that no remedy ended, and how often a day it is asked.',
  }),
  setting('models.drills', modelDrills, () => ({ fallback: FALLBACK_DRILL, diagnosis: DIAGNOSIS_DRILL }), {
    about: 'When each rung is proven by small real calls, and when a diagnosis is scored; false: never.',
  }),
  setting('alerts.open', channels, () => [], {
    live: true,
    about: 'Agents that are sent what needs a person, and its end.',
  }),
  setting('alerts.warning', channels, () => [], {
    live: true,
    about: 'Agents that are sent early warnings: there are hours left.',
  }),
  setting('alerts.healed', channels, () => [], {
    live: true,
    about: 'Agents that are sent each incident that was healed, at once. `digest` says the same once a day.',
  }),
  setting('alerts.digest', channels, () => [], {
    live: true,
    about:
      'Agents that are sent once a day what was healed, and what still holds. Nothing is sent of a day without both.',
  }),
  setting('alerts.digestAt', digestTime, '0 8 * * *', { live: true, about: 'When, in the zone of the host.' }),
  setting('alerts.windows', windows, () => [], {
    live: true,
    about: 'Maintenance windows: nobody is told anything in them. What still holds at the end is told then.',
  }),
  setting('alerts.deadman', deadMan, undefined, {
    live: true,
    about:
      'An address outside of this machine that is pinged only while every loop of the host turns: it tells you when the machine is gone.',
  }),
  setting('alerts.file', alertFile, 'data/alerts.log', {
    live: true,
    about: 'A file to which each alert is added; at 1 MB a new one is begun, and one old one is kept. false: none.',
  }),
  setting('control.socket', path(100), undefined, {
    about:
      'The path of the control socket, at most 100 bytes. Default: a place that follows from the installation’s folder.',
  }),
] as const;

/** Sentences about the groups of settings. */
export const SETTING_GROUPS: Readonly<Record<string, string>> = {
  store: 'Where jobs, slots and events are kept.',
  logs: 'The log of the host and of all plugins.',
  workers: 'The threads that run jobs.',
  cells: 'The processes that hold the worker threads.',
  exec: 'The commands of agents.',
  retention: 'How long the store keeps what is over.',
  versions: 'The compiled plugins in data/versions, to which a rollback can go.',
  state: 'What agents keep in the store.',
  links: 'Links in plugins/.',
  jobChains: 'How far jobs may make jobs that make jobs.',
  web: 'The page, which a process of its own serves (page.md).',
  pressure: 'When the machine counts as short, and less is started (pressure.md).',
  models: 'Models that agents ask, behind a gateway of the host (models.md).',
  alerts: 'Whom the host tells of troubles (alerts.md).',
  control: 'The socket on which the command line reaches the host.',
};

type Row = (typeof HOST_SETTINGS)[number];
type ValueOf<R> = R extends Setting<string, infer _Said, infer Value, string> ? Value : never;
type GroupOf<P> = P extends `${infer Group}.${string}` ? Group : never;
/** `maxFileBytes` for the row `logs.maxFile`, when `Group` is `logs`. */
type NameIn<Group extends string, R extends Row> =
  R extends Setting<`${Group}.${infer Name}`, infer _S, infer _V, infer Unit> ? `${Name}${Unit}` : never;

/**
 * The host's own settings, every value resolved: lengths in ms (`cells.idleMs`), sizes in bytes (`logs.budgetBytes`). Paths are
 * relative to the installation or absolute.
 */
export type HostSettings = {
  [R in Row as R['path'] extends `${string}.${string}` ? never : R['path']]: ValueOf<R>;
} & {
  [Group in GroupOf<Row['path']>]: { [R in Row as NameIn<Group, R>]: ValueOf<R> };
};

/** The group and the name under which {@link HostSettings} has the value of a row. */
export function placeOf({ path: name, kind: { unit } }: Row): { group: string | undefined; key: string; name: string } {
  const [first, second] = name.split('.') as [string, string | undefined];
  return second === undefined
    ? { group: undefined, key: first, name: first }
    : { group: first, key: second, name: `${second}${unit}` };
}

/** Whether the host takes a change of this setting without starting again; also of `origins.https://api.example`. */
export function isLiveSetting(name: string): boolean {
  return HOST_SETTINGS.some((row) => row.live && (name === row.path || name.startsWith(`${row.path}.`)));
}

/** The chain where the settings say none: two providers with keys, then the models of this machine. */
function defaultChain(): z.output<typeof chainField> {
  return [
    {
      name: 'groq',
      url: 'https://api.groq.com/openai/v1',
      key: 'GROQ_API_KEY',
      models: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b'],
    },
    { name: 'cerebras', url: 'https://api.cerebras.ai/v1', key: 'CEREBRAS_API_KEY', models: ['gpt-oss-120b'] },
    { name: 'ollama', url: 'http://127.0.0.1:11434', kind: 'ollama', models: ['gpt-oss:20b'], free: true },
  ];
}

/** Prices where the settings say none; nobody looks at them again by itself, so each has its day. */
function defaultPrices(): z.output<typeof pricesField> {
  return [
    { model: 'openai/gpt-oss-120b', rung: 'groq', input: 0.15, output: 0.6, asOf: '2026-09-16' },
    { model: 'gpt-oss-120b', rung: 'cerebras', input: 0.35, output: 0.75, asOf: '2026-06-12' },
  ];
}
