import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { MODELS_NOT_THERE } from '../../src/workers/worker-models.ts';
import type { AgentChange } from './world.ts';
import { createWorld, runs, type World } from './world.ts';

interface Asked {
  url: string;
  headers: IncomingMessage['headers'];
  body: {
    model: string;
    messages: { role: string; content: string }[];
    max_tokens: number;
    tools?: unknown[];
    response_format?: { json_schema: { schema: unknown } };
    reasoning_effort?: string;
  };
}
type Reply = (response: ServerResponse, asked: Asked) => void;

let server: Server;
let world: World;
let asked: Asked[] = [];
let replies: Reply[] = [];
let opened = 0;
const closed: string[] = [];
let left = Promise.withResolvers<void>();

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const one = { url: request.url!, headers: request.headers, body: text === '' ? null : JSON.parse(text) } as Asked;
    asked.push(one);
    response.once('close', () => left.resolve());
    (replies.shift() ?? says('ok'))(response, one);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  world = await createWorld({
    models(worker, { name }) {
      opened += 1;
      if (name === 'unlucky') throw new Fault({ code: MODELS_NOT_THERE, message: 'no gateway' });
      return {
        baseURL: `http://127.0.0.1:${port}/v1`,
        key: 'a'.repeat(32),
        model: 'auto',
        close: () => void closed.push(worker),
      };
    },
  });
});
afterAll(async () => {
  await world.close();
  await new Promise((end) => {
    server.close(end);
    server.closeAllConnections();
  });
});

/** An answer with this content. */
function says(content: string | null, more: object = {}): Reply {
  return (response) => {
    const headers = { 'x-daruma-rung': 'groq', 'x-daruma-model': 'gpt', 'x-daruma-call': `call-${asked.length}` };
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    const usage = { prompt_tokens: 7, completion_tokens: 3, money: 0.001 };
    response.end(JSON.stringify({ choices: [{ message: { content, ...more }, finish_reason: 'stop' }], usage }));
  };
}

function refuses(status: number, error: object): Reply {
  return (response) => void response.writeHead(status).end(JSON.stringify({ error }));
}

let count = 0;
async function run(body: string, answers: Reply[] = [], change: AgentChange = { needs: { llm: true } }) {
  asked = [];
  replies = answers;
  left = Promise.withResolvers();
  const name = `asks-${++count}`;
  await world.agent(name, runs(body), change);
  return world.run(name);
}
const resultOf = (outcome: Awaited<ReturnType<World['run']>>) =>
  outcome.is === 'done' ? (JSON.parse(outcome.result!) as unknown) : outcome.fault;

test('a text is asked with the key of the attempt, and the answer has its rung, its model and its price', async () => {
  const outcome = await run(`return llm.chat('Hello?');`, [says('Hello.')]);
  expect(resultOf(outcome)).toEqual({
    text: 'Hello.',
    toolCalls: [],
    usage: { promptTokens: 7, completionTokens: 3, money: 0.001 },
    model: 'gpt',
    rung: 'groq',
  });
  expect(asked).toMatchObject([
    {
      url: '/v1/chat/completions',
      body: { model: 'auto', messages: [{ role: 'user', content: 'Hello?' }], max_tokens: 1_000 },
    },
  ]);
  expect(asked[0]!.headers.authorization).toBe(`Bearer dk-${'a'.repeat(32)}.${outcome.job}.1`);
});

test('a schema goes out as JSON Schema, and the object is what zod makes of the answer', async () => {
  const body = `
    const schema = z.strictObject({ urgent: z.boolean().describe('Whether it burns.'), at: z.iso.date().transform((day) => day + '!') });
    const { object } = await llm.chat([{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'A mail' }], { schema, effort: 'low', maxTokens: 50 });
    return object;`;
  const outcome = await run(body, [says('{"urgent":true,"at":"2026-11-27"}')]);
  expect(resultOf(outcome)).toEqual({ urgent: true, at: '2026-11-27!' });
  expect(asked[0]!.body).toMatchObject({ max_tokens: 50, reasoning_effort: 'low' });
  expect(asked[0]!.body.response_format!.json_schema.schema).toMatchObject({
    type: 'object',
    properties: { urgent: { type: 'boolean', description: 'Whether it burns.' }, at: { type: 'string' } },
    required: ['urgent', 'at'],
    additionalProperties: false,
  });
});

