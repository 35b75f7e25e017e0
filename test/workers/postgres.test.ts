import { once } from 'node:events';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/jobs/model.ts';
import { GUARDED_USER, startPostgres, type TestPostgres } from '../postgres.ts';
import { createWorld, runs, type World } from './world.ts';

/** What jobs of one agent do, by the name that they are given. `db` is a pool of each of them, made with its options. */
const CASES: Record<string, { body: string; options?: string; url?: (server: TestPostgres) => string }> = {
  settings: {
    body: `const names = ['application_name', 'statement_timeout', 'idle_in_transaction_session_timeout', 'client_connection_check_interval', 'pg_backend_pid'];
      const { rows } = await db.query({ text: 'SELECT current_setting(name, true) FROM unnest($1::text[]) AS name', values: [names], rowMode: 'array' });
      return [...rows.flat().slice(0, 4), (await db.query('SELECT pg_backend_pid() AS pid')).rows[0].pid];`,
  },
  wrong: { body: `await db.query('SELECT nothing');` },
  slow: { body: `await db.query('SELECT pg_sleep(60)');`, options: "{ statementTimeout: '50ms' }" },
  aborted: { body: `log.info('begun'); await db.query('SELECT pg_sleep(60)');` },
  hasty: {
    body: `void db.query('SELECT pg_sleep(60)');
      const mine = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%' AND application_name = current_setting('application_name')";
      while ((await db.query(mine)).rowCount === 0);`,
  },
  listens: {
    body: `using client = await db.connect();
      const heard = new Promise((resolve) => client.on('notification', ({ payload }) => resolve(db.query('SELECT $1 AS heard', [payload]))));
      await client.query('LISTEN orders'); await client.query("NOTIFY orders, 'seven'");
      return (await heard).rows;`,
  },
  writes: {
    body: `const add = (client, text) => client.query('INSERT INTO notes VALUES ($1)', [text]);
      const codes = [];
      await db.transaction((client) => add(client, 'kept'));
      await db.transaction(async (client) => { await add(client, 'lost'); throw new Error('mine'); }).catch((error) => codes.push(error.message));
      await db.transaction(async (client) => { await add(client, 'lost'); await client.query('nonsense').catch(() => {}); }).catch((error) => codes.push(error.code));
      await db.query('SELECT 1');
      return [codes, db.totalCount, db.idleCount, db.waitingCount];`,
  },
  uses: {
    body: `let kept;
      { using client = await db.connect(); kept = client; await client.query('SELECT 1'); }
      const codes = [];
      await kept.query('SELECT 1').catch((error) => codes.push(error.code));
      try { kept.release(); } catch (error) { codes.push(error.code); }
      return [codes, db.idleCount];`,
  },
  midway: { body: `const client = await db.connect(); await client.query('BEGIN'); client.release();` },
  holds: {
    body: `const client = await db.connect(); await new Promise((done) => signal.addEventListener('abort', done)); client.release();`,
    options: "{ longestHold: '50ms' }",
  },
  greedy: {
    body: `await db.connect();
      await db.connect();
      await db.query('SELECT 1');`,
    options: "{ max: 2, checkoutTimeout: '1s' }",
  },
  leaks: { body: 'await db.connect();', options: '{ max: 2 }' },
  one: { body: `return (await db.query('SELECT 1 AS one')).rows;` },
  sleeps: { body: `await db.query('SELECT 1'); log.info('begun'); await db.query('SELECT pg_sleep(60)');` },
  guarded: {
    body: `return (await db.query('SELECT current_user AS me')).rows;`,
    options: `{ password: "pa'ss" }`,
    url: ({ url }) => url.replace('postgres@', `${GUARDED_USER}@`),
  },
  'wrong-password': {
    body: `await db.query('SELECT 1');`,
    options: `{ password: 'no' }`,
    url: ({ url }) => url.replace('postgres@', `${GUARDED_USER}@`),
  },
  'no-password': {
    body: `await db.query('SELECT 1');`,
    url: ({ url }) => url.replace('postgres@', `${GUARDED_USER}@`),
  },
  'no-database': { body: `await db.query('SELECT 1');`, url: ({ url }) => `${url}-of-nobody` },
  narrow: {
    body: `await db.query('SELECT 1');`,
    options: "{ checkoutTimeout: '1s' }",
    url: ({ url }) => url.replace('postgres@', 'narrow@'),
  },
  patient: {
    body: `log.info('begun'); await db.query('SELECT 1');`,
    url: ({ url }) => url.replace('postgres@', 'narrow@'),
  },
};

