import type { Agent } from '../../jobs/agent.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Needs } from '../../plugin/define.ts';
import { isHostTopic } from '../../plugin/host-events.ts';
import { agentFileFault } from '../files/agent-file.ts';
import { faultOfIssues } from '../files/issues.ts';
import { narrowNeeds } from '../files/needs.ts';
import { placesIn } from '../files/yaml-place.ts';
import type { ValueSource } from '../ports.ts';
import { resolveAlways } from './always.ts';
import { resolveDebounce } from './debounce.ts';
import { resolveKeyLimit } from './key-limit.ts';
import { resolveLimits } from './limits.ts';
import { hostsOf, isSettingOf } from './net.ts';
import { resolveSchedule } from './schedule.ts';
import { createValues, pluginFault, type ResolveTerms, type Values, valueFault } from './values.ts';
import { resolveWebhook } from './webhook.ts';

/** An agent with the origin of each of its values. */
export interface Resolved {
  agent: Agent;
  origins: ValueSource[];
}

/** Puts a plugin to work: defaults < plugin < agent file, each value with its origin. Pure. */
export function resolveAgent(terms: ResolveTerms): Resolved | { fault: PlainFault } {
  const { name, version, file } = terms;
  const plugin = version.manifest;
  const said = file?.data;
  if (terms.settingsIssues.length > 0) return { fault: settingsFault(terms) };
  const granted = resolveNeeds(terms);
  if ('fault' in granted) return granted;

  const values = createValues(terms);
  const { pick, origins } = values;
  const about = pick('about', said?.about, plugin.about, '');
  origins.push({ path: 'plugin', value: version.ref.plugin, origin: values.saidAt(['plugin']) });
  origins.push({ path: 'version', value: version.ref.id, origin: version.entry });
  const triggers = resolveTriggers(terms, pick);
  if ('fault' in triggers) return triggers;
  const settings = resolveSettings(terms, values);
  const limits = resolveLimits(said?.limits, plugin.limits, pick, triggers.always);
  const narrowed = noteNeeds(terms, granted.needs, values);
  const sideBySide = resolveWorkers(terms, pick);
  if ('fault' in sideBySide) return sideBySide;
  const isolation = pick('isolation', said?.isolation, plugin.isolation, 'shared');
  const named = pick('class', said?.class, plugin.class, 'normal');
  const logLevel = pick('logs.level', said?.logs?.level, undefined, 'info');

  // A host compares agents as text with those that the host before it wrote down: the order of keys is part of it.
  const agent: Omit<Agent, 'fingerprint'> = {
    name,
    about,
    version: version.ref,
    ...triggers,
    settings,
    ...given({ input: plugin.input ?? eventInput(triggers) }),
    limits,
    needs: granted.needs,
    ...(Object.keys(narrowed).length > 0 ? { narrowed } : {}),
    ...sideBySide,
    isolation,
    ...(named === 'normal' ? {} : { class: named }),
    ...(logLevel === 'info' ? {} : { logLevel }),
  };
  return { agent: { ...agent, fingerprint: fingerprintOf(agent) }, origins };
}

/** The triggers of the agent; a fault also where they start jobs without the input that the plugin asks for. */
function resolveTriggers(
  terms: ResolveTerms,
  pick: Values['pick'],
):
  | Pick<Agent, 'schedule' | 'always' | 'on' | 'webhook' | 'debounce' | 'keyLimit' | 'firstRun'>
  | { fault: PlainFault } {
  const said = terms.file?.data;
  const plugin = terms.version.manifest;
  const always = resolveAlways(said, plugin, pick);
  if ('wrong' in always) return { fault: valueFault(terms, always.wrong) };
  const times = resolveSchedule(said, plugin, terms.hostTimezone, pick);
  if ('wrong' in times) return { fault: valueFault(terms, times.wrong) };
  const { schedule } = times;
  const on = pick('on', said?.on, plugin.on, []);
  const hook = resolveWebhook(said?.webhook, plugin.webhook, pick);
  if ('wrong' in hook) return { fault: valueFault(terms, hook.wrong) };
  const { webhook } = hook;
  const debounced = resolveDebounce(said?.debounce, plugin, pick);
  if ('wrong' in debounced) return { fault: valueFault(terms, debounced.wrong) };
  const limited = resolveKeyLimit(said?.limit, plugin, pick);
  if ('wrong' in limited) return { fault: valueFault(terms, limited.wrong) };
  const firstRun = pick('firstRun', undefined, plugin.firstRun, false);
  const input = plugin.input ?? eventInput({ on, ...given({ webhook }) });
  if (input && !input.takesNothing && (schedule || firstRun)) {
    return { fault: inputFault(terms, schedule ? 'schedule' : 'firstRun') };
  }
  return { ...given({ schedule }), ...always, on, ...given({ webhook }), ...debounced, ...limited, firstRun };
}

