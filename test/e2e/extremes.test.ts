import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHostFile } from '../../src/control/place.ts';
import { readToken } from '../../src/control/token.ts';
import { anyJson } from '../kernel/extremes.ts';
import { type Installation, installation, plugin } from './installation.ts';

let at: Installation;
beforeAll(async () => {
  at = installation({
    'plugins/steady.ts': plugin('return 1;', `schedule: '* * * * * *',`),
    'plugins/patient.ts': plugin(
      `if (context.job.attempt === 1) throw new Error('once'); return 'fine';`,
      `limits: { backoff: { first: '1s', longest: '1s' } },`,
    ),
    // Each option of each call with each value, in one job; what is not refused by its name comes back.
    'plugins/caller.ts': plugin(
      `const { exec, fetch, once, emit, state, send } = context;
       const odd = [NaN, Infinity, -0, 2 ** 53, 2 ** 63, 8.64e15 + 1, -1, 0.5, 5n, null, '', '1e400s', '9'.repeat(400) + 's',
         '999999999d', '-5s', {}, [], true, 'x'.repeat(201), Symbol('s'), () => 1];
       const calls = {
         after: (v) => send('patient', null, { after: v }),
         staleAfter: (v) => send('patient', null, { staleAfter: v }),
         priority: (v) => v === -0 ? Promise.reject({ code: 'CALL_INVALID' }) : send('patient', null, { priority: v }),
         unknown: () => send('patient', null, { delay: '5s' }),
         options: (v) => v && typeof v === 'object' && !Array.isArray(v) ? Promise.reject({ code: 'CALL_INVALID' }) : send('patient', null, v ?? 7),
         to: (v) => send(v),
         topic: (v) => emit(v),
         state: (v) => state.set(v, 1),
         once: (v) => once(v, () => 1),
         ifUnknown: (v) => once('k', () => 1, { ifUnknown: v }),
         fetchTimeout: (v) => fetch('http://localhost:9', { timeout: v }),
         fetchAttempts: (v) => fetch('http://localhost:9', { attempts: v }),
         execTimeout: (v) => exec('true', [], { timeout: v }),
         maxOutput: (v) => exec('true', [], { maxOutput: v }),
       };
       const got = {};
       for (const [name, call] of Object.entries(calls)) for (const value of odd) {
         const code = await call(value).then(() => 'taken', (error) => error.code ?? String(error));
         got[name + ' ' + code] = (got[name + ' ' + code] ?? []).concat(typeof value === 'string' ? value.slice(0, 20) : typeof value + ' ' + String(value));
       }
       return got;`,
      `needs: { net: ['localhost:9'], exec: ['true'] },`,
    ),
  });
  await at.start();
});
afterAll(() => at.leave());

/** Sends lines as they are, requests with the host's token, and gives the answers, once those to all ids are there. */
async function say(
  lines: string[],
  ids: ReadonlySet<number>,
): Promise<Map<number, { ok: boolean; error?: { code: string; message: string } }>> {
  const { socket: path } = readHostFile(at.folder)!;
  const token = JSON.stringify(readToken(path));
  const socket = connect(path);
  const answers = new Map<number, { ok: boolean; error?: { code: string; message: string } }>();
  let rest = '';
  socket.setEncoding('utf8');
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (text: string) => {
      const whole = (rest + text).split('\n');
      rest = whole.pop()!;
      for (const line of whole) {
        const answer = JSON.parse(line);
        if ('ok' in answer) answers.set(answer.id, answer);
        if (answers.size === ids.size) resolve();
      }
    });
    socket.write(`${lines.map((line) => line.replace(/^\{"id"/, `{"token":${token},"id"`)).join('\n')}\n`);
  });
  socket.destroy();
  return answers;
}

const log = () =>
  readdirSync(join(at.folder, 'logs'))
    .filter((file) => file.endsWith('.log'))
    .map((file) => readFileSync(join(at.folder, 'logs', file), 'utf8'))
    .join('');

test('whatever is asked over the socket is answered or refused by name, and nothing of it is stored that cannot be read', async () => {
  const ops = [
    'status',
    'jobs',
    'job',
    'run',
    'cancel',
    'why',
    'next',
    'slots',
    'dlq',
    'replay',
    'drop',
    'incidents',
    'incident',
    'ack',
    'pause',
    'resume',
    'versions',
    'sources',
    'rollback',
    'state',
    'stateSet',
    'level',
    'configShow',
    'storeMend',
    'frob',
    '__proto__',
  ];
  const names = [
    'agent',
    'id',
    'cause',
    'limit',
    'states',
    'since',
    'before',
    'forMs',
    'n',
    'at',
    'from',
    'to',
    'key',
    'priority',
    'attempts',
    'input',
    'wait',
    'note',
    'version',
    'level',
    'value',
    'plugin',
  ];
  const args = fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(fc.constantFrom('patient', 'job-1', 'inc-1'), anyJson),
    { maxKeys: 4 },
  );
  const requests = fc.sample(
    fc.tuple(fc.constantFrom(...ops), fc.oneof({ weight: 6, arbitrary: args }, { weight: 1, arbitrary: anyJson })),
    { numRuns: 400, seed: 7 },
  );
  // A run that is waited for may wait for ever, rightly.
  const lines = requests.map(([op, given], id) =>
    JSON.stringify({ id, op, args: given }).replace('"wait":true', '"wait":false'),
  );
  // JSON has no Infinity, but this is how it comes.
  const raw = [
    '{"id":400,"op":"pause","args":{"agent":"steady","forMs":1e400}}',
    '{"id":401,"op":"pause","args":{"agent":"steady","forMs":86399999913600000}}',
    '{"id":402,"op":"jobs","args":{"limit":-0}}',
    'null',
    '[]',
    '{',
    '{"id":{}}',
    '{"id":1e400,"op":"status"}',
  ];
  const answers = await say([...lines, ...raw], new Set(Array.from({ length: 403 }, (_, id) => id)));
  for (const { ok, error } of answers.values()) {
    if (!ok)
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(?!TOKEN_WRONG)[A-Z][A-Z_]+$/),
        message: expect.stringMatching(/.{5,}/),
      });
  }
  for (const id of [400, 401])
    expect(answers.get(id)?.error).toMatchObject({
      code: 'ARGS_INVALID',
      message: expect.stringMatching(/^pause: forMs/),
    });
  expect(log()).not.toContain('a control op failed');
  await at.daruma('resume', '--all');
  const { code, json } = await at.daruma('store', 'check', '--json');
  expect([code, json.integrity, json.unreadable]).toEqual([0, 'ok', []]);
});