let server: TestPostgres;
let world: World;
/** The source of the agent `cases`, line by line. */
let source: string[];
beforeAll(async () => {
  [server, world] = await Promise.all([startPostgres({ max_connections: 40 }), createWorld()]);
  await server.ask(`CREATE ROLE ${GUARDED_USER} LOGIN PASSWORD 'pa''ss'; CREATE ROLE narrow LOGIN CONNECTION LIMIT 0;
    CREATE TABLE notes (text text)`);
  const cases = Object.entries(CASES).map(([name, { body, options = '{}', url }], at) => {
    // Each pool has its own options, so each has its own connection string.
    const own = `${url?.(server) ?? server.url}?options=-c%20work_mem%3D${4_000 + at}kB`;
    return `'${name}': async () => { const db = pool('${own}', ${options}); ${body} },`;
  });
  const whole = `import { pool } from 'daruma/pg';\n${runs(`const cases = {\n${cases.join('\n')}\n};\nreturn cases[job.input]();`)}`;
  source = whole.split('\n');
  await world.agent('cases', whole, {
    needs: { net: ['127.0.0.1'] },
    limits: { timeoutMs: 30_000, silenceMs: 30_000, graceMs: 3_000 },
  });
});
afterAll(async () => {
  await world.close();
  await server.close();
});
beforeEach(() => {
  world.lines.length = 0;
});

const give = (name: string) => world.dispatch('cases', [name])[0]!;
const run = (name: string) => world.run('cases', name);
/** The line of the source in which a case begins. */
const lineOf = (name: string) => source.findIndex((line) => line.startsWith(`'${name}': `)) + 1;

async function failureOf(name: string) {
  const outcome = await run(name);
  if (outcome.is !== 'failed') throw new Error(`${name} did not fail: ${outcome.result}`);
  return outcome;
}

function resultOf(outcome: Outcome): unknown {
  if (outcome.is !== 'done') throw new Error(JSON.stringify(outcome));
  return JSON.parse(outcome.result!);
}

/** Connections of pools at the server. */
const sessions = (name = '') =>
  server.ask<{ pid: number; state: string }>(
    `SELECT pid, state FROM pg_stat_activity WHERE application_name LIKE 'daruma ${name}%' ORDER BY state`,
  );

/** Waits until the sessions have these states. */
const untilStates = (name: string, states: string[]) =>
  expect
    .poll(async () => (await sessions(name)).map(({ state }) => state), { timeout: 10_000, interval: 20 })
    .toEqual(states);

/** The first warning: a fault with its place. */
async function warning() {
  const line = await world.until('a warning', () => world.lines.find(({ level }) => level === 'warn'));
  const { fault } = JSON.parse(line.data!) as { fault: { code: string; file: string; line: number } };
  return { ...line, fault };
}

const placeOf = (name: string) => ({ file: 'plugins/cases.ts', line: lineOf(name) });

describe('a query', () => {
  it('belongs to its job at the server, and may take no longer than the job', async () => {
    const ref = give('settings');
    const [name, statement, idle, check, pid] = resultOf(await world.outcomeOf(ref)) as string[];
    expect([name, check]).toEqual([`daruma cases ${ref.job}`, '1s']);
    for (const limit of [statement, idle]) {
      expect(limit).toMatch(/^\d+ms$/);
      expect(Number.parseInt(limit!, 10)).toBeGreaterThan(15_000);
      expect(Number.parseInt(limit!, 10)).toBeLessThan(30_000);
    }
    // The next job has the same connection, under its own name.
    const next = give('settings');
    expect(resultOf(await world.outcomeOf(next))).toMatchObject({ 0: `daruma cases ${next.job}`, 4: pid });
  });

  it('fails with the error of the server at the line that asked', async () => {
    const { fault, retry } = await failureOf('wrong');
    const message = 'column "nothing" does not exist';
    expect([fault, retry]).toMatchObject([{ code: '42703', message, ...placeOf('wrong') }, true]);
  });

  it('that takes too long is ended by the server', async () => {
    expect((await failureOf('slow')).fault).toMatchObject({ code: 'PG_TIMEOUT', ...placeOf('slow') });
  });

  it('is cancelled at the server when its job is aborted, and the worker goes on', async () => {
    const ref = give('aborted');
    await untilStates(`cases ${ref.job}`, ['active']);
    world.workers.abort(ref, { code: 'TIMEOUT', message: 'too late' });
    expect(await world.outcomeOf(ref)).toMatchObject({ is: 'failed', fault: { code: 'TIMEOUT' } });
    await untilStates(`cases ${ref.job}`, []);
    expect(world.ends).toEqual([]);
  });

  it('that its job did not await is cancelled and named', async () => {
    const ref = give('hasty');
    resultOf(await world.outcomeOf(ref));
    const { fault, message, job } = await warning();
    expect([job, fault]).toMatchObject([ref.job, { code: 'PG_LEFT_OPEN', ...placeOf('hasty') }]);
    expect(message).toContain('still ran when its job ended');
    await untilStates(`cases ${ref.job}`, ['idle']);
    expect(world.leftOvers).toEqual([]);
  });
});

