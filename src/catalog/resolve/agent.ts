import { createHash } from 'node:crypto';
import type { Agent } from '../../jobs/agent.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Needs } from '../../plugin/define.ts';
import { type AgentFile, agentFileFault, originsIn } from '../files/agent-file.ts';
import { faultOfIssues, type Issue, type ValueProblem } from '../files/issues.ts';
import { DEFAULT_LIMITS, defaultSilence, toAgentLimits } from '../files/limits.ts';
import { narrowNeeds } from '../files/needs.ts';
import { placesIn } from '../files/yaml-place.ts';
import type { ValueSource } from '../ports.ts';
import type { StoredVersion } from '../versions/versions.ts';
import { hostsOf, isSettingOf } from './net.ts';
import { resolveSchedule } from './schedule.ts';

/** An agent with where each of its values was said. */
export interface Resolved {
  agent: Agent;
  origins: ValueSource[];
}

export interface ResolveTerms {
  name: string;
  version: StoredVersion;
  /** undefined: the plugin runs under its own name. */
  file: AgentFile | undefined;
  hostTimezone: string;
  /** What the plugin's schema has against the settings. */
  settingsIssues: readonly Issue[];
}

/** Puts a plugin to work: defaults < plugin < agent file, each value with its origin. Pure. */
export function resolveAgent(terms: ResolveTerms): Resolved | { fault: PlainFault } {
  const { name, version, file } = terms;
  const plugin = version.manifest;
  const said = file?.data;
  const origins: ValueSource[] = [];
  const saidAt = file ? originsIn(file) : () => version.entry;

  if (terms.settingsIssues.length > 0) return { fault: settingsFault(terms) };
  const granted = withHosts(terms, plugin.needs, 'plugin');
  if ('fault' in granted) return granted;
  const asked = withHosts(terms, said?.needs, 'file');
  if ('fault' in asked) return asked;
  const narrowed = narrowNeeds(granted.needs, asked.needs);
  if ('widened' in narrowed) return { fault: widenedFault(file!, narrowed.widened) };

  function pick<T>(path: string, ofFile: T | undefined, ofPlugin: T | undefined, fallback: T): T {
    const origin = ofFile !== undefined ? saidAt(path.split('.')) : ofPlugin !== undefined ? version.entry : 'default';
    const value = ofFile ?? ofPlugin ?? fallback;
    if (value !== undefined) origins.push({ path, value, origin });
    return value;
  }

  const about = pick('about', said?.about, plugin.about, '');
  origins.push({
    path: 'plugin',
    value: version.ref.plugin,
    origin: saidAt(['plugin']),
  });
  origins.push({ path: 'version', value: version.ref.id, origin: version.entry });
  const times = resolveSchedule(said, plugin, terms.hostTimezone, pick);
  if ('wrong' in times) return { fault: file ? agentFileFault(file, times.wrong) : pluginFault(version, times.wrong) };
  const { schedule } = times;
  const on = pick('on', said?.on, plugin.on, []);
  const firstRun = pick('firstRun', undefined, plugin.firstRun, false);
  const settings = resolveSettings(terms, origins, saidAt);
  const timeout = pick<string>('limits.timeout', said?.limits?.timeout, plugin.limits?.timeout, DEFAULT_LIMITS.timeout);
  const { limits: l, backoff: b } = { limits: said?.limits, backoff: said?.limits?.backoff };
  const { limits: p } = plugin;
  const limits = toAgentLimits({
    memory: pick<string>('limits.memory', l?.memory, p?.memory, DEFAULT_LIMITS.memory),
    timeout,
    silence: pick<string>('limits.silence', l?.silence, p?.silence, defaultSilence(timeout)),
    attempts: pick<number>('limits.attempts', l?.attempts, p?.attempts, DEFAULT_LIMITS.attempts),
    backoff: {
      first: pick<string>('limits.backoff.first', b?.first, p?.backoff?.first, DEFAULT_LIMITS.backoff.first),
      longest: pick<string>('limits.backoff.longest', b?.longest, p?.backoff?.longest, DEFAULT_LIMITS.backoff.longest),
    },
    grace: pick<string>('limits.grace', l?.grace, p?.grace, DEFAULT_LIMITS.grace),
    staleAfter: pick<string | undefined>('limits.staleAfter', l?.staleAfter, p?.staleAfter, undefined),
  } as Parameters<typeof toAgentLimits>[0]);
  const narrowedAt: NonNullable<Agent['narrowed']> = {};
  for (const [key, value] of Object.entries(narrowed.needs)) {
    const asked = key as keyof typeof narrowed.needs;
    pick(`needs.${key}`, said?.needs?.[asked] === undefined ? undefined : value, plugin.needs?.[asked] && value, value);
    if (said?.needs?.[asked] !== undefined) narrowedAt[asked] = saidAt(['needs', key]);
  }
  sayWhichSettings(said?.needs?.net ?? plugin.needs?.net ?? [], origins);
  const min = pick('workers.min', said?.workers?.min, plugin.workers?.min, 0);
  const max = pick('workers.max', said?.workers?.max, plugin.workers?.max, Math.max(1, min));
  if (min > max) {
    const message = `${min} is above workers.max ${max}`;
    const wrong = { code: 'WORKERS_INVALID', path: ['workers', 'min'], message, next: 'set workers.max as well' };
    return { fault: file ? agentFileFault(file, wrong) : pluginFault(version, wrong) };
  }
  const isolation = pick('isolation', said?.isolation, plugin.isolation, 'shared');

  const { input } = plugin;
  if (input && !input.takesNothing && (schedule || firstRun)) {
    const wrong = inputNeededFault(schedule ? 'schedule' : 'firstRun');
    return {
      fault: file && said?.schedule !== undefined ? agentFileFault(file, wrong) : pluginFault(version, wrong),
    };
  }

  const agent: Agent = {
    name,
    about,
    version: version.ref,
    ...(schedule ? { schedule } : {}),
    on,
    firstRun,
    settings,
    ...(input ? { input } : {}),
    limits,
    needs: narrowed.needs,
    ...(Object.keys(narrowedAt).length > 0 ? { narrowed: narrowedAt } : {}),
    workers: { min, max },
    isolation,
    fingerprint: '',
  };
  agent.fingerprint = fingerprintOf(agent);
  return { agent, origins };
}

