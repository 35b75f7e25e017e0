import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DrillView, IncidentView, Ops } from '../control/protocol.ts';
import { drillAgent } from '../kernel/drill-agents.ts';
import { packageFile } from '../kernel/paths.ts';
import { oneLine } from '../kernel/shown-text.ts';
import type { Time } from '../kernel/time.ts';
import { bringGuests, type DrillHost } from './canaries.ts';
import { drillEndOf, type Report } from './canary-drill.ts';
import { KNOWN_FAULTS, type KnownFault, wrongInAnswer } from './diagnosis-faults.ts';
import { drillView } from './plans.ts';
import { openScratch, type Scratch } from './scratch.ts';
import { until } from './until.ts';

/** The name of the drill, which runs only where it is asked for: it costs money. */
export const DIAGNOSIS_NAME = 'diagnosis';
const AGENT = drillAgent(DIAGNOSIS_NAME);
const INCIDENT_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 120_000;
const GOOD_RUNS = 6;

type Question = Ops['incidentEvidence']['value'];

/**
 * Puts known faults into a Daruma of its own, takes the evidence of each incident from there, has the agent `diagnose` of the running
 * host answer as a guest, so that its budgets count, and scores the answers by rules. The host keeps the score.
 */
export async function diagnosisDrill(host: DrillHost, report: Report): Promise<DrillView[]> {
  const began = host.time.monotonic();
  const questions = await questionsOf(host.time, report);
  const takeAway = await bringGuests(host, [
    { path: 'plugins/diagnose.ts', text: diagnosePlugin((await host.client.ask('ping', {})).folder) },
    { path: `agents/${AGENT}.yaml`, text: JSON.stringify({ plugin: 'diagnose', limits: { attempts: 1 } }) },
  ]);
  try {
    const rows: DrillView[] = [];
    for (const { fault, question } of questions) rows.push(await score(host, fault, question, report));
    const scored = rows.filter(({ skipped }) => skipped === undefined);
    if (scored.length > 0)
      await host.client.ask('drillDone', {
        kind: 'diagnosis',
        rows: scored.map(({ name, ok, seen }) => ({ name, ok, seen })),
        tookMs: Math.round(host.time.monotonic() - began),
      });
    return rows;
  } finally {
    takeAway();
  }
}

/** The plugin of the installation, which its people may have changed; else that of the package. */
function diagnosePlugin(folder = ''): string {
  const own = join(folder, 'plugins/diagnose.ts');
  return readFileSync(existsSync(own) ? own : fileURLToPath(packageFile('docs/recipes/diagnose.ts')), 'utf8');
}

/** Lets every fault happen in one scratch installation, and takes the evidence; undefined where no incident came. */
async function questionsOf(time: Time, report: Report) {
  const files = KNOWN_FAULTS.map(({ name, plugin, before }) => [`plugins/${name}.ts`, before ?? plugin] as const);
  const scratch = await openScratch(time, { files: Object.fromEntries(files) });
  try {
    const found: { fault: KnownFault; question: Question | undefined }[] = [];
    for (const fault of KNOWN_FAULTS) {
      report('fault', fault.name);
      found.push({ fault, question: await evidenceOf(scratch, fault, time) });
    }
    return found;
  } finally {
    await scratch.leave();
  }
}

async function evidenceOf(scratch: Scratch, fault: KnownFault, time: Time): Promise<Question | undefined> {
  if (fault.before !== undefined) await changeForTheWorse(scratch, fault, time);
  const isWanted = ({ verdict, seen }: IncidentView) =>
    new RegExp(`^(?:${fault.verdict})$`).test(verdict) && (!fault.ofHost || seen.includes('127.0.0.1:64999'));
  let incident: IncidentView | undefined;
  let runs = 0;
  await until(time, INCIDENT_WITHIN_MS, async () => {
    const jobs = await scratch.ask('jobs', { agent: fault.name, states: ['queued', 'running', 'retrying'], limit: 1 });
    if (jobs.length === 0 && runs++ < 20) await scratch.ask('run', { agent: fault.name });
    const list = await scratch.ask('incidents', fault.ofHost ? { limit: 20 } : { agent: fault.name, limit: 20 });
    incident = list.find(isWanted);
    return incident !== undefined;
  });
  return incident && scratch.ask('incidentEvidence', { id: incident.id });
}

/** A version that works, with jobs that are done, and then the one that does not. */
async function changeForTheWorse(scratch: Scratch, { name, plugin }: KnownFault, time: Time): Promise<void> {
  const version = async () => (await scratch.ask('versions', { plugin: name })).versions.length;
  for (let run = 0; run < GOOD_RUNS; run++) {
    const { id } = await scratch.ask('run', { agent: name });
    await until(time, INCIDENT_WITHIN_MS, async () => (await scratch.ask('job', { id })).state === 'done');
  }
  writeFileSync(join(scratch.folder, `plugins/${name}.ts`), plugin);
  await until(time, INCIDENT_WITHIN_MS, async () => (await version()) > 1);
}

async function score(
  host: DrillHost,
  fault: KnownFault,
  question: Question | undefined,
  report: Report,
): Promise<DrillView> {
  const plan = {
    name: `${DIAGNOSIS_NAME}/${fault.name}`,
    promise: 'a model names the true cause, rests it on evidence that shows it, and advises nothing that harms',
    promisedMs: ANSWER_WITHIN_MS,
  };
  const view = (repairMs: number | null, seen: string, isRight: boolean) =>
    drillView(plan, { detectMs: null, repairMs, lost: isRight ? 0 : 1, left: 0, seen: oneLine(seen).slice(0, 500) });
  if (!question) return { ...view(null, '', true), ok: true, skipped: 'the fault made no incident on this machine' };
  const begun = host.time.monotonic();
  const { id } = await host.client.ask('run', { agent: AGENT, input: question });
  const job = await drillEndOf(host, id, ANSWER_WITHIN_MS);
  const said = (job.result as { answer?: Parameters<typeof wrongInAnswer>[2] } | null)?.answer;
  if (job.state !== 'done' || !said) {
    const why = job.error?.message ?? 'no answer in time';
    await host.client.ask('cancel', { id }).catch(() => undefined);
    return { ...view(null, why, true), ok: true, skipped: `no model answered: ${oneLine(why)}` };
  }
  const wrong = wrongInAnswer(fault, question.evidence, said);
  report('seen', wrong ?? said.cause);
  return view(host.time.monotonic() - begun, wrong ?? said.cause, wrong === null);
}
