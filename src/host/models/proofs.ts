import type { CheckKind, CheckResult } from '../../gateway/models/ports.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import type { DrillView } from '../../operations/results/command.ts';

/** The checks of a rung, in their order: it is proven by all of them. */
export const CHECK_KINDS: readonly CheckKind[] = ['plain', 'tool', 'json'];

/** The findings of a run of the fallback drill about a rung. */
export interface RungProof {
  name: string;
  /** Why the rung was not asked: it has no key. null: the rung was asked. */
  off: string | null;
  checks: (Pick<CheckResult, 'ok' | 'tookMs' | 'why' | 'model'> & { kind: CheckKind })[];
}

/** A run of the fallback drill, as it is kept. */
export interface FallbackRun {
  /** Epoch ms of its end. */
  at: number;
  rungs: RungProof[];
}

/** A proof counts for so long. */
const PROVEN_FOR_MS = 48 * HOUR_MS;
/** The longest check of a rung, by the promise of the gateway. */
const CHECK_MS = 60_000;

const isProven = ({ off, checks }: RungProof) =>
  off === null && checks.length === CHECK_KINDS.length && checks.every(({ ok }) => ok);

/** When a run last proved each rung, by its name; of runs that come newest first. */
export function provenTimes(runs: readonly FallbackRun[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { at, rungs } of runs.toReversed()) for (const one of rungs) if (isProven(one)) times.set(one.name, at);
  return times;
}

/** `chain proven 2 of 3; ollama is only a hope: connect ECONNREFUSED; cerebras is off: …`. Rungs without a key do not count. */
export function fallbackWords({ rungs }: FallbackRun): { words: string; right: number; of: number } {
  const asked = rungs.filter(({ off }) => off === null);
  const right = asked.filter(isProven).length;
  const hopes = asked.filter((one) => !isProven(one)).map((one) => `${one.name} is only a hope: ${whyNot(one)}`);
  const off = rungs.filter((one) => one.off !== null).map((one) => `${one.name} is off: ${one.off}`);
  return { words: [`chain proven ${right} of ${asked.length}`, ...hopes, ...off].join('; '), right, of: asked.length };
}

/** Told when drills are done and no rung was proven for two days: the chain is nothing but hope. */
export function unprovenFault(runs: readonly FallbackRun[], now: number): PlainFault[] {
  const [newest] = runs;
  if (!newest || now - newest.at >= PROVEN_FOR_MS) return [];
  const last = Math.max(...provenTimes(runs).values());
  if (now - last < PROVEN_FOR_MS) return [];
  const message = `no rung of the chain of models was proven for two days: ${fallbackWords(newest).words}`;
  return [{ code: 'MODELS_UNPROVEN', message, next: 'daruma drill models' }];
}

/** A run as `daruma drill` shows it: a row for each rung. */
export function fallbackRows({ rungs }: FallbackRun): DrillView[] {
  return rungs.map((one) => {
    const tookMs = one.checks.reduce((sum, check) => sum + check.tookMs, 0);
    return {
      name: `models/${one.name}`,
      promise: 'the rung answers in plain words, calls a tool and writes JSON',
      promisedMs: CHECK_KINDS.length * CHECK_MS,
      detectMs: null,
      repairMs: isProven(one) ? tookMs : null,
      lost: one.checks.filter(({ ok }) => !ok).length,
      left: 0,
      seen: isProven(one) ? (one.checks[0]!.model ?? null) : whyNot(one),
      ok: one.off !== null || isProven(one),
      ...(one.off === null ? {} : { skipped: one.off }),
    };
  });
}

function whyNot({ checks }: RungProof): string {
  const failed = checks.find(({ ok }) => !ok);
  return failed ? `${failed.kind}: ${failed.why ?? 'no reason given'}` : 'it was not asked';
}

/** A run of the diagnosis drill, as it is kept. */
export interface DiagnosisRun {
  /** Epoch ms of its end. */
  at: number;
  rows: { name: string; ok: boolean; seen: string | null }[];
  /** How long it took; null, or left out by runs of before: nobody measured it. */
  tookMs?: number | null;
}

/** A drill of all faults that Daruma heals, as it is kept. */
export interface FaultsRun extends DiagnosisRun {
  tookMs: number | null;
}

/** How long the rungs that were asked took to answer, one after the other. */
export function fallbackMs({ rungs }: FallbackRun): number {
  return rungs.flatMap(({ checks }) => checks).reduce((sum, { tookMs }) => sum + tookMs, 0);
}

/** `9 of 10 faults healed as promised; not leak` */
export function faultWords({ rows }: DiagnosisRun): { words: string; right: number; of: number } {
  const broken = rows.filter(({ ok }) => !ok).map(({ name }) => name);
  const right = rows.length - broken.length;
  const not = broken.length > 0 ? `; not ${broken.join(', ')}` : '';
  return { words: `${right} of ${rows.length} faults healed as promised${not}`, right, of: rows.length };
}

/** `diagnosis drill: 4 of 6 right; not hang, origin` */
export function diagnosisWords({ rows }: DiagnosisRun): { words: string; right: number; of: number } {
  const wrong = rows.filter(({ ok }) => !ok).map(({ name }) => name.replace(/^diagnosis\//, ''));
  const right = rows.length - wrong.length;
  const not = wrong.length > 0 ? `; not ${wrong.join(', ')}` : '';
  return { words: `diagnosis drill: ${right} of ${rows.length} right${not}`, right, of: rows.length };
}