test('a schema that is no object is asked for within one', async () => {
  const body = `return (await llm.chat('A mail', { schema: z.enum(['now', 'later']) })).object;`;
  expect(resultOf(await run(body, [says('{"answer":"later"}')]))).toBe('later');
  expect(asked[0]!.body.response_format!.json_schema.schema).toMatchObject({
    properties: { answer: { enum: ['now', 'later'] } },
  });
});

test('an answer that does not fit is asked for once more, behind the rung that gave it', async () => {
  const body = `return (await llm.chat('A mail', { schema: z.strictObject({ n: z.number() }) })).object;`;
  expect(resultOf(await run(body, [says('Certainly! {'), says('{"n":1}')]))).toEqual({ n: 1 });
  expect(asked.map(({ headers }) => headers['x-daruma-after'])).toEqual([undefined, 'call-1']);
  expect(resultOf(await run(body, [says('{"n":"x"}'), says('{}')]))).toMatchObject({
    code: 'ANSWER_UNUSABLE',
    message: expect.stringContaining('the answer does not fit the schema: n: '),
    data: { rung: 'groq', model: 'gpt' },
    file: expect.stringContaining('plugins/asks-'),
  });
  expect(asked).toHaveLength(2);
});

test('tools are offered with the schema of their input, and asked for with it', async () => {
  const tools = `[{ name: 'weather', description: 'Of a town.', input: z.strictObject({ town: z.string().toUpperCase() }) }]`;
  const call = (text: string) =>
    says(null, { tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: text } }] });
  const outcome = await run(`return llm.chat('Rain in Kiel?', { tools: ${tools} });`, [
    call('{"town":3}'),
    call('{"town":"Kiel"}'),
  ]);
  expect(resultOf(outcome)).toMatchObject({
    text: '',
    toolCalls: [{ id: 'c1', name: 'weather', arguments: { town: 'KIEL' } }],
  });
  expect(asked[1]!.body.tools).toMatchObject([
    { type: 'function', function: { name: 'weather', parameters: { properties: { town: { type: 'string' } } } } },
  ]);
});

test('a refusal keeps its code and what it knows; the words of a provider are the fault of the caller', async () => {
  const until = Date.now() + 60_000;
  const spent = refuses(402, { message: 'spent', code: 'BUDGET_SPENT', next: 'wait', until, which: 'calls' });
  expect(await run(`return llm.chat('x');`, [spent])).toMatchObject({
    retry: true,
    fault: { code: 'BUDGET_SPENT', message: 'spent', next: 'wait', data: { until, which: 'calls' } },
  });
  const refused = refuses(400, { message: 'no such role', type: 'invalid_request_error', code: 'bad_role' });
  expect(await run(`return llm.chat('x');`, [refused])).toMatchObject({
    retry: false,
    fault: { code: 'MODEL_REFUSED', message: 'no such role', data: { status: 400, code: 'bad_role' } },
  });
  const gone: Reply = (response) => response.destroy();
  expect(await run(`return llm.chat('x');`, [gone])).toMatchObject({
    retry: true,
    fault: { code: 'MODELS_DOWN', data: { retryAt: expect.any(Number) } },
  });
});

test('the end of a job, its own signal and a timeout close the call', async () => {
  // A call that was given up before it left has nothing to close.
  const isClosed = () => (asked.length > 0 ? left.promise : undefined);
  const silent: Reply = () => {};
  expect(await run(`return llm.chat('x', { timeout: '200ms' });`, [silent])).toMatchObject({
    fault: { code: 'MODEL_TIMEOUT' },
  });
  await isClosed();
  const own = `const stop = AbortSignal.timeout(200); return llm.chat('x', { signal: stop });`;
  expect(await run(own, [silent])).toMatchObject({ fault: { message: expect.stringContaining('timeout') } });
  await isClosed();
  const limits = { timeoutMs: 400 };
  expect(await run(`return llm.chat('x');`, [silent], { needs: { llm: true }, limits })).toMatchObject({
    fault: { code: 'TIMEOUT' },
  });
  await isClosed();
});

