import type { ScheduleSpec } from '../../jobs/agent.ts';
import { rangeWords } from '../../kernel/cron/timetable.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import { type AgentFile, agentFileFault } from '../files/agent-file.ts';
import type { Issue } from '../files/issues.ts';
import type { Listing } from '../ports.ts';
import type { StoredVersion } from '../versions/versions.ts';
import { type Resolved, resolveAgent } from './agent.ts';
import type { ResolveTerms } from './values.ts';

/** A plugin as its files are now: the version that counts, and what is wrong with a newer state. */
export interface PluginFacts {
  /** Relative to the installation. */
  file: string;
  good: StoredVersion | undefined;
  problem: PlainFault | undefined;
}

/** An agent file as it is now: the content that counts, and what is wrong with a newer one. */
export interface AgentFileFacts {
  file: string;
  good: AgentFile | undefined;
  problem: PlainFault | undefined;
}

interface SetTerms {
  plugins: ReadonlyMap<string, PluginFacts>;
  files: ReadonlyMap<string, AgentFileFacts>;
  /** The agents in force now. */
  inForce: ReadonlyMap<string, Resolved>;
  /** The listings of that set. */
  listings: readonly Listing[];
  hostTimezone: string;
  /** Whether a file is still being written: it may be the file that is missed. */
  unsettled: boolean;
  /** Whether an agent file is still being written: it may be that of a plugin that would run by itself. */
  agentsUnsettled: boolean;
  resolve: typeof resolveAgent;
  /** The problems that a version's schema has with settings; undefined when it has not been asked yet. */
  issuesOf(version: StoredVersion, settings: Record<string, unknown>): readonly Issue[] | undefined;
}

/** The agents and listings that plugins and agent files come to. */
export interface ResolvedSet {
  agents: Map<string, Resolved>;
  listings: Listing[];
  /** Settings that the plugin's schema has to be asked about before their agent can be resolved. */
  unchecked: { version: StoredVersion; settings: Record<string, unknown> }[];
}

/**
 * Resolves all plugins and agent files together into agents. A rejected file leaves the running agent as it is; an
 * agent ends only when its files are gone, or say so.
 */
export function resolveSet(terms: SetTerms): ResolvedSet {
  const { plugins, files, inForce } = terms;
  const { result, firmly, put, keep, keepUnchanged } = createSet(terms);
  /** Plugins that a file names. */
  const named = new Set<string>();
  const meantBy = suggestions(plugins);
  for (const [name, facts] of files) {
    const plugin = facts.good?.data.plugin ?? inForce.get(name)?.agent.version.plugin ?? '';
    if (facts.good) named.add(plugin);
    if (!facts.good) {
      keep(name, plugin, facts.problem!);
    } else if (facts.good.data.enabled === false) {
      firmly.add(plugin);
      const why = `switched off in ${offPlace(facts.good)}`;
      result.listings.push({ name, plugin, is: 'off', why, problem: facts.problem ?? null });
    } else {
      const known = plugins.get(plugin);
      if (!known && terms.unsettled) keepUnchanged(name);
      else if (!known) keep(name, plugin, facts.problem ?? unknownPlugin(facts.good, meantBy(plugin)));
      else put(name, plugin, known, facts.good, facts.problem ?? known.problem);
    }
  }
  for (const [name, known] of plugins) {
    if (files.has(name) || firmly.has(name)) continue;
    // A file that is rejected does not take the plugin's own agent away, nor does it bring one to life.
    const runs = inForce.get(name)?.agent.version.plugin === name;
    if (terms.agentsUnsettled && !inForce.has(name)) keepUnchanged(name);
    else if (!named.has(name) || runs) put(name, name, known, undefined, known.problem);
  }
  result.listings.sort((a, b) => (a.name < b.name ? -1 : 1));
  return result;
}

/** The line that switches an agent off; the file alone where that line holds more. A thousand files are not parsed for it. */
function offPlace({ file, text }: AgentFile): string {
  const at = /^enabled[ \t]*:/m.exec(text)?.index;
  return at === undefined ? file : `${file}:${text.slice(0, at).split('\n').length}`;
}

/** The set while it is made. `firmly`: plugins that a file names which is not rejected itself. */
function createSet(terms: SetTerms) {
  const { plugins, files, inForce, hostTimezone } = terms;
  const result: ResolvedSet = { agents: new Map(), listings: [], unchecked: [] };
  const former = new Map(terms.listings.map((listing) => [listing.name, listing]));
  const firmly = new Set<string>();

  function put(
    name: string,
    plugin: string,
    known: PluginFacts,
    file: AgentFile | undefined,
    problem: PlainFault | undefined,
  ) {
    if (!known.good) {
      if (problem) keep(name, plugin, problem);
      else keepUnchanged(name);
      return;
    }
    const settings = file?.data.settings ?? {};
    const settingsIssues = terms.issuesOf(known.good, settings);
    if (!settingsIssues) {
      result.unchecked.push({ version: known.good, settings });
      keepUnchanged(name);
      return;
    }
    if (!file && settingsIssues.length > 0 && !hasTrigger(known.good.manifest)) {
      const why = `it needs settings: write agents/<name>.yaml with \`plugin: ${plugin}\``;
      result.listings.push({ name, plugin, is: 'idle', why, problem: problem ?? null });
      return;
    }
    const agent = { name, version: known.good, file, hostTimezone, settingsIssues };
    const resolved = resolveSafely(agent, terms.resolve);
    if ('fault' in resolved)
      keep(name, plugin, presentFault(resolved.fault, [file && files.get(name)?.problem, known.problem]));
    else add(name, resolved, problem, problem ? 'the last good version goes on running' : undefined);
  }

  /** Keeps the running agent, as long as its plugin is there at all: the newest state is rejected. */
  function keep(name: string, plugin: string, problem: PlainFault) {
    const running = inForce.get(name);
    if (running && plugins.has(running.agent.version.plugin)) {
      add(name, running, problem, 'the last good state of its files goes on running');
    } else {
      result.listings.push({ name, plugin, is: 'rejected', why: problem.message, problem });
    }
  }

  /** Keeps agent and listing as they are: nothing new is known yet. */
  function keepUnchanged(name: string) {
    const running = inForce.get(name);
    const listing = former.get(name);
    if (!running) {
      if (listing) result.listings.push(listing);
      return;
    }
    add(name, running, undefined, undefined);
    if (listing) result.listings[result.listings.length - 1] = listing;
  }

  function add(name: string, resolved: Resolved, problem: PlainFault | undefined, note: string | undefined) {
    result.agents.set(name, resolved);
    firmly.add(resolved.agent.version.plugin);
    const { is, why } = triggersOf(resolved);
    const { plugin } = resolved.agent.version;
    result.listings.push({ name, plugin, is, why: note ? `${why}; ${note}` : why, problem: problem ?? null });
  }

  return { result, firmly, put, keep, keepUnchanged };
}

