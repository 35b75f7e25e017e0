import { readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelServer } from '../gateway/models/servers/model-server.ts';
import { cerebrasServer, groqServer } from '../gateway/models/servers/openai-shape.ts';
import { type Installation, installation, plugin } from './installation.ts';

/** Plugins that ask models as authors do, in a real host, with a real gateway, of servers of the providers' shapes. */

const example = (name: string) => readFileSync(new URL(`../plugins/examples/${name}.ts`, import.meta.url), 'utf8');
const LLM = 'needs: { llm: true }, limits: { attempts: 2, backoff: { first: "50ms", longest: "50ms" } },';

const SDK = `import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, Output, streamText, tool } from 'ai';
import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Asks in each way that the AI SDK has.',
  needs: { llm: true },
  async run({ llm, signal }) {
    const models = createOpenAICompatible({ name: 'daruma', baseURL: llm.baseURL, apiKey: llm.apiKey, supportsStructuredOutputs: true, includeUsage: true });
    const ask = { model: models(llm.model), maxRetries: 0, abortSignal: signal };
    const plain = await generateText({ ...ask, prompt: 'Say something.' });
    let streamed = '';
    const stream = streamText({ ...ask, prompt: 'Say something.' });
    for await (const part of stream.textStream) streamed += part;
    const object = await generateText({ ...ask, prompt: 'A town.', output: Output.object({ schema: z.strictObject({ town: z.string() }) }) });
    const weather = tool({ inputSchema: z.strictObject({ town: z.string() }), execute: async () => 'rain' });
    const called = await generateText({ ...ask, prompt: 'Rain?', tools: { weather } });
    return {
      text: plain.text, tokens: plain.usage.totalTokens, streamed, usage: (await stream.usage).outputTokens,
      object: object.output, tools: called.toolResults.map(({ toolName, output }) => [toolName, output]),
    };
  },
});
`;

const PLUGINS: Record<string, string> = {
  'ask-openai': example('ask-openai'),
  'ask-ai-sdk': SDK,
  own: plugin(
    `const { llm, job } = context;
     const schema = z.strictObject({ town: z.string(), people: z.number() });
     const tools = [{ name: 'weather', input: z.strictObject({ town: z.string() }) }];
     const { object, rung } = await llm.chat('A town?', { schema });
     const { toolCalls } = await llm.chat('Rain?', { tools });
     const { text, usage } = await llm.chat('Say something.', { model: 'cerebras' });
     return { object, rung, toolCalls: toolCalls.map(({ name }) => name), text, tokens: usage.completionTokens > 0 };`,
    LLM,
  ),
  keys: plugin(
    `const { llm } = context;
     const ask = async (key) => {
       const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'x' }] });
       const answer = await fetch(llm.baseURL + '/chat/completions', { method: 'POST', headers: { authorization: 'Bearer ' + key }, body });
       return [answer.status, (await answer.json()).error?.code ?? null];
     };
     const [worker, job, attempt] = llm.apiKey.split('.');
     const forged = [worker + '.' + job + '.99', worker + '.' + job.slice(0, -1) + 'x.' + attempt, worker, 'dk-' + 'a'.repeat(32) + '.' + job + '.' + attempt];
     const said = [];
     for (const key of [llm.apiKey, ...forged]) said.push(await ask(key));
     return { said, key: llm.apiKey, url: llm.baseURL };`,
    LLM,
  ),
  guess: plugin(
    `const answer = await fetch(context.job.input.url + '/models', { headers: { authorization: 'Bearer ' + context.job.input.key } });
     return answer.status;`,
    "needs: { net: ['*'] },",
  ),
  blind: plugin(
    `return fetch(context.job.input.url + '/models').then((answer) => answer.status);`,
    'limits: { attempts: 1 },',
  ),
  waits: plugin(`return (await context.llm.chat('Anybody?', { timeout: '20s' })).rung;`, LLM),
  thrifty: plugin(`return (await context.llm.chat('Once.')).text;`, LLM.replace('true', '{ calls: 1 }')),
  embeds: plugin(
    `const { llm } = context;
     const said = [];
     for (let at = 0; at < 4; at++) {
       const body = JSON.stringify({ model: 'auto', input: ['one text', 'and another'] });
       const headers = { authorization: 'Bearer ' + llm.apiKey, 'content-type': 'application/json' };
       const answer = await fetch(llm.baseURL + '/embeddings', { method: 'POST', headers, body });
       const { data, error } = await answer.json();
       said.push([answer.status, answer.headers.get('x-daruma-rung'), error?.code ?? data.length]);
     }
     return said;`,
    LLM.replace('true', '{ calls: 3 }'),
  ),
  unsaid: plugin(`return context.llm.chat('x').catch(() => null);`),
  leaves: plugin(
    `context.llm.chat('Never mind.').catch(() => {});
     await fetch(context.job.input.url);
     return 'gone';`,
    "needs: { llm: true, net: ['127.0.0.1'] },",
  ),
};

