import type { CallEnd } from '../../../kernel/origin.ts';
import type { Rung } from '../../../kernel/rung.ts';
import type { Time } from '../../../kernel/time.ts';
import { nextRung, type WalkRung, type WalkTry } from '../chain/walk.ts';
import { answerUnusable, modelsDown } from '../faults.ts';
import type { CallEstimate, ModelFacts, RungPass, RungVerdict, SkippedRung, SpentTry, TokenUsage } from '../ports.ts';
import { ApiError } from './api-error.ts';
import type { ClientCall } from './client-calls.ts';
import type { CoolDowns } from './cool-downs.ts';
import type { GatewayLink } from './host-link.ts';

/** A model of a rung. */
export interface Candidate {
  rung: Rung;
  model: ModelFacts;
}

/** A rung that a call may try, with the models that it has, the best first. */
export interface AbleRung {
  rung: Rung;
  models: readonly ModelFacts[];
}

/** The rungs that a call may try, in order, and those that it may not. */
export interface Candidates {
  rungs: readonly AbleRung[];
  skipped: readonly SkippedRung[];
}

/** The end of a try of one rung. */
export interface TryEnd {
  verdict: RungVerdict;
  usage: TokenUsage | null;
  /** Without `usage`: the provider may bill for it. */
  mayBeBilled: boolean;
  /** The time until its first token, or until it was known to give none; null: nothing went out. */
  ms: number | null;
  /** The client has a part of the answer: no other rung can take over. */
  hasBegun: boolean;
}

/** A call, as its walk over the rungs sees it. */
interface Walk extends Candidates {
  call: ClientCall;
  /** The model as its caller named it. */
  model: string;
  estimate: CallEstimate;
  /** Tries one rung. Rejects when the call was aborted. */
  attempt(candidate: Candidate): Promise<TryEnd>;
}

/** The rung that gave the answer, and what the whole call has cost. */
export interface WalkEnd extends Candidate {
  usage: TokenUsage | null;
  /** null: the host has not said. */
  money: number | null;
}

interface WalkNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  link: GatewayLink;
  coolDowns: CoolDowns;
}

/** A leave of the breaker that is older is asked for anew. */
const PASS_MS = 30_000;

/**
 * Tries the rungs of a call in order until one gives an answer. `run` rejects with an {@link ApiError}: the host refuses, the
 * fault is the caller's, no rung gives an answer, or the answer broke off after its begin.
 */
