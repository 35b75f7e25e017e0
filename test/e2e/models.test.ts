import { readFileSync, symlinkSync } from 'node:fs';
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
    const models = createOpenAICompatible({ name: 'daruma', baseURL: llm.baseURL, apiKey: llm.apiKey, supportsStructuredOutputs: true });
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
  leaves: plugin(
    `context.llm.chat('Never mind.').catch(() => {});
     await fetch(context.job.input.url);
     return 'gone';`,
    "needs: { llm: true, net: ['127.0.0.1'] },",
  ),
};

let place: Installation;
let groq: ModelServer;
let cerebras: ModelServer;

beforeAll(async () => {
  [groq, cerebras] = await Promise.all([groqServer(), cerebrasServer()]);
  const rung = ({ provider, url, models }: ModelServer) =>
    `    - { name: ${provider}, url: "${url}", models: [${models[0]}], free: true, timeout: 2s, idle: 2s }\n`;
  place = installation({
    'config/daruma.yaml': `origins: { "*": { pause: { first: 200ms, longest: 400ms } } }\nmodels:\n  chain:\n${rung(groq)}${rung(cerebras)}  drills: { fallback: false, diagnosis: false }\n`,
    ...Object.fromEntries(Object.entries(PLUGINS).map(([name, text]) => [`plugins/${name}.ts`, text])),
  });
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(place.folder, 'node_modules'));
  await place.start();
}, 60_000);
afterAll(async () => {
  await place?.leave();
  await Promise.all([groq?.stop(), cerebras?.stop()]);
});

async function run(agent: string, input: object = {}) {
  const args = Object.keys(input).length > 0 ? ['--input', JSON.stringify(input)] : [];
  return (await place.daruma('run', agent, '--wait', ...args, '--json')).json;
}
const jobOf = async (id: string) => (await place.daruma('job', id, '--json')).json;

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
  const before = groq.totals.chats;
  const asked = groq.whenAsked(before + 1);
  const gate = await cerebrasServer();
  const job = run('leaves', { url: `${gate.url}/models` });
  expect(await job).toMatchObject({ state: 'done' });
  expect(await (await asked).closed).toMatchObject({ by: 'client' });
  await gate.stop();
});

it('jobs wait while no rung answers, lose no attempt, and one incident tells of the chain', async () => {
  groq.always('503');
  cerebras.always('503');
  const ids: string[] = [];
  for (let n = 0; n < 2; n++) ids.push((await place.daruma('run', 'waits', '--json')).json.id);
  const waiting = await place.until(
    () => Promise.all(ids.map(jobOf)),
    (jobs) => jobs.every(({ state, waitsFor }) => state === 'retrying' && waitsFor === 'the chain of models'),
  );
  expect(waiting.map(({ error }) => error.code)).toEqual(['MODELS_DOWN', 'MODELS_DOWN']);
  const incidents = async () => (await place.daruma('incidents', '--open', '--json')).json;
  const open = await place.until(incidents, (list) =>
    list.some(
      ({ evidence }: { evidence: { fault?: { data?: { origin?: string } } } }) =>
        evidence?.fault?.data?.origin === 'the chain of models',
    ),
  );
  const of = (
    list: { verdict: string; agent: string | null; id: string; evidence: { fault: { data: { origin: string } } } }[],
  ) => list.filter(({ evidence }) => evidence?.fault?.data?.origin === 'the chain of models');
  expect(of(open)).toMatchObject([{ verdict: 'failing-over', agent: null }]);
  expect(open.filter(({ agent }: { agent: string | null }) => agent === 'waits')).toEqual([]);
  groq.always(null);
  cerebras.always(null);
  const done = await place.until(
    () => Promise.all(ids.map(jobOf)),
    (jobs) => jobs.every(({ state }) => state === 'done'),
  );
  expect(done.map(({ attempts }) => attempts)).toEqual([2, 2]);
  await place.until(incidents, (list) => of(list).length === 0);
});

it('a rehearsal and learning ask no model', async () => {
  const before = groq.totals.chats + cerebras.totals.chats;
  const rehearsed = (await place.daruma('rehearse', 'waits', '--last', '1', '--json')).json;
  expect(rehearsed.jobs[0].new).toMatchObject({ error: { code: 'REHEARSAL_REFUSED' }, refused: 1 });
  expect(rehearsed.jobs[0].new.effects).toMatchObject([{ kind: 'llm', what: 'auto: Anybody?', is: 'refused' }]);
  expect(groq.totals.chats + cerebras.totals.chats).toBe(before);
});
