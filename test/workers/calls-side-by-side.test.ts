import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Assignment } from '../../src/jobs/model.ts';
import { startPostgres, type TestPostgres } from '../postgres.ts';
import { createWorld, runs, type World } from './world.ts';

let world: World;
let server: Server;
let postgres: TestPostgres;
let url: string;
/** Paths that were asked for, and those whose client went away. */
let asked: string[];
let left: string[];
/** Answers of commands that the test gives, by job. */
const commands = new Map<string, (result: unknown) => void>();

/** Questions to the model gateway: what was asked, and with which key. */
const questions: { content: string; key: string; isLeft: boolean }[] = [];

async function answerAsModel(request: IncomingMessage, response: ServerResponse) {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const { content } = (JSON.parse(text) as { messages: { content: string }[] }).messages[0]!;
  const question = { content, key: request.headers.authorization!, isLeft: false };
  questions.push(question);
  response.on('close', () => (question.isLeft = !response.writableFinished));
  const spent = { code: 'BUDGET_SPENT', message: 'the budget of today is spent' };
  if (content === 'spent') response.writeHead(429).end(JSON.stringify({ error: spent }));
  if (content === 'good') {
    const choices = [{ message: { content: 'an answer' }, finish_reason: 'stop' }];
    response.end(JSON.stringify({ choices, usage: { prompt_tokens: 7, completion_tokens: 3, money: 0.001 } }));
  }
}

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url!.startsWith('/v1')) return answerAsModel(request, response);
    asked.push(request.url!);
    response.on('close', () => response.writableFinished || left.push(request.url!));
    if (request.url!.startsWith('/good')) response.end(request.url);
    if (request.url!.startsWith('/body')) response.write('begun ');
    if (request.url!.startsWith('/fails')) response.writeHead(500).end();
  });
  const listening = new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  [postgres, world] = await Promise.all([
    startPostgres({ max_connections: 20 }),
    createWorld({
      models: () => ({ baseURL: `${url}/v1`, key: 'k'.repeat(32), model: 'auto', close() {} }),
      async answer(call) {
        if (call.ask === 'admit')
          return { is: 'go', origin: call.origin, pass: 7, credentials: true, attempts: 1, timeoutMs: 60_000 };
        if (call.ask === 'fetched') return null;
        if (call.ask === 'beginEffect') return { is: 'new' };
        if (call.ask === 'getState') return JSON.stringify(`state of ${call.job}`);
        if (call.ask === 'exec') return new Promise((resolve) => commands.set(call.job, resolve));
        if (call.ask === 'stopExec')
          commands.get(call.job)?.({ code: null, signal: 'SIGTERM', stdout: '', stderr: '' });
        return undefined;
      },
    }),
  ]);
  await listening;
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await world.close();
  await postgres.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  asked = [];
  left = [];
  world.calls.length = 0;
  world.lines.length = 0;
});

async function side(agent: string, inputs: unknown[]): Promise<Assignment[]> {
  const given = world.dispatch(agent, inputs);
  await world.begun(agent, inputs.length);
  return given;
}
const CANCELLED = { code: 'CANCELLED', message: 'enough' };

test('a fetch is its job’s: the timeout, the abort, what the breaker hears and what the log says', async () => {
  await world.agent(
    'calls',
    runs(`log.info('begun');
      try {
        const response = await context.fetch('${url}/' + job.input, job.input === 'slow' ? { timeout: '50ms' } : {});
        const text = await response.text();
        console.log('read ' + text);
        return text;
      } catch (error) { console.error('failed ' + job.input); throw error; }`),
    { concurrency: 8, needs: { net: ['127.0.0.1'] }, limits: { graceMs: 5_000 } },
  );
  const names = ['good', 'slow', 'hangs', 'body', 'fails'];
  const given = await side('calls', names);
  const jobOf = (name: string) => given[names.indexOf(name)]!;
  await world.until('all to be asked', () => asked.length === 5);
  expect(await world.outcomeOf(jobOf('good'))).toMatchObject({ is: 'done', result: '"/good"' });
  expect(await world.outcomeOf(jobOf('slow'))).toMatchObject({ fault: { code: 'FETCH_TIMEOUT' } });
  expect(await world.outcomeOf(jobOf('fails'))).toMatchObject({ is: 'done', result: '""' });
  await world.until('its connection to go', () => left.includes('/slow'));
  // The others go on as they were: no abort of one is that of another.
  expect(left).toEqual(['/slow']);
  world.workers.abort(jobOf('hangs'), CANCELLED);
  expect(await world.outcomeOf(jobOf('hangs'))).toMatchObject({ fault: { code: 'CANCELLED' } });
  await world.until('its connection to go', () => left.includes('/hangs'));
  expect(left).toEqual(['/slow', '/hangs']);
  world.workers.abort(jobOf('body'), CANCELLED);
  expect(await world.outcomeOf(jobOf('body'))).toMatchObject({ fault: { code: 'CANCELLED' } });
  const ends = world.calls.flatMap((call) => (call.ask === 'fetched' ? [[call.job, call.end.is]] : []));
  expect(ends.toSorted()).toEqual(
    [
      [jobOf('good').job, 'good'],
      [jobOf('slow').job, 'bad'],
      [jobOf('hangs').job, 'gone'],
      [jobOf('body').job, 'good'],
      [jobOf('fails').job, 'bad'],
    ].toSorted(),
  );
  for (const name of names) {
    const said = await world.until(`a line of ${name}`, () =>
      world.lines.find(({ job, message }) => job === jobOf(name).job && message !== 'begun'),
    );
    expect(said.message).toBe({ good: 'read /good', fails: 'read ' }[name] ?? `failed ${name}`);
  }
});

