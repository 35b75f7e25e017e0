import type { CallLedger } from '../../../src/gateway/models/calls.ts';
import { estimateTokens } from '../../../src/gateway/models/chain/estimate-tokens.ts';
import { createSpendLedger } from '../../../src/gateway/models/ledger.ts';
import type { ModelPrice } from '../../../src/gateway/models/spend-rules.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { microsOf } from '../../../src/kernel/money.ts';
import { machineTime } from '../../../src/kernel/time.ts';
import { type RunningGateway, startGateway } from './running.ts';
import type { FaultName } from './servers/faults.ts';
import { spendStore } from './spend-store.ts';

/** What becomes of a call whose first rung has a fault. */
type Outcome =
  /** The second rung answers. */
  | 'next'
  /** The caller gets its fault, and no other rung is asked. */
  | 'caller'
  /** The next model of the first rung answers. */
  | 'model'
  /** The first rung answers all the same. */
  | 'same'
  /** The stream ends with an error, and no other rung is asked. */
  | 'broken';

/** Rounds of one fault, as the caller saw them. */
export interface FaultRounds {
  fault: FaultName;
  isStream: boolean;
  rounds: number;
  outcome: Outcome;
  /** Rounds that ended in another way, with what was seen. */
  wrong: string[];
  /** From the call until its caller has the first byte of the answer, in ms. */
  ms: number[];
  /** Rounds in which more was charged than the providers billed. */
  doubleSpends: number;
}

/** Faults that end after the first token of a stream, and those that show themselves only then. */
const LATE = new Set<FaultName>(['cut late', 'end late', 'error late', 'stall late', 'truncated']);
const CALLER = new Set<FaultName>(['400 context', '400 max_tokens', '413 bytes', '422']);
const MODEL = new Set<FaultName>(['404 model', '400 decommissioned', '400 plan']);
const SAME = new Set<FaultName>(['400 unsupported', '400 effort', 'wrong usage', 'no usage']);
/** Faults that a server shows by answering nothing: their rounds run side by side, for each waits as long as the rung may take. */
const SILENT = new Set<FaultName>(['hang', 'slow', 'stall first', 'stall late']);
const SIDE_BY_SIDE = 20;

const PRICES: Record<string, ModelPrice> = {
  groq: { input: microsOf(0.15), output: microsOf(0.6) },
  cerebras: { input: microsOf(0.35), output: microsOf(0.75) },
  ollama: 'free',
};
/** Long enough that a truncated prompt shows. */
const PROMPT = 'Tell me in a few words what became of the order that came in this morning. '.repeat(40);
const MAX_TOKENS = 400;
const MESSAGES = [{ role: 'user', content: PROMPT }];
const ESTIMATE = estimateTokens(MESSAGES) + MAX_TOKENS;

function outcomeOf(fault: FaultName, isStream: boolean): Outcome {
  if (CALLER.has(fault)) return 'caller';
  if (MODEL.has(fault)) return 'model';
  if (SAME.has(fault)) return 'same';
  return isStream && LATE.has(fault) ? 'broken' : 'next';
}

/** A gateway in front of the three servers, with a real ledger of money. */
export async function startFaultGateway(timeoutMs: number, idleMs: number) {
  const ledger = createSpendLedger({
    ...{ time: machineTime, log: silentLog, store: spendStore().handle() },
    timezone: () => 'UTC',
    limits: () => ({}),
    priceOf: (rung) => PRICES[rung] ?? 'unknown',
    rose: () => {},
  });
  await ledger.start();
  const calls: CallLedger = {
    async begin(call) {
      const answer = await ledger.begin({ ...call, limits: {} });
      if (answer.is === 'refused') return answer;
      return { is: 'go', go: answer.go.map(({ name, micros }) => ({ name, money: micros })), skipped: [] };
    },
    end: (id, tries) => ({ money: ledger.end(id, tries) }),
    lost: (id, tries, isOut) => ledger.lost(id, tries, isOut),
  };
  const gateway = await startGateway({
    ledger: calls,
    rungs: (all) => all.map((rung) => ({ ...rung, timeoutMs, idleMs })),
  });
  return {
    gateway,
    spent: () => ledger.today(),
    async stop() {
      await gateway.stop();
      await ledger.stop();
    },
  };
}

type FaultGateway = Awaited<ReturnType<typeof startFaultGateway>>;

