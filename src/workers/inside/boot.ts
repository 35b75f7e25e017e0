/**
 * The entry of a worker thread: puts the fences up, loads the agent's bundle, parses its settings, says `ready`, and
 * does jobs until it is told to close. This entry loads few modules: each of them costs every cold start.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type MessagePort, workerData } from 'node:worker_threads';
import { collectHeap } from '../../fence/collect-heap.ts';
import { Fault } from '../../kernel/fault.ts';
import { closeHandleClass } from '../../kernel/file-handles.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { LENT_PG, LENT_PG_FILE } from '../../kernel/plugin-modules.ts';
import { machineTime } from '../../kernel/time.ts';
import { isPlugin, type PluginDefinition } from '../../plugin/define.ts';
import type { FromWorkerThread, JobPack, MarkerPlace, ToWorkerThread, WorkerSpec } from '../wire.ts';
import type { WorkerSetting } from './attempt.ts';
import { createCalls } from './calls.ts';
import { noteIntervals, ownerNow } from './job-owner.ts';
import { fromJson } from './json.ts';
import { restrictNet } from './net-restriction.ts';
import { captureOutput } from './output.ts';
import { createPluginLines } from './plugin-log.ts';
import { createPluginSeries } from './plugin-series.ts';
import type { PoolHost } from './postgres/ports.ts';
import { applyRestrictions } from './restrictions.ts';
import { createRunner, type Runner } from './runner.ts';
import { currentOf, noteProgress, openShared, sharedClock, writePoolUse } from './shared.ts';
import { thrownOf } from './thrown.ts';
import { watchUncaught } from './uncaught.ts';
import type { UseRecorder } from './uses.ts';

/** Data that the cell hands to a thread. */
export interface ThreadData {
  memory: SharedArrayBuffer;
  /** How many jobs it does side by side. */
  concurrency: number;
  /** To the cell. */
  port: MessagePort;
  agent: string;
  file: string;
  folder: string;
  /** Of one job. */
  timeoutMs: number;
  settings: unknown;
  secrets: Record<string, string>;
  net: string[];
  modules: string[];
  fleet: boolean;
  llm: WorkerSpec['llm'];
  startedMarkers: ({ fd: number } & MarkerPlace) | null;
  rehearsal?: NonNullable<WorkerSpec['rehearsal']>;
}

/** The form of a secret's name; Node and libraries read other names of any object that they inspect. */
const SECRET_NAME = /^[A-Z][A-Z0-9_]*$/;

const data = workerData as ThreadData;
const { port } = data;
const post = (message: FromWorkerThread) => port.postMessage(message);
const shared = openShared(data.concurrency, data.memory);
const clock = sharedClock();
const calls = createCalls(post);
/** Jobs that came before the bundle was loaded. */
const early: string[] = [];
let runner: Runner | undefined;
/** Only where the plugin imports `daruma/pg`. */
let pools: { close(): void } | undefined;

const calling = data.net.length > 0 || data.llm ? await import('./fetch.ts') : undefined;
const models = data.llm && { access: data.llm, ...(await import('./llm.ts')) };
const rehearsal = data.rehearsal && (await rehearse(data.rehearsal));
// Taken before the plugin is loaded, which may put something else in its place.
const time = { ...machineTime, now: Date.now };
const lines = createPluginLines(shared, post, { now: time.now, progress: progressOf });
const series = createPluginSeries(post, progress);
const net = restrictNet(data.net, data.agent, { uses: rehearsal?.uses, models: data.llm?.baseURL });
const output = captureOutput(lines, () => (ownerNow() ?? runner?.jobNow())?.id ?? '');
const handles = await closeHandleClass(data.file);
applyRestrictions({
  agent: data.agent,
  modules: data.modules,
  guards: net.guards,
  handles,
  uses: rehearsal?.uses,
  lend(specifier, require) {
    if (specifier !== LENT_PG || pools) return;
    const { openPools } = require(fileURLToPath(LENT_PG_FILE)) as typeof import('./postgres/lent.ts');
    pools = openPools(poolHost());
  },
});
const exit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process);
watchUncaught({ owner: data, post, flush, exit });
noteIntervals();
port.on('message', receive);

try {
  const loaded = await load();
  const plugin = rehearsal ? rehearsal.watching(loaded) : loaded;
  runner = createRunner({
    plugin,
    home: home(await settingsOf(plugin)),
    shared,
    clock,
    time,
    post,
    startedMarkers: data.startedMarkers,
    flushOutput(job) {
      output.flush(job);
      lines.jobEnded();
    },
  });
  post({ say: 'ready' });
  for (const text of early) receive(text);
} catch (error) {
  post({ say: 'unfit', thrown: thrownOf(error, data) });
}