/** The input of an agent that listens to events of the host alone, and whose plugin says nothing about it: such an event. */
function eventInput({ on, webhook }: Pick<Agent, 'on' | 'webhook'>): Agent['input'] {
  if (webhook || on.length === 0 || !on.every(isHostTopic)) return undefined;
  const properties = { topic: { enum: [...on] }, from: { type: 'null' }, data: { type: 'object' } };
  return { schema: { type: 'object', properties, required: ['topic', 'from', 'data'] }, takesNothing: false };
}

/** How many workers the agent has, and how many jobs each does side by side. */
function resolveWorkers(
  terms: ResolveTerms,
  pick: Values['pick'],
): Pick<Agent, 'workers' | 'concurrency'> | { fault: PlainFault } {
  const said = terms.file?.data.workers;
  const { workers } = terms.version.manifest;
  const min = pick('workers.min', said?.min, workers?.min, 0);
  const max = pick('workers.max', said?.max, workers?.max, Math.max(1, min));
  if (min > max) {
    const message = `${min} is above workers.max ${max}`;
    const wrong = { code: 'WORKERS_INVALID', path: ['workers', 'min'], message, next: 'set workers.max as well' };
    return { fault: valueFault(terms, wrong) };
  }
  const concurrency = resolveConcurrency(terms, pick);
  if (typeof concurrency !== 'number') return concurrency;
  return { workers: { min, max }, ...(concurrency === 1 ? {} : { concurrency }) };
}

/** The number of jobs that a worker does side by side. Whether its code can bear that is the author's to say: a file may lower it. */
function resolveConcurrency(terms: ResolveTerms, pick: Values['pick']): number | { fault: PlainFault } {
  const { concurrency: ofPlugin } = terms.version.manifest;
  const most = ofPlugin ?? 1;
  const concurrency = pick('concurrency', terms.file?.data.concurrency, ofPlugin, 1);
  if (concurrency <= most) return concurrency;
  const message = `${concurrency} is above the plugin’s ${most}: its code is not made for more jobs at a time in one worker`;
  const next = `write ${most} or less, let the plugin say \`concurrency: ${concurrency}\`, or raise workers.max`;
  return { fault: valueFault(terms, { code: 'CONCURRENCY_WIDENED', path: ['concurrency'], message, next }) };
}

/** A digest of all values that a worker is started with; the schedule is not among them, and the class only where it has a cell of its own. */
function fingerprintOf({
  version,
  settings,
  limits,
  needs,
  workers,
  concurrency,
  isolation,
  class: named,
  always,
}: Omit<Agent, 'fingerprint'>): string {
  const values = [version.id, settings, limits, needs, workers, named === 'critical' ? named : isolation, always];
  const text = JSON.stringify(concurrency === undefined ? values : [...values, concurrency]);
  return sha256(text).slice(0, 12);
}

function resolveSettings({ version, file }: ResolveTerms, { origins, saidAt }: Values): Record<string, unknown> {
  const settings = file?.data.settings ?? {};
  const schema = version.manifest.settingsSchema as { properties?: Record<string, { default?: unknown }> } | null;
  for (const [key, value] of Object.entries(settings)) {
    origins.push({ path: `settings.${key}`, value, origin: saidAt(['settings', key]) });
  }
  for (const [key, property] of Object.entries(schema?.properties ?? {})) {
    if (Object.hasOwn(settings, key) || property.default === undefined) continue;
    origins.push({ path: `settings.${key}`, value: property.default, origin: version.entry });
  }
  return settings;
}

