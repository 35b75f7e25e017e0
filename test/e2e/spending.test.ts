import { afterAll, beforeAll, expect, it } from 'vitest';
import { zonedDay } from '../../src/kernel/day.ts';
import type { BillView } from '../../src/operations/results/bill.ts';
import type { ModelServer } from '../gateway/models/servers/model-server.ts';
import { ollamaServer } from '../gateway/models/servers/ollama-server.ts';
import { groqServer } from '../gateway/models/servers/openai-shape.ts';
import { type Installation, installation, plugin, processesOf } from './installation.ts';

/** Agents that spend on models, in a real host with a real gateway, against what the providers say they were asked. */

const ASKS = `const rungs = [];
  for (let n = 0; n < (context.job.input?.times ?? 1); n++) rungs.push((await context.llm.chat('Say something.', { maxTokens: 100 })).rung);
  return rungs;`;
const INPUT = 'input: z.object({ times: z.number() }).nullable(),';
const ONCE = 'limits: { attempts: 2, backoff: { first: "50ms", longest: "50ms" } },';
/** Dollars for a million tokens: a tenth of a cent for each. */
const PRICE = 1_000;

/** No test runs over midnight; on the other day of the calendar it is not midnight either. */
const HOUR = new Date().getUTCHours();
const ZONE = HOUR === 23 || HOUR === 0 ? 'Asia/Tokyo' : 'UTC';
const OTHER_DAY = HOUR >= 11 && HOUR < 23 ? 'Pacific/Kiritimati' : 'Pacific/Pago_Pago';

let place: Installation;
let groq: ModelServer;
let ollama: ModelServer;

const config = (timezone: string) => `timezone: ${timezone}
models:
  chain:
    - { name: groq, url: "${groq.url}", key: SPEND_TEST_KEY, models: [${groq.models[0]}] }
    - { name: ollama, url: "${ollama.url}", kind: ollama, models: ["${ollama.models[0]}"], free: true }
  prices: [{ model: ${groq.models[0]}, rung: groq, input: ${PRICE}, output: ${PRICE}, asOf: 2026-11-27 }]
  budget: { money: 1000 }
  drills: { fallback: false, diagnosis: false }
`;

beforeAll(async () => {
  [groq, ollama] = await Promise.all([groqServer(), ollamaServer()]);
  place = installation({
    'config/daruma.yaml': config(ZONE),
    '.env': 'SPEND_TEST_KEY=gsk-of-this-test\n',
    'plugins/counted.ts': plugin(ASKS, `needs: { llm: { calls: 3 } }, ${INPUT} ${ONCE}`),
    'plugins/rich.ts': plugin(ASKS, `needs: { llm: { money: 0.3 } }, ${INPUT} ${ONCE}`),
    'plugins/other.ts': plugin(ASKS, `needs: { llm: true }, ${INPUT} ${ONCE}`),
  });
  await place.start();
});
afterAll(async () => {
  await place?.leave();
  await Promise.all([groq?.stop(), ollama?.stop()]);
});

const run = async (agent: string, times: number, ...more: string[]) =>
  (await place.daruma('run', agent, '--input', JSON.stringify({ times }), '--json', ...more)).json;
const agentOf = async (name: string) => (await place.daruma('status', name, '--json')).json.agents[0];
const tokensOf = ({ promptTokens, completionTokens }: { promptTokens: number; completionTokens: number }) =>
  promptTokens + completionTokens;
const billed = () => tokensOf(groq.totals) + tokensOf(ollama.totals);

/** The bills of all agents today, or of one, as `daruma report` has them. */
async function today(agent?: string): Promise<{ calls: number; tokens: number; money: number }> {
  const { bills } = (await place.daruma('report', '--json')).json;
  const lines = (bills.agents as BillView[])
    .filter((bill) => (agent ?? bill.agent) === bill.agent)
    .map((bill) => bill.today);
  return {
    calls: lines.reduce((sum, { calls }) => sum + calls, 0),
    tokens: lines.reduce((sum, line) => sum + tokensOf(line), 0),
    money: Math.round(lines.reduce((sum, { money }) => sum + money, 0) * 1e6) / 1e6,
  };
}

