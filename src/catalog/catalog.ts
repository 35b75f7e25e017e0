import { access, mkdir, rm } from 'node:fs/promises';
import { resolve as absolute, join } from 'node:path';
import { toPlainFault } from '../kernel/fault.ts';
import { realOf } from '../kernel/real-path.ts';
import { createAgentFileRegistry } from './agent-file-registry.ts';
import { forgetGrants, grantNotes, scheduleNotes, withUnheard } from './agent-notes.ts';
import { createBuildNotes } from './builder/build-notes.ts';
import { createBuilder } from './builder/client.ts';
import { readRuntime } from './builder/runtime.ts';
import { changeBetween, isEmptyChange, logCatalogChange } from './change.ts';
import { createChangeReports } from './change-reports.ts';
import { createSettingsCheck } from './files/settings-check.ts';
import { goneAgents, recordGoneAgents } from './gone-agents.ts';
import { createInForceFile, filesOf, goodOf, type InForce, NOTHING_IN_FORCE, versionsOf } from './in-force.ts';
import { createPluginRegistry } from './plugin-registry.ts';
import type { Catalog, CatalogChange, CatalogNeeds, CatalogOptions, GoneAgent, Listing } from './ports.ts';
import { createProblems, folderProblems } from './problems.ts';
import type { Resolved } from './resolve/agent.ts';
import { rememberingResolve, resolveSet } from './resolve/set.ts';
import { resolveVersion } from './resolve/version.ts';
import { createRolloutBook } from './rollout/rollout-book.ts';
import { createRollouts } from './rollout/rollouts.ts';
import { createIdle, createListeners, createNamedTimers, createSingleFlight } from './turns.ts';
import { type UnrecognizedFiles, unrecognizedFilesOf } from './unrecognized-files.ts';
import { createVersions } from './versions/versions.ts';
import { createFileScanner } from './watching/file-scanner.ts';
import { AGENTS, type FolderList, listFolders, PLUGINS } from './watching/list.ts';
import { type FolderWatch, watchFolders } from './watching/watch.ts';

/** Several events of one save are one look. */
const GATHER_MS = 10;
/** After a look, a storm of events waits this long for the next one. */
const LEAST_PAUSE_MS = 50;
/** Between two looks at something that settles. */
const LEAST_WAIT_MS = 15;
/** A host starts with what it has when a plugin takes longer than this. */
const START_MS = 5_000;
const RESCAN_MS = 60_000;
const PARALLEL = 2;

/**
 * The set of agents that the files in `plugins/` and `agents/` ask for. A file that settles is live within half a
 * second; one that is rejected changes nothing that runs. An unchanged plugin is never compiled twice.
 */