test('fetch, of the context too, reaches the gateway, and no server counts it', async () => {
  const body = `
    const headers = { authorization: 'Bearer ' + llm.apiKey };
    const statuses = [];
    for (const ask of [fetch, context.fetch]) statuses.push((await ask(llm.baseURL + '/models', { headers })).status);
    return statuses;`;
  world.calls.length = 0;
  expect(resultOf(await run(body, []))).toEqual([200, 200]);
  expect(world.calls.filter(({ ask }) => ask === 'admit' || ask === 'fetched')).toEqual([]);
});

test('the gateway is the only place that it opens', async () => {
  const { port } = server.address() as AddressInfo;
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => other.once('listening', listening));
  const place = (other.address() as AddressInfo).port;
  try {
    const tries = `['http://127.0.0.1:${place}/', 'http://localhost:${port}/', 'http://[::1]:${port}/']`;
    const body = `
      const codes = [];
      for (const url of ${tries}) await fetch(url).catch((error) => codes.push(error.code ?? error.cause?.code));
      const net = await import('node:net');
      codes.push(await new Promise((end) => net.connect(${place}, '127.0.0.1').on('error', (error) => end(error.code)).on('connect', () => end('open'))));
      codes.push(await new Promise((end) => { try { net.createServer().listen(${port}, '127.0.0.1', () => end('listens')).on('error', (error) => end(error.code)); } catch (error) { end(error.code); } }));
      return codes;`;
    expect(resultOf(await run(body))).toEqual(Array(5).fill('NOT_IN_NEEDS'));
  } finally {
    await new Promise((end) => other.close(end));
  }
});

test('without needs.llm nothing of it is there, and its port cannot be guessed', async () => {
  const { port } = server.address() as AddressInfo;
  const denied = {
    is: 'failed',
    retry: false,
    fault: { code: 'NOT_IN_NEEDS', next: expect.stringContaining('llm: true') },
  };
  expect(await run(`return llm.chat('x');`, [], {})).toMatchObject(denied);
  expect(await run(`return llm.apiKey;`, [], {})).toMatchObject(denied);
  const guess = `return fetch('http://127.0.0.1:${port}/v1/models').then((answer) => answer.status);`;
  expect(await run(guess, [], {})).toMatchObject({ fault: { code: 'NOT_IN_NEEDS' } });
  expect(asked).toEqual([]);
});

test('options that cannot be meant are refused at the line of the plugin', async () => {
  const wrong = ['{ schemas: 1 }', '{ effort: "max" }', '{ maxTokens: 0 }', '{ schema: {} }', '{ timeout: 5 }'];
  const body = `const said = [];
    for (const options of [${wrong.join(', ')}, { schema: z.date() }, { tools: [{ name: 'a b' }] }])
      await llm.chat('x', options).catch((error) => said.push(error.code));
    await llm.chat([]).catch((error) => said.push(error.code));
    return said;`;
  expect(resultOf(await run(body))).toEqual(Array(8).fill('CALL_INVALID'));
  expect(asked).toEqual([]);
});

test('a key is of one worker and closed with it; without a gateway no worker starts, and no attempt is lost', async () => {
  const before = opened;
  await run(`return llm.model;`);
  expect(opened).toBe(before + 1);
  const worker = world.outcomes.at(-1)!.worker;
  world.remove(`asks-${count}`);
  await world.until('the key is closed', () => closed.includes(worker));
  await world.agent('unlucky', runs(`return 1;`), { needs: { llm: true } });
  const [job] = world.dispatch('unlucky');
  await world.until('it comes back', () => world.released.some((ref) => ref.job === job!.job));
});