function receive(message: ToWorkerThread) {
  if (typeof message === 'string') {
    if (runner) runner.dispatch(fromJson(message) as JobPack);
    else early.push(message);
  } else if (message.do === 'abort') {
    // The thread may be killed soon, and a half line would be lost with it.
    output.flush();
    runner?.abort(message.seq, message.why);
  } else if (message.do === 'answer') calls.answer(message.id, message.answer);
  else if (message.do === 'collect') collectHeap();
  else {
    pools?.close();
    flush();
    exit(0);
  }
}

/** Printed lines are not lost with the thread. */
function flush() {
  output.flush();
  lines.flushAll();
  series.flush();
}

/** This module is loaded only where a plugin asks for it. */
async function rehearse(terms: NonNullable<ThreadData['rehearsal']>) {
  const { rehearseAttempt: rehearse } = await import('./rehearse.ts');
  return rehearse(terms, (call) => calls.ask(ownerNow()?.seq ?? currentOf(shared), call), data.llm?.baseURL);
}

async function load(): Promise<PluginDefinition> {
  const loaded = (await import(pathToFileURL(data.file).href)) as { default?: unknown };
  if (isPlugin(loaded.default)) return loaded.default;
  throw new Fault({
    code: 'NO_PLUGIN',
    message: 'its default export is not a plugin',
    next: 'write: export default definePlugin({ … })',
  });
}

async function settingsOf(plugin: PluginDefinition): Promise<unknown> {
  const given = data.settings ?? {};
  if (!plugin.settings) return given;
  const parsed = await plugin.settings.safeParseAsync(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${['settings', ...issue.path].join('.')}: ${issue.message}`);
  throw new Fault({ code: 'SETTINGS_INVALID', message: problems.join('; ') });
}

function home(settings: unknown): WorkerSetting {
  return {
    agent: data.agent,
    folder: data.folder,
    dryRun: data.rehearsal?.dryRun === true,
    settings,
    secrets: declaredSecrets(data.secrets, data.agent, rehearsal?.uses),
    mayUseFleet: data.fleet,
    models,
    calls,
    time,
    createFetch: calling?.createFetch,
    lines,
    series,
    checkUrl: net.checkUrl,
    progress: (place, note) => noteProgress(shared, place, clock(), note),
  };
}

/** This worker, as the pools of `daruma/pg` see it. */
function poolHost(): PoolHost {
  return {
    agent: data.agent,
    timeoutMs: data.timeoutMs,
    time,
    clock,
    job: () => ownerNow() ?? runner?.jobNow(),
    fault: (plain, cause) => new Fault(plain, cause === undefined ? {} : { cause }),
    report: (is, job, error) => post({ say: 'left-over', is, job, thrown: thrownOf(error, data) }),
    progress,
    used: (use) => writePoolUse(shared, use),
    ask: ({ seq }, call) => calls.ask(seq, call),
  };
}

/** Progress of the job whose code runs now. Where several run and no one knows which of them this is, it is nobody's. */
function progress() {
  if (data.concurrency === 1) return noteProgress(shared, 0, clock());
  const owner = ownerNow() ?? runner?.jobNow();
  if (owner && !owner.hasEnded) noteProgress(shared, owner.place, clock());
}

/** Progress of a job that wrote a line. */
function progressOf(job: string) {
  const place = data.concurrency === 1 ? 0 : runner?.placeOf(job);
  if (place !== undefined) noteProgress(shared, place, clock());
}

/** The secrets of an agent. A name that was not declared would be undefined for ever: asking for it throws `NOT_IN_NEEDS`. */
function declaredSecrets(
  values: Record<string, string>,
  agent: string,
  uses?: UseRecorder,
): Readonly<Record<string, string>> {
  return new Proxy(Object.freeze(Object.assign(Object.create(null), values) as Record<string, string>), {
    get(target, name) {
      if (typeof name === 'string' && SECRET_NAME.test(name)) uses?.add('secrets', name);
      if (typeof name === 'string' && !Object.hasOwn(target, name) && SECRET_NAME.test(name)) {
        throw new Fault(notInNeeds({ agent, need: 'secrets', asked: name }));
      }
      return Reflect.get(target, name) as unknown;
    },
  });
}
