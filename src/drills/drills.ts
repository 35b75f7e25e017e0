import { readFileSync } from 'node:fs';
import type { ControlClient } from '../control/client.ts';
import type { DrillView } from '../control/protocol.ts';
import { drillAgent } from '../kernel/drill-agents.ts';
import { Fault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { isoOf } from '../kernel/instant.ts';
import { MB } from '../kernel/measures.ts';
import { suggest } from '../kernel/suggest.ts';
import type { Time } from '../kernel/time.ts';
import { bringGuests, CANARY, type DrillHost } from './canaries.ts';
import { canaryDrill, type Report } from './canary-drill.ts';
import { DIAGNOSIS_NAME, diagnosisDrill } from './diagnosis-drill.ts';
import { originDrill } from './origin-drill.ts';
import { CANARY_PLANS, type CanaryPlan, type DrillUpdate, ORIGIN_PLAN } from './plans.ts';
import { SCRATCH_PLANS, scratchDrill } from './scratch-drills.ts';

const ON_HOST = [...CANARY_PLANS, ORIGIN_PLAN];
/** The drills that are done where none is named, in their order. */
const FREE = [...ON_HOST, ...SCRATCH_PLANS].map(({ name }) => name);
/** Drills that ask real models, which costs money: each runs only where it is named. */
const ASKING = ['models', DIAGNOSIS_NAME];
const NAMES = [...FREE, ...ASKING];

interface DrillNeeds {
  time: Time;
  /** A new connection to the running host. */
  connect(): Promise<ControlClient>;
  /** Called with each step as it happens. */
  onUpdate(update: DrillUpdate): void;
}

/**
 * Does drills on a running host and beside it, each after the other, and measures. Everything happens in this process: the
 * host only runs the canaries, as guest agents, while the drills last. `names`: which; empty: all but those that ask models. Rejects with
 * `DRILL_UNKNOWN` before anything is done, and with `DRILL_BUSY` while another drill runs on this host.
 */
export async function runDrills(names: readonly string[], needs: DrillNeeds): Promise<DrillView[]> {
  const { time, connect } = needs;
  for (const name of names) if (!NAMES.includes(name)) throw unknown(name);
  const wanted = names.length > 0 ? names : FREE;
  const client = await connect();
  const { pid } = await client.ask('ping', {});
  const host: DrillHost = { time, client, connect, pid };
  const plans = ON_HOST.filter(({ name }) => wanted.includes(name));
  const takeAway = plans.length > 0 ? await bringCanaries(host, plans) : () => {};
  try {
    const results: DrillView[] = [];
    const begun = time.monotonic();
    for (const name of wanted) results.push(...(await runDrill(host, name, needs.onUpdate)));
    if (FREE.every((name) => wanted.includes(name))) await keepFaults(client, results, time.monotonic() - begun);
    return results;
  } finally {
    takeAway();
    client.close();
  }
}

/** The host keeps what a drill of all faults has shown, for its reports. Drills that this machine cannot carry prove nothing. */
async function keepFaults(client: ControlClient, results: readonly DrillView[], tookMs: number): Promise<void> {
  const rows = results.filter(({ name, skipped }) => FREE.includes(name) && skipped === undefined);
  if (rows.length === 0) return;
  const kept = rows.map(({ name, ok, seen }) => ({ name, ok, seen }));
  await client.ask('drillDone', { kind: 'faults', rows: kept, tookMs: Math.round(tookMs) });
}

async function runDrill(host: DrillHost, name: string, onUpdate: (update: DrillUpdate) => void): Promise<DrillView[]> {
  const report: Report = (what, text, memoryBytes) =>
    onUpdate({
      drill: name,
      at: isoOf(host.time.now()),
      what,
      text,
      ...given({ memoryBytes }),
    });
  if (ASKING.includes(name)) return askingDrill(host, name, report);
  const result = await resultOf(host, name, report);
  report('done', result.skipped ?? (result.ok ? 'the promise is kept' : 'the promise is broken'));
  return [result];
}

/** A drill that asks models: a row for each rung, or for each fault. */
function askingDrill(host: DrillHost, name: string, report: Report): Promise<DrillView[]> {
  report('started', name === DIAGNOSIS_NAME ? 'faults in a Daruma of its own, and a model' : 'each rung of the chain');
  return name === DIAGNOSIS_NAME ? diagnosisDrill(host, report) : host.client.ask('drillModels', {});
}

function resultOf(host: DrillHost, name: string, report: Report): Promise<DrillView> {
  if (name === ORIGIN_PLAN.name) return originDrill(host, report);
  const plan = CANARY_PLANS.find((one) => one.name === name);
  if (plan) return canaryDrill(host, plan, report);
  report('started', 'a Daruma of its own');
  return scratchDrill(SCRATCH_PLANS.find((one) => one.name === name)!, host.time);
}

function unknown(name: string): Fault {
  const near = suggest(name, NAMES);
  return new Fault({
    code: 'DRILL_UNKNOWN',
    message: `there is no drill ${name}`,
    next: near ? `did you mean ${near}?` : `one of ${NAMES.join(', ')}`,
  });
}

/** Brings the canaries of some drills to a host, as {@link bringGuests} does. */
function bringCanaries(host: Pick<DrillHost, 'connect'>, plans: readonly CanaryPlan[]): Promise<() => void> {
  return bringGuests(host, [
    { path: 'plugins/canary.ts', text: readFileSync(CANARY, 'utf8') },
    ...plans.map((plan) => ({ path: `agents/${drillAgent(plan.name)}.yaml`, text: agentFile(plan) })),
  ]);
}

function agentFile({ fault, limits }: CanaryPlan): string {
  return JSON.stringify({
    plugin: 'canary',
    // A canary may take its process down: it never shares one.
    isolation: 'own',
    needs: { net: fault === ORIGIN_PLAN.fault ? ['127.0.0.1'] : [] },
    settings: { fault, limitMb: limits.memoryBytes / MB },
    limits: {
      memory: `${limits.memoryBytes}B`,
      timeout: `${limits.timeoutMs}ms`,
      silence: `${limits.silenceMs}ms`,
      grace: `${limits.graceMs}ms`,
    },
  });
}