/** The needs with the hosts that settings name in place of those settings. */
function withHosts(
  { version, file }: ResolveTerms,
  needs: Needs | undefined,
  by: 'plugin' | 'file',
): { needs: Needs | undefined } | { fault: PlainFault } {
  if (!needs?.net?.some(isSettingOf)) return { needs };
  const found = hostsOf(needs.net, file?.data.settings ?? {}, version.manifest.settingsSchema);
  if ('net' in found) return { needs: { ...needs, net: found.net } };
  const { index, path, at, message } = found.wrong;
  const setting = `settings.${path.join('.')}`;
  if (at === 'value') {
    const wrong = { code: 'SETTINGS_INVALID', path: ['settings', ...path], message, next: 'write a URL' };
    return {
      fault: file ? agentFileFault(file, wrong) : pluginFault(version, { ...wrong, message: `${setting} ${message}` }),
    };
  }
  const wrong = { code: 'NEEDS_INVALID', path: ['needs', 'net', index], message };
  return { fault: by === 'file' && file ? agentFileFault(file, wrong) : pluginFault(version, wrong) };
}

/** Says behind the origin of `needs.net` where the settings stand that its hosts come from. */
function sayWhichSettings(net: readonly string[], origins: ValueSource[]): void {
  const at = origins.find(({ path }) => path === 'needs.net');
  const of = net.filter(isSettingOf).map((entry) => {
    const said = origins.find(({ path }) => entry === path || entry.startsWith(`${path}.`));
    return said ? `${entry} of ${said.origin}` : entry;
  });
  if (at && of.length > 0) at.origin += ` (${of.join(', ')})`;
}

/** Of everything that a worker is started with; the schedule is not among it. */
function fingerprintOf({ version, settings, limits, needs, workers, isolation }: Agent): string {
  const text = JSON.stringify([version.id, settings, limits, needs, workers, isolation]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function resolveSettings(
  { version, file }: ResolveTerms,
  origins: ValueSource[],
  saidAt: (path: string[]) => string,
): Record<string, unknown> {
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

/** A fault of the plugin has no path: the place of a value in a source is not known. */
function pluginFault({ entry }: { entry: string }, { code, message, next }: ValueProblem): PlainFault {
  return { code, message, ...(next === undefined ? {} : { next }), file: entry };
}

function inputNeededFault(trigger: 'schedule' | 'firstRun') {
  const message = `a job of its ${trigger} is given nothing, and the plugin’s \`input\` does not take that`;
  return {
    code: 'INPUT_NEEDED',
    path: [trigger],
    message,
    next: 'write `.optional()` or `.default(…)` behind the schema of `input`',
  };
}

function widenedFault(file: AgentFile, { path, message }: { path: (string | number)[]; message: string }): PlainFault {
  const next = 'remove it here, or let the plugin need it';
  return agentFileFault(file, { code: 'NEEDS_WIDENED', path, message, next });
}