/**
 * A fault in the last good content of a file gives way to a fault in its present content: the lines of the former may
 * be gone.
 */
function presentFault(fault: PlainFault, problems: (PlainFault | undefined)[]): PlainFault {
  return problems.find((problem) => problem?.file === fault.file) ?? fault;
}

function hasTrigger({ schedule, always, on, webhook, firstRun }: StoredVersion['manifest']): boolean {
  return (
    schedule !== undefined || always === true || webhook !== undefined || (on?.length ?? 0) > 0 || firstRun === true
  );
}

function triggersOf({ agent }: Resolved): { is: 'live' | 'idle'; why: string } {
  const triggers: string[] = [];
  if (agent.schedule) triggers.push(scheduleWords(agent.schedule));
  if (agent.always) triggers.push('runs always');
  if (agent.on.length > 0) triggers.push(`listens to ${agent.on.join(', ')}`);
  if (agent.webhook) triggers.push(`takes deliveries at /hooks/${agent.name}`);
  if (agent.firstRun) triggers.push('runs once when it is new');
  if (triggers.length > 0) return { is: 'live', why: triggers.join(' and ') };
  return { is: 'idle', why: 'it has no schedule and listens to no topic; it can be run by hand, or be sent jobs' };
}

function scheduleWords(schedule: ScheduleSpec): string {
  const { expression, timezone } = schedule;
  const range = rangeWords(schedule).map((words) => ` ${words}`);
  return expression.startsWith('at ')
    ? `runs once, ${expression} (${timezone})`
    : `runs at "${expression}" (${timezone})${range.join('')}`;
}

/** The plugin that is meant by a name that none has, looked for once: a thousand files may name a plugin that is gone. */
function suggestions(plugins: ReadonlyMap<string, unknown>): (name: string) => string | undefined {
  const found = new Map<string, string | undefined>();
  return (name) => {
    if (!found.has(name)) found.set(name, suggest(name, plugins.keys()));
    return found.get(name);
  };
}

/** A place in a file is found by reading it anew: once, or each decision would read a thousand files that name a plugin that is gone. */
const unknown = new WeakMap<AgentFile, { meant: string | undefined; fault: PlainFault }>();

function unknownPlugin(file: AgentFile, meant: string | undefined): PlainFault {
  const known = unknown.get(file);
  if (known && known.meant === meant) return known.fault;
  const fault = unknownPluginFault(file, meant);
  unknown.set(file, { meant, fault });
  return fault;
}

function unknownPluginFault(file: AgentFile, meant: string | undefined): PlainFault {
  const name = file.data.plugin;
  return agentFileFault(file, {
    code: 'PLUGIN_UNKNOWN',
    path: ['plugin'],
    message: `there is no plugins/${name}.ts${meant ? `, did you mean ${meant}?` : ''}`,
    next: meant ? `write \`plugin: ${meant}\`` : `write the plugin: daruma new ${name}`,
  });
}

/** An error that no rule foresees is a fault of its agent: the others are resolved all the same. */
function resolveSafely(terms: ResolveTerms, resolve: typeof resolveAgent): ReturnType<typeof resolveAgent> {
  try {
    return resolve(terms);
  } catch (error) {
    const file = terms.file?.file ?? terms.version.entry;
    const message = `cannot be put to work: ${(error as Error).message}`;
    return { fault: { code: 'AGENT_FAILED', message, file, next: 'write it more simply, and report this' } };
  }
}

/**
 * {@link resolveAgent} that gives the same answer object for the same terms: with a thousand agents one save must not
 * resolve all of them anew.
 */
export function rememberingResolve(): typeof resolveAgent {
  const answers = new Map<string, { terms: ResolveTerms; answer: ReturnType<typeof resolveAgent> }>();
  return (terms) => {
    const last = answers.get(terms.name);
    if (last && isSame(last.terms, terms)) return last.answer;
    const answer = resolveAgent(terms);
    answers.set(terms.name, { terms, answer });
    return answer;
  };
}

function isSame(a: ResolveTerms, b: ResolveTerms): boolean {
  return (
    a.version === b.version &&
    a.file === b.file &&
    a.hostTimezone === b.hostTimezone &&
    a.settingsIssues === b.settingsIssues
  );
}