test('effects, state, commands and their stops are asked for as the job that wants them, wherever it asks', async () => {
  await world.agent(
    'asks',
    runs(`log.info('begun');
      const later = (work) => new Promise((done, no) => setTimeout(() => work().then(done, no), 3));
      const mine = await later(() => state.get('mine'));
      await later(() => state.set('seen', job.input));
      const one = await later(() => once('key', async () => { await null; return job.input; }));
      const { stdout } = await later(() => context.exec('ls'));
      return [mine, one, stdout];`),
    { concurrency: 4, needs: { exec: ['ls'] }, limits: { graceMs: 5_000 } },
  );
  const given = await side('asks', ['a', 'b', 'c']);
  const [a, b, c] = given as [Assignment, Assignment, Assignment];
  await world.until('all commands', () => given.every(({ job }) => commands.has(job)));
  world.workers.abort(b, CANCELLED);
  expect(await world.outcomeOf(b)).toMatchObject({ fault: { code: 'CANCELLED' } });
  for (const { job } of [c, a]) commands.get(job)!({ code: 0, stdout: `out of ${job}`, stderr: '' });
  for (const [ref, name] of [
    [a, 'a'],
    [c, 'c'],
  ] as const) {
    const outcome = await world.outcomeOf(ref);
    expect(outcome).toMatchObject({ is: 'done' });
    expect(JSON.parse((outcome as { result: string }).result)).toEqual([
      `state of ${ref.job}`,
      name,
      `out of ${ref.job}`,
    ]);
  }
  const of = (ask: string) => world.calls.filter((call) => call.ask === ask).map(({ job }) => job);
  for (const ask of ['getState', 'setState', 'beginEffect', 'endEffect', 'exec'])
    expect(of(ask).toSorted(), ask).toEqual(given.map(({ job }) => job).toSorted());
  expect(of('stopExec')).toEqual([b.job]);
});

test('a question to a model is asked with the key of its job, which alone is refused, and alone gives up', async () => {
  await world.agent(
    'thinks',
    runs(`log.info('begun'); await new Promise((done) => setTimeout(done, 3));
      return (await llm.chat(job.input)).text;`),
    { concurrency: 3, needs: { llm: true }, limits: { graceMs: 5_000 } },
  );
  const names = ['good', 'spent', 'waits'];
  const given = await side('thinks', names);
  const [good, spent, waits] = given as [Assignment, Assignment, Assignment];
  expect(await world.outcomeOf(good)).toMatchObject({ is: 'done', result: '"an answer"' });
  expect(await world.outcomeOf(spent)).toMatchObject({ fault: { code: 'BUDGET_SPENT' } });
  const waiting = await world.until('the last question', () => questions.find(({ content }) => content === 'waits'));
  expect(waiting.isLeft).toBe(false);
  world.workers.abort(waits, CANCELLED);
  expect(await world.outcomeOf(waits)).toMatchObject({ fault: { code: 'CANCELLED' } });
  await world.until('its connection to go', () => waiting.isLeft);
  // The gateway books what a call costs on the job that its key names.
  for (const [at, { job }] of given.entries())
    expect(questions.filter(({ content }) => content === names[at]).map(({ key }) => key)).toEqual([
      `Bearer dk-${'k'.repeat(32)}.${job}.1`,
    ]);
});

test('a connection goes with the job that has it, and those of the jobs beside it stay', async () => {
  await world.agent(
    'rows',
    `import { pool } from 'daruma/pg';\n${runs(`const db = pool('${postgres.url}', { max: 3 });
      const client = await db.connect();
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
      log.info('begun', rows[0]);
      if (job.input === 'leaves') return rows[0].pid;
      if (job.input === 'stopped') { await client.query('SELECT pg_sleep(60)'); }
      while (!globalThis.enough) { beat(); await new Promise((done) => setTimeout(done, 5)); globalThis.enough = (await client.query("SELECT to_regclass('enough') AS found")).rows[0].found !== null; }
      const name = (await client.query("SELECT current_setting('application_name') AS name")).rows[0].name;
      client.release();
      return name;`)}`,
    { concurrency: 3, needs: { net: ['127.0.0.1'] }, limits: { graceMs: 5_000, timeoutMs: 60_000 } },
  );
  const given = await side('rows', ['leaves', 'stopped', 'stays']);
  const [leaves, stopped, stays] = given as [Assignment, Assignment, Assignment];
  expect(await world.outcomeOf(leaves)).toMatchObject({ is: 'done' });
  const isLeft = ({ data }: { data: string | null }) => data?.includes('PG_LEFT_OPEN');
  const warning = await world.until('word of the connection that was left', () => world.lines.find(isLeft));
  expect(warning.job).toBe(leaves.job);
  world.workers.abort(stopped, CANCELLED);
  expect(await world.outcomeOf(stopped)).toMatchObject({ fault: { code: 'CANCELLED' } });
  // Its place is free, and the server was not told of the others.
  const names = async () =>
    (await postgres.ask(
      "SELECT application_name AS name FROM pg_stat_activity WHERE application_name LIKE 'daruma rows%'",
    )) as unknown;
  await expect.poll(async () => JSON.stringify(await names())).toContain(stays.job);
  await postgres.ask('CREATE TABLE enough ()');
  expect(await world.outcomeOf(stays)).toMatchObject({ is: 'done', result: `"daruma rows ${stays.job}"` });
  expect(world.lines.filter(({ job, level }) => job === stays.job && level !== 'info')).toEqual([]);
});