export function createCatalog(needs: CatalogNeeds, options: CatalogOptions): Catalog {
  const { time, log, hostTimezone } = needs;
  const { folder, versionsFolder } = options;
  const emptyFolder = join(versionsFolder, '.empty');
  const { settleMs = 100, goneMs = 2_000 } = options;
  const linkFolders = (options.linkFolders ?? []).map((path) => realOf(absolute(folder, path)));
  const scanner = createFileScanner(needs, { folder, linkFolders, rules: { settleMs, goneMs } });
  const versions = createVersions(versionsFolder, options.versionsBudgetBytes);
  const builder = createBuilder(needs, {
    emptyFolder,
    compileMs: options.compileMs ?? 20_000,
    inspectMs: options.inspectMs ?? 5_000,
    warmMs: options.warmMs ?? 10_000,
    parallel: PARALLEL,
  });
  const checks = createSettingsCheck({ builder, folder, answered: applySoon });
  const alarms = createNamedTimers<'gather' | 'settle' | 'scan' | 'apply'>(time);
  const turns = createSingleFlight(scanFiles, (error) =>
    log.error('looking at the folders failed; it is tried again', { fault: toPlainFault(error) }),
  );
  const memory = createInForceFile(versionsFolder, log);
  const problems = createProblems(log);
  const notes = createProblems(log);
  const resolve = rememberingResolve();
  const listeners = createListeners<CatalogChange>(log);
  const idle = createIdle(time, isIdle);
  let remembered = NOTHING_IN_FORCE;
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
    remembered: (plugin) => versions.get(plugin, remembered.plugins.get(plugin) ?? ''),
    built() {
      applySoon();
      hint();
    },
  });
  const agentFiles = createAgentFileRegistry({
    files: scanner.files,
    remembered: (agent) => remembered.files.get(agent),
    hostTimezone,
    now: time.now,
  });
  const book = createRolloutBook({ time });
  const rollouts = createRollouts({
    time,
    versions,
    book,
    apply,
    resolve: (name, version) =>
      resolveVersion(
        { name, version, file: agentFiles.files().get(name)?.good, hostTimezone: hostTimezone() },
        checks,
        idle,
      ),
  });

  const fileReports = createChangeReports({ log, pluginRegistry, unrecognized: () => others.problems, scanner });

  let is: 'new' | 'starting' | 'running' | 'stopped' = 'new';
  let starting: Promise<void> | undefined;
  let watch: FolderWatch | undefined;
  let turned: number | undefined;
  let inForce = new Map<string, Resolved>();
  let listings: Listing[] = [];
  let list: FolderList | undefined;
  let gone: readonly GoneAgent[] = [];
  let others: UnrecognizedFiles = { problems: [], notes: [] };
  /** Something is there that is not settled yet. */
  let unsettled = false;
  let agentsUnsettled = false;

  async function start() {
    is = 'starting';
    await mkdir(versionsFolder, { recursive: true, mode: 0o700 });
    await rm(emptyFolder, { recursive: true, force: true });
    await mkdir(emptyFolder);
    await versions.open();
    remembered = await memory.read();
    book.load(remembered.rollouts);
    gone = remembered.gone;
    for (const [name, { agent, origins }] of remembered.agents) {
      const { plugin, id } = agent.version;
      const version = versions.get(plugin, id);
      if (!version) continue;
      checks.know(plugin, id, agent.settings);
      inForce.set(name, { agent: { ...agent, version: version.ref }, origins });
    }
    for (const version of versions.all()) for (const input of version.inputs) scanner.know(input.path, input);
    for (const root of [PLUGINS, AGENTS]) {
      const isThere = access(join(folder, root)).then(() => true);
      if (await isThere.catch(() => false)) continue;
      const known = filesOf(remembered, versions.get).filter(({ path }) => path.startsWith(`${root}/`));
      for (const { path, hash, text } of known) scanner.assume(path, hash, text);
      // A folder that should hold something is not made anew: an empty one would say that all of it was removed.
      if (known.length === 0) await mkdir(join(folder, root), { recursive: true }).catch(() => {});
    }
    watch = watchFolders(folder, hint);
    await turns.ask(true);
    await idle.wait(START_MS);
    if (is !== 'starting') return;
    is = 'running';
    apply();
    listeners.notify({ added: [...inForce.values()].map(({ agent }) => agent), changed: [], removed: [] });
    alarms.set('scan', options.scanMs ?? 30_000, scan);
  }

  function scan() {
    alarms.set('scan', options.scanMs ?? 30_000, scan);
    checks.forgetFailed();
    forgetGrants();
    void turns.ask(true);
  }

  /** Something may have changed. */
  function hint() {
    if (alarms.isSet('gather')) return;
    const sinceLast = time.monotonic() - (turned ?? 0);
    alarms.set('gather', Math.max(GATHER_MS, LEAST_PAUSE_MS - sinceLast), () => void turns.ask(false));
  }

  async function scanFiles(full: boolean) {
    list ??= await listFolders(folder, linkFolders);
    const also = pluginRegistry.madeOf(full);
    await watch?.refresh({ tooBig: list.tooBig, also });
    const seen = await scanner.scan(also, { full });
    if (is === 'stopped') return;
    turned = time.monotonic();
    list = seen.list;
    unsettled = seen.waitMs !== undefined;
    agentsUnsettled = seen.agentsWait;
    if (unsettled) {
      alarms.set('settle', Math.max(LEAST_WAIT_MS, seen.waitMs!), () => void turns.ask(false));
      if (is === 'running' && seen.waitMs! <= settleMs) builder.warm();
    }
    agentFiles.readChanged();
    pluginRegistry.buildChanged(scanner.turn(), full);
    apply();
  }

  /** Answers that come together are one change. */
  function applySoon() {
    if (!alarms.isSet('apply')) alarms.set('apply', 0, apply);
  }

  /** Decides the set anew from what is known, and tells what changed. */
  function apply() {
    if (is === 'stopped' || !list) return;
    const plugins = pluginRegistry.plugins();
    const files = agentFiles.files();
    const terms = {
      plugins,
      files,
      inForce,
      listings,
      hostTimezone: hostTimezone(),
      unsettled,
      agentsUnsettled,
      resolve,
    };
    const resolved = resolveSet({ ...terms, issuesOf: checks.issuesOf });
    checks.ask(resolved.unchecked);
    const set = { ...resolved, ...book.settle(resolved, inForce) };
    gone = goneAgents({ before: inForce, set, plugins, files, known: gone, now: time.now() });
    const change = changeBetween(inForce, set.agents);
    inForce = set.agents;
    listings = set.listings;
    const isWhole = !unsettled && pluginRegistry.idle() && [...plugins.values()].every(({ problem }) => !problem);
    // What a plugin imports is known when it is compiled.
    if (pluginRegistry.idle()) {
      const { inputs } = pluginRegistry.madeOf(false);
      others = withUnheard(unrecognizedFilesOf({ files: scanner.files, list, inputs, isWhole }), inForce, plugins);
    }
    problems.set([
      ...folderProblems(list.missing, scanner.files, inForce.size > 0),
      ...others.problems,
      ...(watch?.trouble() ?? []),
      ...pluginRegistry.problems(),
      ...agentFiles.problems(),
      ...listings.flatMap(({ problem }) => problem ?? []),
    ]);
    notes.set([...recordGoneAgents(gone), ...others.notes, ...scheduleNotes(inForce), ...grantNotes(inForce, folder)]);
    // While it starts, what is not judged yet must not be forgotten.
    if (is === 'running') remember();
    if (is === 'running' && !isEmptyChange(change)) {
      for (const line of logCatalogChange(change)) log.info(line.message, line.data);
      listeners.notify(change);
    }
    if (is === 'running') fileReports.report(plugins, files, set);
    idle.look();
  }

  function remember() {
    const now: InForce = {
      plugins: goodOf(pluginRegistry.plugins(), ({ ref }) => ref.id),
      files: goodOf(agentFiles.files(), ({ file, text }) => ({ file, text })),
      agents: inForce,
      rollouts: book.all(),
      gone,
    };
    remembered = now;
    memory.write(now, async () => void (await versions.prune(used())));
  }

  const used = () => new Set([...versionsOf(remembered), ...book.used()]);

  function isIdle(): boolean {
    const due = turns.pending() || alarms.isSet('gather') || alarms.isSet('apply');
    return !unsettled && !due && pluginRegistry.idle() && checks.idle();
  }

  return {
    start() {
      starting ??= is === 'new' ? start() : Promise.resolve();
      return starting;
    },
    async stop() {
      if (is === 'stopped') return memory.settled();
      const wasNew = is === 'new';
      is = 'stopped';
      turned = undefined;
      alarms.close();
      idle.release();
      if (wasNew) return;
      await Promise.all([watch?.close(), builder.stop()]);
      await Promise.allSettled([starting, turns.close(), pluginRegistry.settled()]);
      await watch?.close();
      await memory.settled();
    },
    alive: () => turned,
    agents: () => new Map([...inForce].map(([name, { agent }]) => [name, agent])),
    listings: () => listings,
    problems: () => problems.all(),
    notes: () => notes.all(),
    gone: () => gone,
    async rescan() {
      pluginRegistry.forgiveAll();
      await turns.ask(true);
      await idle.wait(RESCAN_MS);
    },
    origins: (agent) => inForce.get(agent)?.origins,
    rollouts,
    shrink: () => versions.prune(used(), 0),
    onChange: listeners.add,
    onFileReport: fileReports.add,
  };
}