test('a plugin is told by name of each value that a call cannot take, and the store takes none', async () => {
  const { code, json } = await at.daruma('run', 'caller', '--wait', '--json');
  expect(code, JSON.stringify(json.error)).toBe(0);
  const taken = Object.entries(json.result as Record<string, string[]>).filter(
    ([name]) => !name.endsWith(' CALL_INVALID'),
  );
  // Any text is a name; nobody is called so.
  const names = ['1e400s', '999999999d', '-5s'];
  const rightly = { 'once taken': names, 'state taken': names, 'topic taken': names, 'to AGENT_UNKNOWN': names };
  expect(Object.fromEntries(taken)).toEqual({ ...rightly, 'priority taken': ['number -1'] });
  expect((await at.daruma('store', 'check', '--json')).code).toBe(0);
});

test('a store that an older version has spoilt starts, safe and as ever, works, and tells', async () => {
  await at.daruma('run', 'patient');
  await at.daruma('pause', 'caller', '--for', '2h');
  await at.until(
    () => at.daruma('jobs', 'patient', '--json'),
    ({ json }) => json[0]?.state === 'retrying' || json[0]?.state === 'done',
  );
  await at.stop();
  const db = new DatabaseSync(join(at.folder, 'data/daruma.db'));
  // `pause --for 999999999d`; a Retry-After in microseconds; `staleAfter: '102000000d'`, which is no Date; an attempt that nobody ends.
  db.exec(`UPDATE pause SET until = 86401795652206944`);
  const spoilt =
    db.prepare(`INSERT INTO job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, stale_at)
    VALUES (?, ?, 'send', 0, 1, 5, 5, 1795736000000, ?, ?)`);
  spoilt.run('steady', 'retrying', 1795736000000000000n, null);
  spoilt.run('patient', 'queued', 1795736000000n, 8_812_800_000_000_000n);
  spoilt.run('patient', 'running', 9223372036854775807n, null);
  // A result that walks through it run out of stack on, of a host that did not look how deep it is.
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  db.prepare(`INSERT INTO job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, finished_at, result)
    VALUES ('steady', 'done', 'manual', 0, 1, 5, 5, 1795736000000, 1795736000000, 1795736000001, ?)`).run(deep);
  db.exec(
    `INSERT INTO event (at, kind, agent, message) VALUES (9223372036854775807, 'k', 'steady', 'from the future')`,
  );
  db.close();

  for (const args of [['status'], ['jobs', '--limit', '5'], ['agents'], ['incidents']]) {
    const said = await at.daruma(...args);
    expect([args[0], said.code, said.stderr.includes('    at ')]).toEqual([args[0], 4, false]);
  }
  expect((await at.daruma('store', 'check', '--json')).json.unreadable).toHaveLength(5);

  await at.start({ args: ['--safe'] });
  expect((await at.daruma('status', '--json')).json.host.safeMode).toBe(true);
  await at.stop();
  await at.start();
  const { json: job } = await at.daruma('run', 'patient', '--wait', '--json');
  expect(job).toMatchObject({ state: 'done', attempt: 2 });
  const { json: incidents } = await at.until(
    () => at.daruma('incidents', '--json'),
    ({ json }) => json.some(({ verdict }: { verdict: string }) => verdict === 'unreadable'),
  );
  expect(JSON.stringify(incidents)).toContain('run_at 1795736000000000000');
  const { json: jobs } = await at.daruma('jobs', 'steady', '--json');
  expect(JSON.stringify(jobs)).toContain('nested more than 1000 deep');
  const { json: status } = await at.daruma('status', '--json');
  expect(status.agents.find(({ name }: { name: string }) => name === 'caller')).toMatchObject({
    state: 'paused',
    why: 'paused by hand',
  });
  const { code, json: store } = await at.daruma('store', 'mend', '--json');
  expect([code, store.unreadable]).toEqual([0, []]);
  expect(store.setAside.length).toBeGreaterThanOrEqual(5);
  expect(log()).not.toMatch(/the sweep of jobs failed|a turn of healing failed|the store refused a claim/);
});