/** Puts a fault into the first rung of so many calls, and looks at what their callers get. */
export async function faultRounds(
  to: FaultGateway,
  fault: FaultName,
  isStream: boolean,
  rounds: number,
): Promise<FaultRounds> {
  const row: FaultRounds = {
    fault,
    isStream,
    rounds,
    outcome: outcomeOf(fault, isStream),
    wrong: [],
    ms: [],
    doubleSpends: 0,
  };
  const batch = SILENT.has(fault) ? SIDE_BY_SIDE : 1;
  for (let done = 0; done < rounds; done += batch) {
    await withFreshRung(to.gateway);
    await oneBatch(to, row, Math.min(batch, rounds - done));
  }
  return row;
}

/** Ends the pause that the round before has left, as a new key of the provider does. */
async function withFreshRung({ keys, models }: RunningGateway) {
  const isReady = () => models.chain()[0]!.state === 'ready';
  if (isReady()) return;
  const key = keys.groq!;
  keys.groq = key.endsWith('-b') ? key.slice(0, -2) : `${key}-b`;
  models.keysChanged();
  await untilTrue(isReady);
}

async function untilTrue(holds: () => boolean) {
  const end = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function oneBatch({ gateway, spent }: FaultGateway, row: FaultRounds, count: number) {
  const { groq, cerebras, ollama } = gateway;
  const servers = [groq, cerebras, ollama];
  const before = { billed: servers.map(({ totals }) => ({ ...totals })), spent: spent() };
  groq.next(...Array.from({ length: count }, () => row.fault));
  const seen = await Promise.all(Array.from({ length: count }, () => oneCall(gateway, row)));
  row.ms.push(...seen.map(({ ms }) => ms));
  for (const { outcome, words } of seen)
    if (outcome !== row.outcome && !(row.fault === 'reset' && outcome === 'same'))
      row.wrong.push(`${outcome}: ${words}`);
  // One more try for another model, or without a parameter; a connection that is reset may be used twice.
  const tries = row.outcome === 'model' || row.outcome === 'same' || row.fault === 'reset' ? 2 : 1;
  const first = groq.totals.chats - before.billed[0]!.chats;
  if (first > count * tries) row.wrong.push(`${first} requests to the first rung`);
  const asked = cerebras.totals.chats - before.billed[1]!.chats;
  if (row.outcome !== 'next' && asked > 0) row.wrong.push(`${asked} calls of the second rung`);
  // A stream that breaks off is settled behind the back of its caller.
  await untilTrue(() => spent().calls >= before.spent.calls + count);
  const calls = spent().calls - before.spent.calls;
  row.doubleSpends += Math.abs(calls - count);
  // The providers behind the first are honest. The first may bill what it got without an answer, or lie: its estimate counts.
  const billed = servers.slice(1).map(({ totals }, at) => {
    const { promptTokens, completionTokens } = before.billed[at + 1]!;
    return totals.promptTokens - promptTokens + totals.completionTokens - completionTokens;
  });
  const mayBill =
    /^[45]\d\d/.test(row.fault) && row.outcome !== 'same' && row.outcome !== 'model' ? 0 : count * ESTIMATE;
  if (spent().tokens - before.spent.tokens > mayBill + billed.reduce((sum, one) => sum + one, 0)) row.doubleSpends++;
}

async function oneCall(
  gateway: RunningGateway,
  { fault, isStream }: FaultRounds,
): Promise<{ outcome: Outcome | 'other'; ms: number; words: string }> {
  const begun = performance.now();
  const response = await gateway.ask({
    ...{ model: 'auto', stream: isStream, max_tokens: MAX_TOKENS, frequency_penalty: 0.1 },
    messages: MESSAGES,
    ...(fault === 'nonsense' || fault === '400 json_validate_failed'
      ? { response_format: { type: 'json_object' } }
      : {}),
  });
  const ms = performance.now() - begun;
  const text = await response.text();
  const rung = response.headers.get('x-daruma-rung');
  const words = `${response.status} ${rung} ${text.slice(0, 300)}`;
  if (response.status >= 400 && response.status < 500) return { outcome: 'caller', ms, words };
  if (response.status !== 200) return { outcome: 'other', ms, words };
  const isWhole = isStream ? text.endsWith('data: [DONE]\n\n') : text.includes('"finish_reason":"stop"');
  if (!isWhole) return { outcome: text.includes('data: {"error":') ? 'broken' : 'other', ms, words };
  const isFirst = response.headers.get('x-daruma-model') === 'openai/gpt-oss-120b';
  return {
    outcome: rung === 'groq' ? (isFirst ? 'same' : 'model') : rung === 'cerebras' ? 'next' : 'other',
    ms,
    words,
  };
}