interface Incident {
  agent: string | null;
  state: string;
  evidence?: { fault?: { data?: { origin?: string } } };
}

let place: Installation;
let groq: ModelServer;
let cerebras: ModelServer;

beforeAll(async () => {
  [groq, cerebras] = await Promise.all([groqServer(), cerebrasServer()]);
  for (const { models } of [groq, cerebras]) models.push('text-embedding-1');
  const rung = ({ provider, url, models }: ModelServer) =>
    `    - { name: ${provider}, url: "${url}", models: [${models[0]}], embeddings: [${models.at(-1)}], key: TEST_KEY, free: true, timeout: 20s, idle: 20s }\n`;
  place = installation({
    'config/daruma.yaml': `origins: { "*": { pause: { first: 200ms, longest: 400ms } } }\nmodels:\n  chain:\n${rung(groq)}${rung(cerebras)}  drills: { fallback: false, diagnosis: false }\n`,
    '.env': 'TEST_KEY=canary-key-of-a-provider\n',
    ...Object.fromEntries(Object.entries(PLUGINS).map(([name, text]) => [`plugins/${name}.ts`, text])),
  });
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(place.folder, 'node_modules'));
  await place.start();
});
afterAll(async () => {
  await place?.leave();
  await Promise.all([groq?.stop(), cerebras?.stop()]);
});

async function run(agent: string, input: object = {}) {
  const args = Object.entries(input).flatMap(([key, value]) => ['--with', `${key}=${value}`]);
  await place.until(
    async () => (await place.daruma('agents', '--json')).json,
    (agents: { name: string }[]) => agents.some(({ name }) => name === agent),
  );
  return (await place.daruma('run', agent, '--wait', ...args, '--json')).json;
}
const jobOf = async (id: string) => (await place.daruma('jobs', id, '--json')).json;

it('context.llm asks the chain: an object, a tool, one rung alone', async () => {
  groq.next('503');
  expect(await run('own')).toMatchObject({
    state: 'done',
    result: {
      object: { town: expect.any(String), people: expect.any(Number) },
      rung: 'cerebras',
      toolCalls: ['weather'],
      text: 'A good answer in a few words.',
      tokens: true,
    },
  });
});

it('the client of OpenAI streams, and the AI SDK asks in each of its ways', async () => {
  const asked = { question: 'How are you?' };
  expect(await run('ask-openai', asked)).toMatchObject({ result: { text: 'A good answer in a few words.' } });
  expect(await run('ask-ai-sdk')).toMatchObject({
    result: {
      text: 'A good answer in a few words.',
      streamed: 'A good answer in a few words.',
      tokens: expect.any(Number),
      usage: expect.any(Number),
      object: { town: expect.any(String) },
      tools: [['weather', 'rain']],
    },
  });
});

it('a key is of one attempt of one worker: no other suffix, no other worker, nothing after its end, and no agent without needs.llm', async () => {
  const { result } = await run('keys');
  const { said, key, url } = result as { said: [number, string | null][]; key: string; url: string };
  expect(said[0]).toEqual([200, null]);
  for (const [status] of said.slice(1)) expect(status).toBe(401);
  expect(await run('guess', { url, key: 'dk-guess.j.1' })).toMatchObject({ result: 401 });
  expect(await run('guess', { url, key })).toMatchObject({ state: 'done', result: 200 });
  expect(await run('blind', { url })).toMatchObject({ state: 'dead', error: { code: 'NOT_IN_NEEDS' } });
  await place.daruma('restart', 'keys', '--json');
  const worker = async () => (await run('guess', { url, key })).result as number;
  expect(await place.until(worker, (status) => status === 401)).toBe(401);
});

