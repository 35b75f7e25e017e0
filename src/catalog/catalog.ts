import { access, mkdir, rm } from 'node:fs/promises';
import { resolve as absolute, join } from 'node:path';
import type { Agent } from '../jobs/agent.ts';
import { realOf } from '../kernel/real-path.ts';
import { createAgentFileRegistry } from './agent-file-registry.ts';
import { forgetGrants } from './agent-notes.ts';
import { createBuildNotes } from './builder/build-notes.ts';
import { createBuilder } from './builder/client.ts';
import { readRuntime } from './builder/runtime.ts';
import { createChangeReports } from './change-reports.ts';
import { createIdle, createListeners, createNamedTimers, createThrottle } from './coordination.ts';
import { type CurrentSet, createCurrentSet, logLinesOf } from './current-set.ts';
import { createSettingsCheck } from './files/settings-check.ts';
import { filesOf, type InForce } from './in-force.ts';
import { createPluginRegistry } from './plugin-registry.ts';
import type { Catalog, CatalogChange, CatalogNeeds, CatalogOptions } from './ports.ts';
import { createProblems } from './problems.ts';
import { resolveVersion } from './resolve/version.ts';
import { createRolloutBook } from './rollout/rollout-book.ts';
import { createRollouts } from './rollout/rollouts.ts';
import { createVersions, type StoredVersion, type Versions } from './versions/versions.ts';
import { createFileScanner, type FileScanner } from './watching/file-scanner.ts';
import { AGENTS, PLUGINS } from './watching/list.ts';
import { createScanLoop } from './watching/scan-loop.ts';

/** The longest that the start waits for plugins: a host starts with the agents that it has by then. */
const START_MS = 5_000;
const RESCAN_MS = 60_000;
const PARALLEL = 2;
/** Approvals within this time are one decision about the set. */
const APPROVED_MS = 250;

/** A catalog lives once: after `stop` it is not started again. */
type Life = { is: 'new' } | { is: 'starting' | 'running' | 'stopped'; started: Promise<void> };

/**
 * The set of agents that the files in `plugins/` and `agents/` ask for. A file that settles is live within half a
 * second; a rejected file changes nothing that runs. An unchanged plugin is never compiled twice.
 */