it('an agent whose calls are spent waits for the next day and loses no attempt; other agents go on', async () => {
  expect(await run('counted', 3, '--wait')).toMatchObject({ state: 'done', result: ['groq', 'groq', 'groq'] });
  const { id } = await run('counted', 1);
  const waiting = await place.until(
    async () => (await place.daruma('jobs', id, '--json')).json,
    ({ state }) => state === 'retrying',
  );
  expect(waiting).toMatchObject({
    error: { code: 'BUDGET_SPENT', data: { which: 'calls', whose: 'agent', spent: 3 } },
  });
  expect(waiting.attempt).toBe(1);
  expect(Date.parse(waiting.runAt)).toBeGreaterThanOrEqual(zonedDay(Date.now(), ZONE).end);
  expect(await run('other', 1, '--wait')).toMatchObject({ state: 'done', result: ['groq'] });
  const { spend, bill } = await agentOf('counted');
  expect(spend).toMatchObject({ calls: 3 });
  expect(bill.today.money).toBeCloseTo((spend.tokens * PRICE) / 1e6, 6);
});

it('a free rung goes on after money is spent, and nothing is counted twice or forgotten', async () => {
  const { result } = await run('rich', 20, '--wait');
  const paid = (result as string[]).indexOf('ollama');
  expect(result).toEqual([...Array(paid).fill('groq'), ...Array(20 - paid).fill('ollama')]);
  expect(paid).toBeGreaterThan(1);
  expect((await agentOf('rich')).spend.money).toBeLessThanOrEqual(0.3);
  groq.next('503');
  await run('other', 2, '--wait');
  await place.until(today, ({ tokens }) => tokens === billed());
  const { calls, money } = await today();
  expect(calls).toBe(groq.totals.answered + ollama.totals.answered);
  expect(money).toBeCloseTo((tokensOf(groq.totals) * PRICE) / 1e6, 6);
});

it('a kill of the gateway in the middle of calls loses nothing: what may have been billed is spent', async () => {
  const before = await today();
  const answered = billed();
  groq.always({ does: 'hang' });
  const asked = groq.totals.chats + 1;
  await run('other', 1);
  await groq.whenAsked(asked);
  const [gateway] = processesOf(place.folder).filter((text) => text.includes('models/inside/process'));
  process.kill(Number.parseInt(gateway!, 10), 'SIGKILL');
  groq.always(null);
  const after = await place.until(today, ({ calls }) => calls === before.calls + 2);
  // The call that was out counts as it was reserved: its prompt, and the most of its answer. The job has asked again.
  const lost = after.tokens - before.tokens - (billed() - answered);
  expect(lost).toBeGreaterThanOrEqual(100);
  expect(lost).toBeLessThan(200);
});

it('a kill of the host in the middle of calls forgets nothing, and takes at most a block for spent', async () => {
  const other = () => today('other');
  const before = await other();
  const answered = billed();
  groq.always({ does: 'hang' });
  const asked = groq.totals.chats + 1;
  await run('other', 1);
  await groq.whenAsked(asked);
  const host = place.host()!.pid;
  process.kill(host, 'SIGKILL');
  groq.always(null);
  await place.until(
    async () => place.host()?.pid,
    (pid) => pid !== undefined && pid !== host,
  );
  const done = (tokens: number) => billed() > answered && tokens - before.tokens >= billed() - answered;
  const after = await place.until(other, ({ tokens }) => done(tokens));
  const lost = after.tokens - before.tokens - (billed() - answered);
  expect(lost).toBeGreaterThanOrEqual(100);
  // A block is 16 calls like the largest, which reserved less than 300 tokens on two rungs together.
  expect(lost).toBeLessThanOrEqual(17 * 300);
});

it('on another day of the zone of the host every budget is whole again, and the bill of the month is kept', async () => {
  const month = (await agentOf('rich')).bill.month;
  await place.stop();
  place.write('config/daruma.yaml', config(OTHER_DAY));
  await place.start();
  expect(await run('counted', 3, '--wait')).toMatchObject({ state: 'done', result: ['groq', 'groq', 'groq'] });
  const { spend, bill } = await agentOf('rich');
  expect(spend).toEqual({ calls: 0, tokens: 0, money: 0 });
  const isSameMonth = bill.month.calls > 0;
  if (isSameMonth) expect(bill.month.money).toBe(month.money);
});