it('a job that ends closes what it still asks, at the provider too', async () => {
  groq.next('hang');
  const asked = groq.whenAsked(groq.totals.chats + 1);
  // The job ends when the provider has its call.
  const gate = createServer((_request, response) => void asked.then(() => response.end()));
  await new Promise<void>((listening) => gate.listen(0, '127.0.0.1', listening));
  const job = await run('leaves', { url: `http://127.0.0.1:${(gate.address() as AddressInfo).port}/` });
  expect(job).toMatchObject({ state: 'done', result: 'gone' });
  const call = await asked;
  const closed = await call.closed;
  expect(closed.by).toBe('client');
  // Not by the rung's own timeout.
  expect(closed.at - call.at).toBeLessThan(15_000);
  gate.closeAllConnections();
  await new Promise((end) => gate.close(end));
});

it('a rehearsal and learning ask no model', async () => {
  const before = groq.totals.chats + cerebras.totals.chats;
  const rehearsed = (await place.daruma('rehearse', 'own', '--last', '1', '--json')).json;
  expect(rehearsed.jobs[0].new).toMatchObject({
    ...{ error: { code: 'REHEARSAL_REFUSED' }, refused: 1 },
    effects: [{ kind: 'llm', what: 'auto: A town?', is: 'refused' }],
  });
  const learned = (await place.daruma('learn', 'unsaid', '--yes', '--json')).json;
  expect(learned).toMatchObject({ needs: { llm: true }, added: [{ need: 'llm', what: 'llm', refused: true }] });
  expect(groq.totals.chats + cerebras.totals.chats).toBe(before);
});

it('a job whose budget is spent waits for the next day, and says so', async () => {
  expect(await run('thrifty')).toMatchObject({ state: 'done' });
  const { id } = (await place.daruma('run', 'thrifty', '--json')).json;
  const job = await place.until(
    () => jobOf(id),
    ({ state }) => state === 'retrying',
  );
  expect(job).toMatchObject({
    ...{ attempt: 1, attempts: 3, waitsFor: 'the budget of models of thrifty' },
    error: { code: 'BUDGET_SPENT', data: { which: 'calls', whose: 'agent' } },
  });
  const [hours] = [(Date.parse(job.runAt) - Date.now()) / 3_600_000];
  expect(hours).toBeLessThanOrEqual(25);
  const status = (await place.daruma('status', '--json')).json;
  expect(status.agents.find(({ name }: { name: string }) => name === 'thrifty')).toMatchObject({
    why: expect.stringContaining('waits for the budget of models of thrifty'),
  });
});

it('embeddings go through the chain, fall over, and stop at the budget of their agent', async () => {
  groq.nextEmbeddings(null, '500');
  expect(await run('embeds')).toMatchObject({
    ...{ state: 'done' },
    result: [
      [200, 'groq', 2],
      [200, 'cerebras', 2],
      [200, 'groq', 2],
      [402, null, 'BUDGET_SPENT'],
    ],
  });
  // What a call cost is in the bill as soon as it is written down.
  const bill = await place.until(
    async () => (await place.daruma('status', 'embeds', '--json')).json.agents[0].bill,
    ({ today }: { today: { calls: number; promptTokens: number } }) => today.calls === 3,
  );
  expect(bill.today).toMatchObject({ calls: 3, failedTries: 1, completionTokens: 0 });
  expect(bill.today.promptTokens).toBeGreaterThan(0);
});

it('jobs wait while no rung answers, lose no attempt, and one incident tells of the chain', async () => {
  groq.always('503');
  cerebras.always('503');
  const ids: string[] = [];
  for (let n = 0; n < 2; n++) ids.push((await place.daruma('run', 'waits', '--json')).json.id);
  const waiting = await place.until(
    () => Promise.all(ids.map(jobOf)),
    (jobs) => jobs.every(({ state }) => state === 'retrying'),
  );
  const waits = { attempt: 1, attempts: 3, waitsFor: 'the chain of models', error: { code: 'MODELS_DOWN' } };
  expect(waiting).toMatchObject([waits, waits]);
  const ofChain = async () =>
    (await place.daruma('incidents', '--json')).json.filter(
      ({ evidence }: Incident) => evidence?.fault?.data?.origin === 'the chain of models',
    );
  const open = await place.until(ofChain, (list: Incident[]) => list.length > 0);
  expect(open).toMatchObject([{ verdict: 'failing-over', agent: null, state: 'open' }]);
  expect((await place.daruma('incidents', '--json')).json.filter(({ agent }: Incident) => agent === 'waits')).toEqual(
    [],
  );
  groq.always(null);
  cerebras.always(null);
  // The next call is the probe, whoever makes it.
  await place.until(
    () => run('own'),
    ({ state }) => state === 'done',
  );
  expect(await place.until(ofChain, ([one]: Incident[]) => one!.state === 'healed')).toHaveLength(1);
});