export function createCatalog(needs: CatalogNeeds, options: CatalogOptions): Catalog {
  const { time, log, hostTimezone } = needs;
  const { folder, versionsFolder, settleMs = 100, scanMs = 30_000 } = options;
  const parts = createParts(needs, options, {
    answered: decideSoon,
    built() {
      decideSoon();
      scans.hint();
    },
  });
  const { scanner, versions, builder, checks, book, current, agentFiles, pluginRegistry } = parts;
  const scans = createScanLoop(
    { time, log, scanner, madeOf: pluginRegistry.madeOf, settling: builder.warm, scanned },
    { folder, linkFolders: parts.linkFolders, settleMs, scanMs },
  );
  const problems = createProblems({ log, folder, scanner, pluginRegistry, agentFiles, current });
  const fileReports = createChangeReports({ log, pluginRegistry, unrecognized: problems.unrecognized, scanner });
  const rollouts = createRollouts({
    time,
    versions,
    book,
    apply: decide,
    approved: () => void (timers.isSet('approved') || timers.set('approved', APPROVED_MS, decide)),
    resolve: (name, version) => resolveWithFile(name, version, { ...parts, hostTimezone: hostTimezone(), idle }),
  });
  const timers = createNamedTimers<'decide' | 'approved'>(time);
  const listeners = createListeners<CatalogChange>(log);
  const throttle = createThrottle(time);
  const idle = createIdle(time, isIdle);
  let life: Life = { is: 'new' };

  async function start() {
    await mkdir(versionsFolder, { recursive: true, mode: 0o700 });
    await rm(parts.emptyFolder, { recursive: true, force: true });
    await mkdir(parts.emptyFolder);
    await versions.open();
    await current.restore();
    await recall({ folder, scanner, versions, remembered: current.remembered() });
    await scans.start();
    if (life.is !== 'starting') return;
    await idle.wait(START_MS);
    if (life.is !== 'starting') return;
    life = { ...life, is: 'running' };
    decide();
    listeners.notify({ added: [...current.agents().values()].map(({ agent }) => agent), changed: [], removed: [] });
    scans.repeat();
  }

  function scanned({ full, changed }: { full: boolean; changed: boolean }) {
    if (full) {
      checks.forgetFailed();
      forgetGrants();
    }
    const areAgentsOther = agentFiles.readChanged();
    const arePluginsOther = pluginRegistry.buildChanged(scanner.turn(), full);
    // A change that is only a plugin's is decided about when the plugin is built.
    if (full || areAgentsOther || arePluginsOther || (changed && pluginRegistry.idle())) decide();
    else idle.look();
  }

  /** Answers that come together are one decision; of a thousand plugins that are built one by one, as many as come while it rests. */
  function decideSoon() {
    if (!timers.isSet('decide')) timers.set('decide', throttle.waitMs(), decide);
  }

  function decide() {
    throttle.run(decideNow);
  }

  /** Decides the set anew from what is known, and tells what changed. */
  function decideNow() {
    const folderState = scans.folderState();
    if (life.is === 'stopped' || !folderState) return;
    const plugins = pluginRegistry.plugins();
    const files = agentFiles.files();
    const { set, change } = current.decide({ plugins, files, ...folderState });
    problems.update({ folderState, trouble: scans.trouble(), plugins });
    // While the catalog starts, a state that is not decided yet must not be forgotten.
    if (life.is === 'running') {
      current.remember({ plugins, files });
      const lines = logLinesOf(change);
      for (const line of lines) log.info(line.message, line.data);
      if (lines.length > 0) listeners.notify(change);
      fileReports.report(plugins, files, set);
    }
    idle.look();
  }

  function isIdle(): boolean {
    const isDue = scans.isDue() || timers.isSet('decide') || scans.folderState()?.unsettled === true;
    return !isDue && pluginRegistry.idle() && checks.idle();
  }

  return {
    start() {
      if (life.is === 'new') life = { is: 'starting', started: start() };
      return life.started;
    },
    async stop() {
      if (timers.isSet('approved')) decide();
      const before = life;
      life = { is: 'stopped', started: Promise.resolve() };
      timers.close();
      idle.release();
      if (before.is === 'starting' || before.is === 'running') {
        await Promise.all([scans.close(), builder.stop()]);
        await Promise.allSettled([before.started, pluginRegistry.settled()]);
      }
      await current.settled();
    },
    alive: scans.alive,
    agents: agentsOf(current),
    listings: current.listings,
    problems: problems.problems,
    notes: problems.notes,
    gone: current.gone,
    isSettled: isIdle,
    settled: idle.wait,
    async rescan() {
      pluginRegistry.forgiveAll();
      await scans.ask(true);
      await idle.wait(RESCAN_MS);
    },
    switchedOff: (name) => switchedOff(name, { ...parts, hostTimezone: hostTimezone(), idle }),
    origins: (agent) => current.agents().get(agent)?.origins,
    rollouts,
    shrink: current.shrink,
    onChange: listeners.add,
    onFileReport: fileReports.add,
  };
}

/** Parts that resolve an agent. */
type ResolvingTerms = Pick<ReturnType<typeof createParts>, 'agentFiles' | 'pluginRegistry' | 'checks'> & {
  hostTimezone: string;
  idle: ReturnType<typeof createIdle>;
};

/** The agent on that version of its plugin, with its file as it is now; rejects with a Fault when they do not fit. */
function resolveWithFile(
  name: string,
  version: StoredVersion,
  { agentFiles, checks, hostTimezone, idle }: Omit<ResolvingTerms, 'pluginRegistry'>,
) {
  return resolveVersion({ name, version, file: agentFiles.files().get(name)?.good, hostTimezone }, checks, idle);
}