function settingsFault({ name, version, file, settingsIssues }: ResolveTerms): PlainFault {
  const { settingsSchema } = version.manifest;
  const issues = settingsIssues.map((issue) => ({ ...issue, path: ['settings', ...issue.path] }));
  const terms = {
    code: 'SETTINGS_INVALID',
    data: { settings: file?.data.settings ?? {} },
    schema: { properties: { settings: settingsSchema ?? {} } },
    quiet: true,
  };
  if (!file) {
    const { message } = faultOfIssues(issues, { ...terms, file: version.entry });
    const next = `write agents/${name}.yaml with \`plugin: ${version.ref.plugin}\` and its \`settings\``;
    return { code: terms.code, message: `it cannot run without settings: ${message}`, file: version.entry, next };
  }
  return faultOfIssues(issues, {
    ...terms,
    file: file.file,
    text: file.text,
    place: placesIn(file.text),
  });
}

function inputFault(terms: ResolveTerms, trigger: 'schedule' | 'firstRun'): PlainFault {
  const isSaid = terms.version.manifest.input !== undefined;
  const wrong = {
    code: 'INPUT_NEEDED',
    path: [trigger],
    message: isSaid
      ? `a job of its ${trigger} is given nothing, and the plugin’s \`input\` does not take that`
      : `a job of its ${trigger} is given no event, and it listens to events of the host alone`,
    next: isSaid
      ? 'write `.optional()` or `.default(…)` behind the schema of `input`'
      : 'say in the plugin’s `input` what its jobs are given: z.any().optional()',
  };
  return terms.file?.data.schedule === undefined ? pluginFault(terms.version, wrong) : valueFault(terms, wrong);
}

/** The needs of the plugin, narrowed by the agent's file; a fault where the file asks for more. */
function resolveNeeds(terms: ResolveTerms): { needs: Agent['needs'] } | { fault: PlainFault } {
  const granted = withHosts(terms, terms.version.manifest.needs, 'plugin');
  if ('fault' in granted) return granted;
  const asked = withHosts(terms, terms.file?.data.needs, 'file');
  if ('fault' in asked) return asked;
  const narrowed = narrowNeeds(granted.needs, asked.needs);
  if (!('widened' in narrowed)) return narrowed;
  const next = 'remove it here, or let the plugin need it';
  return { fault: agentFileFault(terms.file!, { code: 'NEEDS_WIDENED', ...narrowed.widened, next }) };
}

/** Notes the origins of the needs; returns the places in the file that narrow them. */
function noteNeeds(
  { version, file }: ResolveTerms,
  needs: Agent['needs'],
  { pick, saidAt, origins }: Values,
): NonNullable<Agent['narrowed']> {
  const said = file?.data.needs;
  const { needs: granted } = version.manifest;
  const narrowed: NonNullable<Agent['narrowed']> = {};
  for (const [key, value] of Object.entries(needs)) {
    const need = key as keyof typeof needs;
    pick(`needs.${key}`, said?.[need] === undefined ? undefined : value, granted?.[need] && value, value);
    if (said?.[need] !== undefined) narrowed[need] = saidAt(['needs', key]);
  }
  noteSettingsOfNet(said?.net ?? granted?.net ?? [], origins);
  return narrowed;
}

/** The needs with the hosts that settings name in place of those settings. */
function withHosts(
  terms: ResolveTerms,
  needs: Needs | undefined,
  by: 'plugin' | 'file',
): { needs: Needs | undefined } | { fault: PlainFault } {
  if (!needs?.net?.some(isSettingOf)) return { needs };
  const { version, file } = terms;
  const found = hostsOf(needs.net, file?.data.settings ?? {}, version.manifest.settingsSchema);
  if ('net' in found) return { needs: { ...needs, net: found.net } };
  const { index, path, at, message } = found.wrong;
  if (at === 'value') {
    const wrong = { code: 'SETTINGS_INVALID', path: ['settings', ...path], message, next: 'write a URL' };
    return { fault: valueFault(terms, file ? wrong : { ...wrong, message: `settings.${path.join('.')} ${message}` }) };
  }
  const wrong = { code: 'NEEDS_INVALID', path: ['needs', 'net', index], message };
  return { fault: by === 'file' ? valueFault(terms, wrong) : pluginFault(version, wrong) };
}

/** Adds to the origin of `needs.net` the origins of the settings that name its hosts. */
function noteSettingsOfNet(net: readonly string[], origins: ValueSource[]): void {
  const at = origins.find(({ path }) => path === 'needs.net');
  const of = net.filter(isSettingOf).map((entry) => {
    const said = origins.find(({ path }) => entry === path || entry.startsWith(`${path}.`));
    return said ? `${entry} of ${said.origin}` : entry;
  });
  if (at && of.length > 0) at.origin += ` (${of.join(', ')})`;
}
