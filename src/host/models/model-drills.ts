import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { CheckKind, CheckResult, RungState } from '../../gateway/models/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import { timetableOf } from '../../kernel/cron/timetable.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop, type Turn } from '../../kernel/loop.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { DrillView } from '../../operations/results/command.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Finding, FindingStore } from '../../telemetry/ports.ts';
import {
  CHECK_KINDS,
  type DiagnosisRun,
  diagnosisWords,
  type FallbackRun,
  type FaultsRun,
  fallbackMs,
  fallbackRows,
  fallbackWords,
  faultWords,
  provenTimes,
  type RungProof,
  unprovenFault,
} from './proofs.ts';

/**
 * Drills that ask real models, by the settings `models.drills`, and only while an agent needs models: the fallback drill proves each
 * rung by three small calls, the diagnosis drill scores answers on known faults. Both cost money, within the budget of models.
 */
export interface ModelDrills extends Service {
  /** Does the fallback drill now, or joins the one that is under way. Rejects with `MODELS_OFF` where no model may be asked. */
  fallback(): Promise<DrillView[]>;
  /** Keeps the rows of a diagnosis drill that a client has done. */
  keepDiagnosis(rows: DiagnosisRun['rows'], tookMs: number | null): Promise<void>;
  /** Keeps the rows of a drill of all faults that Daruma heals, which a client has done. */
  keepFaults(rows: DiagnosisRun['rows'], tookMs: number | null): Promise<void>;
  /** When a drill last proved the rung, epoch ms; null: none has. */
  provenAt(rung: string): number | null;
  /** Told while no rung is proven. */
  warnings(): PlainFault[];
}

interface ModelDrillsNeeds {
  time: Time;
  log: Log;
  store: FindingStore;
  events: Pick<Events, 'record'>;
  settings: Pick<HostSettings, 'models' | 'timezone'>;
  facts: { folder: string };
  /** Default: a process of its own, by the command line. */
  openDiagnosis?: OpenDiagnosisDrill;
  models: { check(rung: string, kind: CheckKind): Promise<CheckResult>; chain(): readonly RungState[] };
  runnableAgents(): ReadonlyMap<string, Pick<Agent, 'name' | 'needs' | 'on'>>;
}

type DrillKind = 'drill-models' | 'drill-diagnosis' | 'drill-faults';

const ESCALATED = 'incident.escalated';

const EVERY_MS = MINUTE_MS;
/** A host that has just started has other work; a crash loop of hosts must not ask models again and again. */
const FIRST_MS = 5 * MINUTE_MS;
/** Runs that are read at the start: a month of days. */
const MOST_RUNS = 40;
/** The longest diagnosis drill. */
const LONGEST_MS = 20 * MINUTE_MS;