/** An agent as it would be in force, were it not off; undefined where it is not off, or its plugin is not good. */
async function switchedOff(name: string, terms: ResolvingTerms): Promise<Agent | undefined> {
  const { agentFiles, pluginRegistry, checks, hostTimezone, idle } = terms;
  const file = agentFiles.files().get(name)?.good;
  const version = file?.data.enabled === false ? pluginRegistry.plugins().get(file.data.plugin)?.good : undefined;
  return version && (await resolveVersion({ name, version, file, hostTimezone }, checks, idle)).agent;
}

/**
 * The parts of a catalog, beside its loop. `answered`: the builder has checked settings; `built`: a plugin is built or
 * rejected.
 */
function createParts(needs: CatalogNeeds, options: CatalogOptions, calls: { answered(): void; built(): void }) {
  const { time, log, hostTimezone } = needs;
  const { folder, versionsFolder, settleMs = 100, goneMs = 2_000 } = options;
  const emptyFolder = join(versionsFolder, '.empty');
  const linkFolders = (options.linkFolders ?? []).map((path) => realOf(absolute(folder, path)));
  const scanner = createFileScanner(needs, { folder, linkFolders, rules: { settleMs, goneMs } });
  const versions = createVersions(versionsFolder, options.versionsBudgetBytes);
  const { compileMs = 20_000, inspectMs = 5_000, warmMs = 10_000 } = options;
  const builder = createBuilder(needs, {
    emptyFolder,
    writes: [versionsFolder],
    compileMs,
    inspectMs,
    warmMs,
    parallel: PARALLEL,
  });
  const checks = createSettingsCheck({ builder, folder, answered: calls.answered });
  const book = createRolloutBook({ time });
  const current = createCurrentSet({ time, log, versions, versionsFolder, book, checks, hostTimezone });
  const agentFiles = createAgentFileRegistry({
    files: scanner.files,
    remembered: (agent) => current.remembered().files.get(agent),
    hostTimezone,
    now: time.now,
  });
  const pluginRegistry = createPluginRegistry({
    time,
    versions,
    builder,
    notes: createBuildNotes(join(versionsFolder, '.building')),
    runtime: readRuntime(),
    files: scanner.files,
    answers: scanner.answers,
    hostTimezone,
    folder,
    linkFolders,
    remembered: (plugin) => versions.get(plugin, current.remembered().plugins.get(plugin) ?? ''),
    built: calls.built,
  });
  return { emptyFolder, linkFolders, scanner, versions, builder, checks, book, current, agentFiles, pluginRegistry };
}

/**
 * Gives the scanner what an earlier host knew of files: the hashes of files that are there, and of files whose folder
 * is not.
 */
async function recall(terms: { folder: string; scanner: FileScanner; versions: Versions; remembered: InForce }) {
  const { folder, scanner, versions, remembered } = terms;
  for (const version of versions.all()) for (const input of version.inputs) scanner.know(input.path, input);
  for (const root of [PLUGINS, AGENTS]) {
    const isThere = access(join(folder, root)).then(() => true);
    if (await isThere.catch(() => false)) continue;
    const known = filesOf(remembered, versions.get).filter(({ path }) => path.startsWith(`${root}/`));
    for (const { path, hash, text } of known) scanner.assume(path, hash, text);
    // A folder that should hold a file is not made anew: an empty folder would say that all of it was removed.
    if (known.length === 0) await mkdir(join(folder, root), { recursive: true }).catch(() => {});
  }
}

/** The agents of the set in force, the same map as long as the set is the same: with 1,000 agents each look asks for it 3,000 times. */
function agentsOf(current: Pick<CurrentSet, 'agents'>): () => ReadonlyMap<string, Agent> {
  let known: ReturnType<CurrentSet['agents']> | undefined;
  let agents: ReadonlyMap<string, Agent> = new Map();
  return () => {
    const set = current.agents();
    if (set !== known) agents = new Map([...set].map(([name, { agent }]) => [name, agent]));
    known = set;
    return agents;
  };
}