export function createWalk(asked: Walk, { time, link, coolDowns }: WalkNeeds): { run(): Promise<WalkEnd> } {
  const { call, model, estimate, rungs } = asked;
  const { id, worker, job, attempt, signal } = call;
  const walked: WalkTry[] = [];
  const tries: SpentTry[] = [];
  const skipped = [...asked.skipped];
  let leave: { rungs: readonly RungPass[]; at: number } = { rungs: [], at: 0 };
  let open: WalkRung[] = [];

  /** Asks the host, which reserves the money and knows the breakers. */
  async function begin(): Promise<void> {
    const named = rungs.map(({ rung, models }) => ({ name: rung.name, model: models[0]!.name }));
    const facts = { id, worker, job, attempt, model, rungs: named, skipped: asked.skipped, estimate };
    const answer = await link.ask({ say: 'begin', ...facts }, signal);
    if (answer.do === 'refuse') throw ApiError.ofFault(answer.fault, time.now());
    if (answer.do !== 'go') throw new Error('the host gave no leave');
    leave = { rungs: answer.rungs, at: time.monotonic() };
    skipped.push(...answer.skipped);
    const may = new Set(answer.rungs.map(({ name }) => name));
    open = rungs.flatMap(({ rung: { name }, models }) =>
      may.has(name) ? { name, models: models.map((one) => one.name) } : [],
    );
  }

  /** undefined: the origin went down meanwhile. */
  async function passOf(rung: string): Promise<number | undefined> {
    const { pass } = leave.rungs.find(({ name }) => name === rung)!;
    if (pass !== null && time.monotonic() - leave.at < PASS_MS) return pass;
    const answer = await link.ask({ say: 'pass', id, rung }, signal);
    if (answer.do !== 'pass') throw new Error('the host gave no leave');
    if (answer.pass === null) skipped.push({ name: rung, why: answer.why, retryAt: answer.retryAt });
    return answer.pass ?? undefined;
  }

  async function tryOne(candidate: Candidate, pass: number): Promise<TryEnd> {
    const named = { rung: candidate.rung.name, model: candidate.model.name };
    const startedAt = time.monotonic();
    try {
      const end = await asked.attempt(candidate);
      const { verdict, usage, mayBeBilled } = end;
      if (end.ms !== null) tries.push({ ...named, usage, verdict: verdict.is, mayBeBilled });
      link.send({ say: 'tried', id, ...named, pass, end: callEndOf(end), verdict: verdict.is });
      coolDowns.apply(named.rung, named.model, verdict);
      return end;
    } catch (error) {
      // Nobody waits any more: the provider may have had all of the request.
      tries.push({ ...named, usage: null, verdict: 'gone', mayBeBilled: true });
      const ms = time.monotonic() - startedAt;
      link.send({ say: 'tried', id, ...named, pass, end: { is: 'gone', ms }, verdict: 'gone' });
      throw error;
    }
  }

  /** The good end of a try of the rung; undefined: another rung is to be asked. */
  async function ask(rungName: string, modelName: string): Promise<(Candidate & TryEnd) | undefined> {
    const { rung, models } = rungs.find((able) => able.rung.name === rungName)!;
    const candidate = { rung, model: models.find(({ name }) => name === modelName)! };
    const pass = await passOf(rungName);
    if (pass === undefined) {
      open = open.filter(({ name }) => name !== rungName);
      return undefined;
    }
    const end = await tryOne(candidate, pass);
    const { verdict } = end;
    if (verdict.is === 'good') return { ...candidate, ...end };
    if (verdict.is === 'caller') throw callersFault(verdict);
    if (end.hasBegun) throw new ApiError(502, 'STREAM_CUT', whyOf(verdict));
    walked.push({ rung: rungName, model: modelName, verdict, hasStarted: false });
    skipped.push(skippedBy(rungName, verdict, time.now()));
    return undefined;
  }

  async function askAll(): Promise<(Candidate & TryEnd) | undefined> {
    for (;;) {
      const step = nextRung(open, walked, coolDowns.holds(), time.now());
      if (step.is !== 'ask') return undefined;
      const good = await ask(step.rung, step.model);
      if (good) return good;
    }
  }

  async function run(): Promise<WalkEnd> {
    await begin();
    let good: (Candidate & TryEnd) | undefined;
    try {
      good = await askAll();
    } catch (error) {
      link.send({ say: 'end', id, tries, down: null });
      throw error;
    }
    if (!good) {
      // Nothing was sent, and no rung is held up: to wait would help nobody.
      const fitsNone = walked.length > 0 && tries.length === 0 && skipped.every(({ retryAt }) => retryAt === null);
      if (fitsNone) throw fitsNoRung(link, id, skipped);
      const isUnusable = tries.length > 0 && tries.every(({ verdict }) => verdict === 'unusable');
      const down = isUnusable ? answerUnusable(skipped) : modelsDown(skipped, time.now());
      link.send({ say: 'end', id, tries, down });
      throw ApiError.ofFault(down, time.now());
    }
    // The answer is there: its client may go away meanwhile.
    const answer = await link.ask({ say: 'end', id, tries, down: null }, NEVER);
    const { rung, model: used, usage } = good;
    return { rung, model: used, usage, money: answer.do === 'settled' ? answer.money : null };
  }

  return { run };
}

const NEVER = new AbortController().signal;

/** A server that answers is up, whatever it says; unless its answer is a failure of its own. */
function callEndOf({ verdict, ms }: TryEnd): CallEnd {
  if (ms === null) return { is: 'gone', ms: 0 };
  if (verdict.is === 'next' && verdict.counts) return { is: 'bad', ms, failure: { what: verdict.why } };
  return { is: 'good', ms };
}

/** The end of a call that no rung can take, however long it waits. */
function fitsNoRung(link: GatewayLink, id: string, rungs: readonly SkippedRung[]): ApiError {
  link.send({ say: 'end', id, tries: [], down: null });
  const why = rungs.map((rung) => `${rung.name}: ${rung.why}`).join('; ');
  const next = 'ask for less at once, or name a model with a longer context in models.chain';
  return new ApiError(413, 'FITS_NO_RUNG', `no rung can take the request (${why})`, { next });
}

function callersFault({ status, message, code }: RungVerdict & { is: 'caller' }): ApiError {
  return new ApiError(status >= 400 && status < 500 ? status : 400, code ?? 'MODEL_REFUSED', message);
}

function skippedBy(name: string, verdict: RungVerdict, now: number): SkippedRung {
  const why = whyOf(verdict);
  if (verdict.is === 'wait') return { name, why, retryAt: verdict.until };
  return { name, why, retryAt: verdict.is === 'closed' ? now + verdict.forMs : null };
}

function whyOf(verdict: RungVerdict): string {
  return 'why' in verdict ? verdict.why : verdict.is;
}
