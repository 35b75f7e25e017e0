import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, type RunOptions, runPlugin } from 'daruma/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

let folder: string;
let lastPlugin = 0;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-kit-')));
});
afterAll(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes a plugin with this body of `run`, and runs it once. */
function runs(body: string, options: RunOptions = {}, more = '') {
  const file = join(folder, `tested-${++lastPlugin}.ts`);
  const text = `import { definePlugin, GiveUp, RetryLater, z } from 'daruma';
export default definePlugin({
  about: 'A test.', ${more}
  async run(context) {
    const { emit, exec, fetch, fleet, folder, job, llm, log, once, secrets, send, settings, state, summary } = context as any;
    ${body}
  },
});
`;
  writeFileSync(file, text);
  return runPlugin(file, { timeout: '20s', ...options });
}

describe('the shipped plugins', () => {
  const url = 'https://shop.example/health';

  it('api-health tells of an answer that was recorded', async () => {
    const { state, result, summary, requests, peakMb, tookMs } = await runPlugin('api-health', {
      settings: { urls: [{ url, contains: 'well', slowAfter: '20s' }] },
      http: [{ url, body: 'all is well' }],
    });
    expect(state).toBe('done');
    expect(result).toMatchObject({ checked: 1, urls: [{ url, status: 200 }] });
    expect(summary).toContain('shop.example');
    expect(requests).toMatchObject([{ method: 'GET', url, status: 200 }]);
    expect(peakMb).toBeGreaterThan(1);
    expect(tookMs).toBeLessThan(20_000);
  });

  it('api-health fails of a bad answer, at its place in the source', async () => {
    const { state, error, retry } = await runPlugin('api-health', {
      settings: { urls: [{ url }] },
      http: () => new Response('no', { status: 500 }),
    });
    expect({ state, retry }).toEqual({ state: 'failed', retry: true });
    expect(error).toMatchObject({ file: 'plugins/api-health.ts', line: expect.any(Number) });
    expect(error!.message).toContain('status 500');
  });

  it('api-health hears of its own front door what the test says', async () => {
    const health = { asked: 'edge', ok: true, tookMs: 3, detail: 'all well' };
    expect((await runPlugin('api-health', { fleet: { health } })).result).toMatchObject({ urls: [{ url: 'edge' }] });
    expect((await runPlugin('api-health')).error).toMatchObject({ code: 'NOT_IN_TEST' });
  });

  it('post-file says in a dry run what it would write, and writes nothing', async () => {
    const { result, requests } = await runPlugin('post-file', { folder, dryRun: true, input: { text: 'x' } });
    expect(result).toMatchObject({ dryRun: true, would: { file: 'posts/status.md' } });
    expect([requests, existsSync(join(folder, 'posts/status.md'))]).toEqual([[], false]);
  });

  it('post-file writes into the folder of the test', async () => {
    const own = mkdtempSync(join(folder, 'installation-'));
    const input = { title: 'News', text: 'It works.' };
    const first = await runPlugin('post-file', { input, folder: own });
    expect(first).toMatchObject({ state: 'done', effects: { append: { is: 'done' } } });
    const [file] = readdirSync(join(own, 'posts'));
    expect(readFileSync(join(own, 'posts', file!), 'utf8')).toContain('It works.');
    // The next attempt finds the effect done.
    const second = await runPlugin('post-file', { input, folder: own, attempt: 2, effects: first.effects });
    expect(second.result).toEqual(first.result);
  });
});

describe('the plugin', () => {
  it('lives in the time of the test', async () => {
    const { result, logs } = await runs(
      `log.info('now');
       return [new Date(), Date.now(), Temporal.Now.instant(), Temporal.Now.plainDateISO('UTC'), Date()].map(String)
         .concat(String(new Date() instanceof Date && new Date(0).constructor === Date), job.slot);`,
      { now: '2031-05-04T03:02:01Z', slot: '2031-05-04T03:00:00Z' },
    );
    const [date, ms, instant, day, called, same, slot] = result as string[];
    expect(Date.parse(date!)).toBe(Date.parse('2031-05-04T03:02:01Z'));
    expect(Number(ms) - Date.parse('2031-05-04T03:02:01Z')).toBeLessThan(10_000);
    expect([instant!.slice(0, 16), day, same, slot]).toEqual([
      '2031-05-04T03:02',
      '2031-05-04',
      'true',
      '2031-05-04T03:00:00.000Z',
    ]);
    expect(called).toContain('2031');
    expect(logs).toEqual([{ level: 'info', message: 'now' }]);
  });

  it('has the rights that it asks for, and no others', async () => {
    expect((await runs("require('node:fs').readFileSync('/etc/passwd')")).error).toMatchObject({
      code: 'NOT_IN_NEEDS',
    });
    const elsewhere = await runs("await fetch('https://other.example/')", { http: () => new Response() });
    expect(elsewhere).toMatchObject({ error: { code: 'NOT_IN_NEEDS' }, requests: [] });
    const env = { TOKEN: 'x' };
    const named = await runs(
      'return [process.env.TOKEN, process.env.PATH ?? null]',
      { env },
      "needs: { env: ['TOKEN'] },",
    );
    expect(named.result).toEqual(['x', null]);
  });

  it('asks the test for everything that the host would do', async () => {
    const ran = await runs(
      `const id = await send('other', { a: 1 }, { key: 'k', after: '2s', priority: 5 });
       const same = await send('other', { a: 2 }, { key: 'k' });
       await emit('moved', { by: 2 });
       const n = await state.get('n');
       await state.set('n', n + 1);
       await state.delete('old');
       const kept = await once('kept', () => 'again');
       const lost = await once('lost', () => 'again', { ifUnknown: 'skip' });
       const { stdout } = await exec('git', ['rev-parse', 'HEAD']);
       summary('# done');
       return { same: id === same, kept, lost: lost ?? null, stdout, input: job.input, attempt: job.attempt };`,
      {
        input: { from: 'here' },
        attempt: 2,
        state: { n: 1, old: true },
        effects: { kept: { is: 'done', result: 'stored' }, lost: { is: 'begun' } },
        exec: (command, args) => `${command} ${args.join(' ')}`,
      },
      "needs: { exec: ['git'] },",
    );
    expect(ran.result).toEqual({
      same: true,
      kept: 'stored',
      lost: null,
      stdout: 'git rev-parse HEAD',
      input: { from: 'here' },
      attempt: 2,
    });
    expect(ran.sends).toEqual([
      { id: 'sent-1', agent: 'other', input: { a: 1 }, key: 'k', afterMs: 2_000, priority: 5 },
    ]);
    expect(ran).toMatchObject({
      events: [{ topic: 'moved', data: { by: 2 } }],
      stateAfter: { n: 2 },
      summary: '# done',
    });
  });

  it('says whether it would be tried again', async () => {
    expect((await runs("throw new GiveUp('no use')")).retry).toBe(false);
    expect((await runs("throw new RetryLater('later', { after: '7s' })")).retry).toBe(7_000);
    const { error, retry } = await runs('null.x');
    expect(retry).toBe(true);
    expect(error!.frame).toContain('> 6 |     null.x');
  });

  it('that leaks is killed at its limit, with the figure', async () => {
    const { error, peakMb } = await runs(
      `const kept = [];
       for (;;) {
         kept.push(Array.from({ length: 20_000 }, (_, i) => ({ i })));
         await new Promise((done) => setTimeout(done, 5));
       }`,
      { limits: { memory: '48MB' } },
    );
    expect(error).toMatchObject({ code: 'OVER_LIMIT' });
    expect(peakMb).toBeGreaterThan(45);
  });

  it('that hangs is killed at its timeout; what it waited for is told', async () => {
    const { error, requests } = await runs(
      "await fetch('https://slow.example/');",
      { http: () => new Promise(() => {}), timeout: '3s' },
      "needs: { net: ['*'] },",
    );
    expect(error).toMatchObject({ code: 'TIMEOUT', line: 6 });
    expect(error!.frame).toContain("await fetch('https://slow.example/')");
    expect(requests).toMatchObject([{ status: null }]);
  });

  // What is found of a thread that spins has to be found in time, which a busy machine may not allow.
  it('that spins is killed at its timeout, and where it was found is told', { retry: 3 }, async () => {
    const file = join(folder, 'spins.ts');
    const text = `import { definePlugin } from 'daruma';
function spin(n: number) {
  for (;;) n = Math.sqrt(n + 1);
}
export default definePlugin({
  about: 'A test.',
  run: ({ job }) => spin(job.attempt),
});
`;
    writeFileSync(file, text);
    const { error } = await runPlugin(file, { timeout: '300ms', limits: { grace: '300ms' } });
    expect(error).toMatchObject({ code: 'TIMEOUT', file: 'spins.ts' });
    expect(error!.frame).toMatch(/> \d \|/);
  });

  it('may be run many times side by side', async () => {
    const all = await Promise.all(
      [1, 2, 3, 4].map((n) => runPlugin('post-file', { input: { text: `text ${n}` }, slot: new Date(n) })),
    );
    expect(all.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
  });
});

describe('a test that cannot run', () => {
  it('is told what is wrong with the plugin', async () => {
    await expect(runs('const x = ;')).rejects.toThrow(/tested-\d+\.ts:6:15 [\s\S]*> 6 \|/);
    await expect(runPlugin('no-such-plugin')).rejects.toThrow('there is no plugins/no-such-plugin.ts');
  });

  it('is told what is wrong with its options', async () => {
    await expect(runs('', { settings: { a: 1 } })).rejects.toThrow('settings');
    await expect(runs('', { limits: { memory: 'much' as never } })).rejects.toThrow('64MB');
    await expect(runs('', { now: 'soon' })).rejects.toThrow('now: "soon" is no time');
    const needs = "needs: { secrets: ['TOKEN'] },";
    await expect(runs('', {}, needs)).rejects.toThrow("secrets: { TOKEN: '…' }");
    await expect(runs('', { secrets: { TOKEN: 'x', TOKE: 'y' } }, needs)).rejects.toThrow('did you mean TOKEN?');
  });
});

describe('what a plugin fetches', () => {
  const net = "needs: { net: ['*'], secrets: ['TOKEN'] },";
  const secrets = { TOKEN: 'very secret' };
  const get = "const got = await fetch('https://api.example/a?b=1'); return [got.status, got.url, await got.text()];";

  it('comes from a list: in order, and the last one again and again', async () => {
    const url = 'https://api.example/a?b=1';
    const ran = await runs(
      `const all = [];
       for (const method of ['GET', 'GET', 'GET', 'POST']) {
         const got = await fetch('${url}', { method, ...(method === 'POST' ? { body: 'sent' } : {}) });
         all.push([got.status, got.headers.get('content-type'), await got.text()]);
       }
       return all;`,
      {
        secrets,
        http: [
          { url, body: { n: 1 } },
          { url, status: 304 },
          { method: 'POST', url, base64: 'b2s=', status: 201 },
        ],
      },
      net,
    );
    expect(ran.result).toEqual([
      [200, 'application/json', '{"n":1}'],
      [304, null, ''],
      [304, null, ''],
      [201, null, 'ok'],
    ]);
    expect(ran.requests[3]).toMatchObject({ method: 'POST', body: 'sent', status: 201 });
  });

  it('fails by name when nobody answers', async () => {
    const { error } = await runs(get, { secrets, http: [{ url: 'https://api.example/a?b=2' }] }, net);
    expect(error).toMatchObject({ code: 'NOT_RECORDED', line: 6 });
    expect(error!.message).toContain('GET https://api.example/a?b=1 is not recorded');
    expect(error!.message).toContain('GET https://api.example/a?b=2');
    expect(error!.next).toMatch(/http: \{ record: 'tested-\d+\.http\.json' \}/);
  });

  it('follows redirects, but not to where it may not go', async () => {
    const http = [
      { url: 'https://api.example/a?b=1', status: 302, headers: { location: '/c' } },
      { url: 'https://api.example/c', body: 'there' },
    ];
    const there = await runs(get, { http }, "needs: { net: ['api.example'] },");
    expect(there.result).toEqual([200, 'https://api.example/c', 'there']);
    http[0]!.headers!.location = 'https://elsewhere.example/';
    const elsewhere = await runs(get, { http }, "needs: { net: ['api.example'] },");
    expect(elsewhere.error).toMatchObject({ code: 'NOT_IN_NEEDS' });
  });

  it('cannot be had past fetch', async () => {
    const body = `const net = await import('node:net');
      await new Promise((_, fail) => net.connect(80, 'api.example').on('error', fail));`;
    expect((await runs(body, { secrets }, net)).error).toMatchObject({ code: 'NOT_RECORDED' });
  });

  it('is recorded once, without secrets, and read from then on', async () => {
    let asked = 0;
    const server = createServer((request, answer) => {
      asked += 1;
      if (request.url!.startsWith('/from')) return answer.writeHead(302, { location: '/to' }).end();
      answer.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b' });
      answer.end(JSON.stringify({ hello: request.headers.authorization }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = join(folder, 'recorded.http.json');
    const body = `const url = '${origin}/from?token=' + encodeURIComponent(secrets.TOKEN);
      const got = await fetch(url, { headers: { authorization: secrets.TOKEN } });
      return [got.url, got.redirected, await got.json()];`;

    const first = await runs(body, { secrets, http: { record: 'recorded.http.json' } }, net);
    expect(first.result).toEqual([`${origin}/to`, true, { hello: '(TOKEN)' }]);
    expect(asked).toBe(2);
    expect(readFileSync(file, 'utf8')).not.toMatch(/very|cookie/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([
      { method: 'GET', url: `${origin}/from?token=(TOKEN)`, status: 302, headers: { location: '/to' } },
      {
        method: 'GET',
        url: `${origin}/to`,
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: { hello: '(TOKEN)' },
      },
    ]);
    const again = await runs(body, { secrets: { TOKEN: 'another' }, http: { record: file } }, net);
    expect(again.result).toEqual(first.result);
    expect(asked).toBe(2);
    const more = await runs(`await fetch('${origin}/more')`, { secrets, http: { record: file } }, net);
    expect(more.error).toMatchObject({
      code: 'NOT_RECORDED',
      next: expect.stringContaining('remove recorded.http.json'),
    });
    expect(existsSync(`${file}.new`)).toBe(false);

    const real = await runs(`return (await fetch('${origin}/real')).status`, { secrets, http: 'real' }, net);
    expect([real.result, asked]).toEqual([200, 3]);
  });
});

describe('models', () => {
  const needs = 'needs: { llm: true },';

  it('answer from a list, in order, and every call is in the account', async () => {
    const { result, models } = await runs(
      `const first = await llm.chat('How urgent?', { schema: z.enum(['now', 'later']), maxTokens: 20 });
       const second = await llm.chat('And now?', { tools: [{ name: 'look', input: z.strictObject({ at: z.string() }) }] });
       const third = await llm.chat('Once more?');
       return [first.object, second.toolCalls, third.text, third.usage, third.rung];`,
      { llm: [{ object: 'later' }, { toolCalls: [{ name: 'look', arguments: { at: 'mail' } }] }, 'Yes.'] },
      needs,
    );
    const usage = { promptTokens: 0, completionTokens: 0, money: 0 };
    const calls = [{ id: 'call-1', name: 'look', arguments: { at: 'mail' } }];
    expect(result).toEqual(['later', calls, 'Yes.', usage, 'test']);
    expect(models).toMatchObject([
      { model: 'auto', messages: [{ role: 'user', content: 'How urgent?' }], maxTokens: 20, schema: {}, tools: [] },
      { tools: ['look'] },
      { stream: false },
    ]);
  });

  it('answer from a function, to any client, also with real requests; streams hold the whole answer', async () => {
    const body = `
      const ask = (more) => fetch(llm.baseURL + '/chat/completions', {
        method: 'POST',
        headers: { authorization: 'Bearer ' + llm.apiKey },
        body: JSON.stringify({ model: llm.model, messages: [{ role: 'user', content: 'x' }], ...more }),
      });
      const whole = await (await globalThis.fetch(llm.baseURL + '/chat/completions', { method: 'POST', body: JSON.stringify({ messages: [] }) })).json();
      return [whole.choices[0].message.content, await (await ask({ stream: true })).text()];`;
    const llm: RunOptions['llm'] = ({ stream }) => (stream ? 'in parts' : { text: 'whole', model: 'm' });
    const { result } = await runs(body, { llm, http: 'real' }, needs);
    expect(result).toEqual(['whole', expect.stringMatching(/^data: .*"content":"in parts".*data: \[DONE\]\n\n$/s)]);
  });

  it('fail as the test says, and without a word of it by name', async () => {
    const failing = await runs(`return llm.chat('x');`, { llm: [{ fails: 'BUDGET_SPENT' }] }, needs);
    expect(failing).toMatchObject({
      error: { code: 'BUDGET_SPENT', data: { until: expect.any(Number) } },
      retry: true,
    });
    const unsaid = await runs(`return llm.chat('x');`, {}, needs);
    expect(unsaid.error).toMatchObject({ code: 'NOT_IN_TEST', next: "give runPlugin llm: ['the answer']" });
    expect((await runs(`return llm.chat('x');`, { llm: ['y'] })).error).toMatchObject({ code: 'NOT_IN_NEEDS' });
  });
});