describe('a transaction', () => {
  const rows = () => server.ask<{ text: string }>('SELECT text FROM notes ORDER BY text');

  it('commits, rolls back on an error, and says when the server rolled back', async () => {
    expect(resultOf(await run('writes'))).toEqual([['mine', 'PG_ROLLED_BACK'], 1, 1, 0]);
    expect(await rows()).toEqual([{ text: 'kept' }]);
  });

  it('whose network is cut is lost by name, and the next job works', async () => {
    const line = await listening((socket) => {
      const on = tcpConnect(server.port, '127.0.0.1').on('error', () => {});
      socket.pipe(on).pipe(socket);
      socket.once('close', () => on.destroy());
    });
    const body = `const db = pool('${line.url}');
      if (job.input) return (await db.query('SELECT 1 AS one')).rows;
      await db.transaction(async (client) => {
        await client.query("INSERT INTO notes VALUES ('cut')");
        log.info('begun');
        await client.query('SELECT pg_sleep(60)');
      });`;
    await world.agent('cut', `import { pool } from 'daruma/pg';\n${runs(body)}`, { needs: { net: ['127.0.0.1'] } });
    const [ref] = world.dispatch('cut');
    await world.begun('cut');
    line.cut();
    expect(await world.outcomeOf(ref!)).toMatchObject({ is: 'failed', fault: { code: 'PG_LOST' } });
    expect(resultOf(await world.run('cut', 'again'))).toEqual([{ one: 1 }]);
    expect(await rows()).toEqual([{ text: 'kept' }]);
    world.remove('cut');
    // Closed with its worker.
    await untilStates('cut', []);
    await line.close();
  });
});

describe('a connection', () => {
  it('is given back by `using`, and throws when it is used after that', async () => {
    expect(resultOf(await run('uses'))).toEqual([['PG_RELEASED', 'PG_RELEASED'], 1]);
    expect(world.lines).toEqual([]);
  });

  it('hands its notifications to the job that listens, though another one opened it', async () => {
    for (let n = 0; n < 2; n++) expect(resultOf(await run('listens'))).toEqual([{ heard: 'seven' }]);
  });

  it('released within a transaction is closed and named', async () => {
    const ref = give('midway');
    resultOf(await world.outcomeOf(ref));
    expect((await warning()).fault).toMatchObject({ code: 'PG_UNFINISHED', ...placeOf('midway') });
    await untilStates(`cases ${ref.job}`, []);
  });

  it('that a job has for long is named while the job runs', async () => {
    const ref = give('holds');
    const { job, fault } = await warning();
    expect([job, fault]).toMatchObject([ref.job, { code: 'PG_HELD_LONG', ...placeOf('holds') }]);
    expect(world.outcomes.some(({ outcome }) => outcome.job === ref.job)).toBe(false);
    world.workers.abort(ref, { code: 'CANCELLED', message: 'enough' });
    await world.outcomeOf(ref);
  });

  it('that nobody can have is refused with who has the others, and where they took them', async () => {
    const { fault } = await failureOf('greedy');
    const line = lineOf('greedy');
    expect(fault).toMatchObject({ code: 'PG_POOL_EXHAUSTED', file: 'plugins/cases.ts', line: line + 2 });
    expect(fault.message).toMatch(/within 1\.0s, and 2 of 2 are taken.*job j\d+ has had one for [\d.]+m?s, since 2/);
    const places = [...fault.stack!.matchAll(/plugins\/cases\.ts:(\d+)/g)].map(([, at]) => Number(at));
    expect([...new Set(places)].filter((at) => at >= line && at <= line + 2)).toEqual([line + 2, line, line + 1]);
  });

  it('that jobs never release is closed after each: 24 hours, a job a minute, and none finds the pool empty', async () => {
    for (let hour = 0; hour < 24; hour++) {
      world.outcomes.length = 0;
      for (let minute = 0; minute < 60; minute++) expect(await run('leaks')).toMatchObject({ is: 'done' });
      expect((await sessions(`cases ${world.outcomes.at(-1)!.outcome.job}`)).length).toBeLessThanOrEqual(1);
    }
    const found = world.lines.map(({ data }) => (JSON.parse(data!) as { fault: object }).fault);
    expect(found).toMatchObject([{ code: 'PG_LEFT_OPEN', ...placeOf('leaks') }]);
  });

  it('and its query end with a cell that is killed', async () => {
    const body = `const db = pool('${server.url}');
      const client = await db.connect();
      await client.query('BEGIN'); await client.query('LOCK TABLE notes');
      await db.query('SELECT pg_sleep(60)');`;
    await world.agent('killed', `import { pool } from 'daruma/pg';\n${runs(body)}`, {
      isolation: 'own',
      needs: { net: ['127.0.0.1'] },
    });
    world.dispatch('killed');
    await untilStates('killed', ['active', 'idle in transaction']);
    const { pid } = world.workers.view().cells.find(({ agent }) => agent === 'killed')!;
    process.kill(pid, 'SIGKILL');
    await untilStates('killed', []);
    world.remove('killed');
  });
});