export function createModelDrills(needs: ModelDrillsNeeds): ModelDrills {
  const { time, log, store, settings, models, openDiagnosis = diagnosisDrillOf(needs.facts.folder) } = needs;
  /** Newest first. */
  let runs: FallbackRun[] = [];
  let under: Promise<FallbackRun> | undefined;
  /** Ends the diagnosis drill that is under way. */
  let endDiagnosis: (() => void) | undefined;
  /** When each drill was last done or begun, or the host began to look. */
  const lastAt: Partial<Record<DrillKind, number>> = {};

  async function drill(progress: () => void): Promise<FallbackRun> {
    const rungs: RungProof[] = [];
    for (const { name, state, why } of models.chain()) {
      const off = state === 'off' ? (why ?? 'it has no key') : null;
      const checks: RungProof['checks'] = [];
      for (const kind of off === null ? CHECK_KINDS : []) {
        const { ok, tookMs, why, model } = await models.check(name, kind);
        checks.push({ kind, ok, tookMs, why, model });
        progress();
        // A rung that does not answer in plain words answers to nothing: two more calls would cost time only.
        if (!ok && kind === 'plain') break;
      }
      rungs.push({ name, off, checks });
    }
    const run = { at: time.now(), rungs };
    runs = [run, ...runs].slice(0, MOST_RUNS);
    await keep('drill-models', run);
    const { words, right } = fallbackWords(run);
    needs.events.record(right > 0 ? 'info' : 'warn', {
      kind: 'drill.models',
      agent: null,
      message: words,
      data: { run },
    });
    return run;
  }

  function keep(kind: DrillKind, run: FallbackRun | DiagnosisRun | FaultsRun): Promise<void> {
    lastAt[kind] = run.at;
    return store.putFinding({ kind, key: isoOf(run.at), at: run.at, record: { ...run } });
  }

  function isDue(kind: DrillKind, expression: string | null): boolean {
    if (expression === null) return false;
    lastAt[kind] ??= time.now();
    const next = timetableOf({ expression, timezone: settings.timezone }).next(lastAt[kind]);
    return next !== undefined && next <= time.now();
  }

  /** An agent may ask models; guests of drills do not count. */
  function isInUse(): boolean {
    if (!settings.models.enabled) return false;
    return [...needs.runnableAgents().values()].some((one) => one.needs.llm !== false && !isDrillAgent(one.name));
  }

  function isDiagnosed(): boolean {
    const isAsked = ({ needs: { llm }, on }: Pick<Agent, 'needs' | 'on'>) => llm !== false && on.includes(ESCALATED);
    return [...needs.runnableAgents().values()].some(isAsked);
  }

  const runFallback = (progress = () => {}) => {
    under ??= drill(progress).finally(() => {
      under = undefined;
    });
    return under;
  };

  /** The drill is a client of this host, as everybody's is; its result comes back by an operation. */
  function startDiagnosis() {
    lastAt['drill-diagnosis'] = time.now();
    const end = openDiagnosis((why) => {
      stopLate();
      if (endDiagnosis === end) endDiagnosis = undefined;
      if (why !== null) log.warn(`the diagnosis drill failed: ${why}`);
    });
    endDiagnosis = end;
    const stopLate = time.after(LONGEST_MS, end);
  }

  async function turn({ progress }: Pick<Turn, 'progress'>) {
    const { fallback, diagnosis } = settings.models.drills;
    if (!isInUse()) return;
    if (isDue('drill-models', fallback)) await runFallback(progress);
    if (isDiagnosed() && endDiagnosis === undefined && isDue('drill-diagnosis', diagnosis)) startDiagnosis();
  }

  const loop = createLoop(
    { time, failed: (error) => log.warn('a drill of models failed', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, firstMs: FIRST_MS, turn },
  );

  return {
    async start() {
      if (loop.alive() !== undefined) return;
      const [kept, diagnoses] = await Promise.all([
        store.findings({ kind: 'drill-models', limit: MOST_RUNS }).catch(() => []),
        store.findings({ kind: 'drill-diagnosis', limit: 1 }).catch(() => []),
      ]);
      runs = kept.map(({ record }) => record as unknown as FallbackRun);
      if (kept[0]) lastAt['drill-models'] = kept[0].at;
      if (diagnoses[0]) lastAt['drill-diagnosis'] = diagnoses[0].at;
      await loop.start();
    },
    async stop() {
      endDiagnosis?.();
      await loop.stop();
    },
    alive: loop.alive,
    fallback: async () => fallbackRows(await runFallback()),
    keepDiagnosis(rows, tookMs) {
      const run = { at: time.now(), rows, tookMs };
      const message = diagnosisWords(run).words;
      needs.events.record('info', { kind: 'drill.diagnosis', agent: null, message, data: { run } });
      return keep('drill-diagnosis', run);
    },
    keepFaults(rows, tookMs) {
      const run = { at: time.now(), rows, tookMs };
      const { words, right, of } = faultWords(run);
      needs.events.record(right < of ? 'warn' : 'info', {
        kind: 'drill.faults',
        agent: null,
        message: words,
        data: { run },
      });
      return keep('drill-faults', run);
    },
    provenAt: (rung) => provenTimes(runs).get(rung) ?? null,
    warnings: () => (isInUse() ? unprovenFault(runs, time.now()) : []),
  };
}

/** The newest drills of models, in words, for the report. */
export async function drillWords(store: Pick<FindingStore, 'findings'>) {
  const [[models], [diagnosis]] = await Promise.all([
    store.findings({ kind: 'drill-models', limit: 1 }),
    store.findings({ kind: 'drill-diagnosis', limit: 1 }),
  ]);
  const shown = (
    name: 'models' | 'diagnosis',
    { at }: Finding,
    tookMs: number | null,
    said: ReturnType<typeof fallbackWords>,
  ) => ({
    ...{ name, at: isoOf(at), tookMs },
    ...said,
  });
  const fallback = models?.record as FallbackRun | undefined;
  const scores = diagnosis?.record as DiagnosisRun | undefined;
  return [
    ...(models && fallback ? [shown('models', models, fallbackMs(fallback), fallbackWords(fallback))] : []),
    ...(diagnosis && scores ? [shown('diagnosis', diagnosis, scores.tookMs ?? null, diagnosisWords(scores))] : []),
  ];
}

/**
 * Begins `daruma drill diagnosis`. `ended` is called once, later, with why the drill failed; null: every answer has its score. The
 * function that comes back ends the drill.
 */
type OpenDiagnosisDrill = (ended: (why: string | null) => void) => () => void;

/** Exit codes of a drill whose answers were scored: all right, or some wrong. */
const SCORED = [0, 1];

/** Diagnosis drills of the installation in `folder`, each a client in a process of its own. */
function diagnosisDrillOf(folder: string): OpenDiagnosisDrill {
  const main = fileURLToPath(entryFile('main.js'));
  return (ended) => {
    const child = spawn(process.execPath, [main, 'drill', 'diagnosis', '--json', '--dir', folder], { stdio: 'ignore' });
    child.once('error', (error) => ended(toPlainFault(error).message));
    child.once('exit', (code) => ended(SCORED.includes(code ?? -1) ? null : `it ended with ${code ?? 'a signal'}`));
    return () => void child.kill('SIGTERM');
  };
}