describe('a server', () => {
  it.each(['fast', 'immediate'] as const)(
    'that restarts (%s) ends queries by name, and the next one works',
    async (mode) => {
      const ref = give('sleeps');
      await untilStates(`cases ${ref.job}`, ['active']);
      const again = server.restart(mode);
      expect(await world.outcomeOf(ref)).toMatchObject({ is: 'failed', fault: { code: 'PG_LOST' }, retry: true });
      // While the server is not back yet: a pool tries for its time.
      expect(resultOf(await run('one'))).toEqual([{ one: 1 }]);
      await again;
    },
  );

  it('that is down is named after three tries; one that never answers, after the time of a checkout', async () => {
    const mute = await listening((socket) => socket.resume());
    const free = await listening(() => {});
    await free.close();
    const body = `const codes = [];
      for (const db of [pool('${free.url}'), pool('${mute.url}', { checkoutTimeout: '200ms' })])
        await db.query('SELECT 1').catch((error) => codes.push([error.code, error.message]));
      return codes;`;
    await world.agent('nobody', `import { pool } from 'daruma/pg';\n${runs(body)}`, { needs: { net: ['127.0.0.1'] } });
    expect(resultOf(await world.run('nobody'))).toEqual([
      ['PG_UNREACHABLE', expect.stringContaining('ECONNREFUSED')],
      ['PG_NO_ANSWER', expect.stringMatching(/gave no answer in \d+ms, in a checkout of at most 200ms$/)],
    ]);
    await mute.close();
  });

  it('lets in who has the password, and nobody else', async () => {
    expect(resultOf(await run('guarded'))).toEqual([{ me: GUARDED_USER }]);
    for (const name of ['wrong-password', 'no-password', 'no-database']) {
      expect((await failureOf(name)).fault).toMatchObject({ code: 'PG_LOGIN_REFUSED', ...placeOf(name) });
    }
  });

  it('without room for a connection is asked again for the time of a checkout', async () => {
    const { fault } = await failureOf('narrow');
    expect(fault).toMatchObject({ code: 'PG_TOO_MANY_CONNECTIONS', ...placeOf('narrow') });
    expect(fault.message).toContain('too many connections for role "narrow"');
    const ref = give('patient');
    await world.begun('cases');
    await server.ask('ALTER ROLE narrow CONNECTION LIMIT 5');
    expect(await world.outcomeOf(ref)).toMatchObject({ is: 'done' });
  });

  it('that needs.net does not name is refused as any other host is', async () => {
    for (const net of [[], ['other.example']]) {
      const name = `needs-${net.length}`;
      const body = `await pool('${server.url}').query('SELECT 1');`;
      await world.agent(name, `import { pool } from 'daruma/pg';\n${runs(body)}`, { needs: { net } });
      const outcome = await world.run(name);
      expect(outcome).toMatchObject({ is: 'failed', fault: { code: 'NOT_IN_NEEDS', line: 7 }, retry: false });
      expect(JSON.stringify(outcome)).toContain(`net: ['127.0.0.1:${server.port}']`);
    }
  });
});

it('a call that cannot be meant is final, and shows no password', async () => {
  const calls = [
    "pool('postgres://me:hunter2@db', { mx: 1 })",
    "pool('postgres://me:hunter2@db?sslrootcert=/x')",
    "pool('postgres://me:hunter2@/shop')",
    "pool('postgres://me:hunter2@db'); pool('postgres://me:hunter2@db', { max: 2 })",
  ];
  await world.agent('calls', `import { pool } from 'daruma/pg';\n${runs(`(new Function('pool', job.input))(pool);`)}`);
  for (const call of calls) {
    const outcome = await world.run('calls', call);
    expect(outcome).toMatchObject({ is: 'failed', fault: { code: 'CALL_INVALID' }, retry: false });
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
  }
});

/** A server of TCP on loopback, and the database's address with its port. */
async function listening(accept: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    accept(socket);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  return {
    url: server.url.replace(`:${server.port}`, `:${port}`),
    /** Ends all connections in the midst. */
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
