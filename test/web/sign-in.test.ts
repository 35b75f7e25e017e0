import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import { type Installation, installation, isRunning, plugin, processesOf } from '../e2e/installation.ts';
import { ask, type Browser, pageOf, signIn } from './client.ts';

let place: Installation;
let url: string;
let operator: Browser;
let reader: Browser;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  place = installation({
    'plugins/steady.ts': plugin('return context.job.input;', `needs: { secrets: ['SHOP_TOKEN'] },`),
    '.env': 'SHOP_TOKEN=s3cret-token\n',
    'config/daruma.yaml': 'web: { port: 0 }\n',
  });
  // A guardian would replace the host that a test stops.
  await place.start({ guardian: false });
  ({ url } = await pageOf(place));
  operator = await signIn(place);
  reader = await signIn(place, '--reader');
});
afterAll(() => place?.leave());

const stateOf = async () => (await place.daruma('status', '--json')).json.agents[0].state;

/** Acts of the page, newest first, without those of signing in. */
async function readAudit() {
  const client = await connectControl(readHostFile(place.folder)!.socket);
  const acts = await client.ask('audit', { limit: 100 });
  client.close();
  return acts.filter(({ via, operation }) => via === 'page' && !operation.startsWith('sign'));
}

describe('a link of `daruma open`', () => {
  it('signs one browser in, once, and stays in no address', async () => {
    const { json } = await place.daruma('open', '--json');
    expect(json).toMatchObject({
      role: 'operator',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/login\?code=[\w-]{43}$/),
    });
    // A browser that loads ahead of a person does not use it up.
    expect((await ask(json.url, { headers: { 'sec-purpose': 'prefetch' } })).status).toBe(401);
    expect((await ask(json.url, { method: 'HEAD' })).headers['set-cookie']).toBeUndefined();
    const first = await ask(json.url);
    expect(first).toMatchObject({ status: 303, headers: { location: '/', 'cache-control': 'no-store' } });
    expect(first.headers['set-cookie']).toEqual([
      expect.stringMatching(/^daruma_[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/),
    ]);
    const again = await ask(json.url);
    expect(again).toMatchObject({ status: 403, text: expect.stringContaining('used already') });
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  it('leaves no cookie on the disk, and no host forgets who has signed in', async () => {
    const kept = readFileSync(join(place.folder, 'data/web/sessions.json'), 'utf8');
    expect(kept).not.toContain(operator.cookie.split('=')[1]);
  });

  it('is the only way in', async () => {
    for (const path of ['/', '/agents/steady', '/live', '/nowhere', '/login', '/login?code=x']) {
      const { status, text } = await ask(`${url}${path}`);
      expect([path, status]).toEqual([path, path === '/login?code=x' ? 403 : 401]);
      expect(text).toContain('daruma open');
    }
    for (const cookie of [
      'daruma_00000000=x',
      `${operator.cookie}x`,
      `${operator.cookie.split('=')[0]}=`,
      'x'.repeat(5_000),
    ])
      expect((await ask(`${url}/`, { headers: { cookie } })).status).toBe(401);
  });
});

describe('a log file', () => {
  it('is downloaded as it is on disk, by operators alone, and no name leads out of its folder', async () => {
    const name = readdirSync(join(place.folder, 'logs')).find((one) => one.endsWith('.log'));
    const { status, headers, text } = await operator.get(`/logs/files/${name}`);
    expect({ status, ...headers }).toMatchObject({
      status: 200,
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': `attachment; filename="${name}"`,
      'x-content-type-options': 'nosniff',
    });
    expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({ level: expect.any(String) });
    expect(text).not.toContain('s3cret-token');
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(text));
    expect((await reader.get(`/logs/files/${name}`)).status).toBe(403);
    expect((await ask(`${url}/logs/files/${name}`)).status).toBe(401);
    const outside = [
      '..%2fdata%2fdaruma.db',
      '%2e%2e%2f.env',
      '..%5c.env',
      `${name}%00`,
      'none.log',
      '%2fetc%2fpasswd',
      `.%2f${name}`,
    ];
    for (const path of outside) expect([path, (await operator.get(`/logs/files/${path}`)).status]).toEqual([path, 404]);
  });
});

describe('an act', () => {
  it('is a plain form, leads back, and is on record with who did it', async () => {
    const sent = await operator.send('/act/pause', {
      agent: 'steady',
      forMs: '60000',
      back: '/agents/steady?since=1d',
    });
    expect(sent.status).toBe(303);
    expect(sent.headers.location).toMatch(/^\/agents\/steady\?since=1d&said=\d+$/);
    expect(await stateOf()).toBe('paused');
    await operator.send('/act/run', { agent: 'steady', 'input.token': 's3cret-token', 'input.n~number': '1' });
    await operator.send('/act/resume', { agent: 'nobody' });
    const acts = await place.until(readAudit, (found) => found.length >= 3);
    expect(acts).toMatchObject([
      { operation: 'resume', ok: false, fault: { code: 'AGENT_UNKNOWN' } },
      { operation: 'run', ok: true, args: { agent: 'steady', input: { n: 1 } } },
      { operation: 'pause', ok: true, role: 'operator', who: expect.stringMatching(/^[0-9a-f]{8}$/), fault: null },
    ]);
    expect(JSON.stringify(acts)).not.toContain('s3cret-token');
    expect((await operator.get('/audit')).text).toMatch(/operator [0-9a-f]{8}, page.*operator \S+, cli.*open/s);
    await operator.send('/act/resume', { agent: 'steady' });
  });

  it('is refused to readers, to strangers, to other pages and without the token of the page', async () => {
    const form = { agent: 'steady' };
    const asReader = await reader.send('/act/pause', form);
    expect(asReader.status).toBe(303);
    for (const [headers, status] of [
      [{ cookie: 'x=y' }, 401],
      [{ origin: 'http://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ host: 'evil.example' }, 421],
      [{ 'content-type': 'text/plain' }, 403],
      [{ 'content-type': 'multipart/form-data; boundary=x' }, 403],
    ] as const)
      expect([headers, (await operator.send('/act/pause', form, headers)).status]).toEqual([headers, status]);
    for (const csrf of ['', 'x', reader.csrf])
      expect((await operator.send('/act/pause', { ...form, csrf })).status).toBe(403);
    expect((await operator.get('/act/pause?agent=steady')).status).toBe(404);
    expect(await stateOf()).not.toBe('paused');
    const byReader = async () => (await readAudit()).filter(({ role }) => role === 'reader');
    const acts = await place.until(byReader, (found) => found.length > 0);
    expect(acts).toMatchObject([{ operation: 'pause', ok: false, fault: { code: 'ROLE_LACKING' } }]);
    expect((await readAudit()).filter(({ operation }) => operation === 'pause')).toHaveLength(2);
  });

  it('leads to no other place', async () => {
    for (const back of ['//evil.example', 'https://evil.example', '/\\evil.example'])
      expect((await operator.send('/act/level', { agent: 'steady', level: 'info', back })).headers.location).toMatch(
        /^\/\?said=\d+$/,
      );
  });
});

describe('each answer', () => {
  it('lets nothing run that is not the page’s own', async () => {
    for (const path of ['/', '/nowhere', '/assets/page.css', '/assets/../process.js']) {
      const { headers } = await operator.get(path);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    }
  });

  it('goes to its own names alone', async () => {
    for (const host of ['evil.example', '127.0.0.1', `127.0.0.1.evil.example:${new URL(url).port}`])
      expect((await operator.get('/', { host })).status).toBe(421);
  });
});

describe('a page that loads anew', () => {
  const shared = { 'cache-control': 'max-age=1' };

  it('shares no document with another session, and shows an act at once', async () => {
    const [own, other] = [await operator.get('/', shared), await reader.get('/', shared)];
    expect(own.text).toContain(`value="${operator.csrf}"`);
    expect(own.headers['cache-control']).toBe('no-store');
    expect(other.text).toContain('steady');
    expect(other.text).not.toContain(operator.csrf);
    expect(other.text).not.toContain('/act/run');
    expect(own.text).not.toContain('Resume steady');
    await operator.send('/act/pause', { agent: 'steady' });
    expect((await operator.get('/', shared)).text).toContain('Resume steady');
    await operator.send('/act/resume', { agent: 'steady' });
    expect((await operator.get('/', shared)).text).not.toContain('Resume steady');
  });

  it('waits for its turn when many are asked for at once', async () => {
    const paths = Array.from({ length: 120 }, (_, at) => `/?at=${at}`);
    const answers = await Promise.all(paths.map((path) => operator.get(path, shared)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });
});

describe('the stream of a page', () => {
  it('says that something has changed', async () => {
    const leave = new AbortController();
    const answer = await fetch(`${url}/live`, { headers: { cookie: operator.cookie }, signal: leave.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    for await (const part of answer.body!) {
      if (text === '') await operator.send('/act/run', { agent: 'steady' });
      text += Buffer.from(part).toString();
      if (text.includes('event: change')) break;
    }
    expect(text).toMatch(/^retry: 2000\nevent: beat\ndata: \{"at":"[^"]+","down":false\}\n\n/);
    leave.abort();
  });

  it('is given to so many pages, and no more', async () => {
    const leave = new AbortController();
    const headers = { cookie: reader.cookie };
    const open = () => fetch(`${url}/live`, { headers, signal: leave.signal });
    const streams = await Promise.all(Array.from({ length: 32 }, open));
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 200));
    expect((await open()).status).toBe(503);
    leave.abort();
    await place.until(
      async () => {
        const again = new AbortController();
        const { status } = await fetch(`${url}/live`, { headers, signal: again.signal });
        again.abort();
        return status;
      },
      (status) => status === 200,
    );
  });
});

describe('the web process', () => {
  it('is replaced when it is killed, at the same address, and nobody signs in again', async () => {
    const { pid } = await pageOf(place);
    process.kill(pid, 'SIGKILL');
    const next = await place.until(
      () => pageOf(place),
      (page) => page.pid !== pid,
    );
    expect(next.url).toBe(url);
    expect(isRunning(pid)).toBe(false);
    expect((await operator.get('/nowhere')).status).toBe(404);
    expect((await operator.send('/act/level', { agent: 'steady', level: 'info' })).status).toBe(303);
  });

  it('is shut in by the kernel, holds no secret in its environment, and is nice to the agents', async () => {
    const { pid } = await pageOf(place);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('MALLOC_ARENA_MAX=1\0');
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[16]).toBe('10');
  });

  it('forgets whoever signs out', async () => {
    const other = await signIn(place);
    const sent = await other.send('/logout', {});
    expect(sent).toMatchObject({ status: 303, headers: { 'set-cookie': [expect.stringContaining('Max-Age=0')] } });
    expect((await other.get('/')).status).toBe(401);
    expect((await operator.send('/logout', { csrf: 'x' })).status).toBe(403);
    expect((await operator.get('/nowhere')).status).toBe(404);
  });

  it('shows what the store knows while the host does not answer, and says so', async () => {
    const host = place.host()!.pid;
    process.kill(host, 'SIGSTOP');
    try {
      const { text } = await place.until(
        () => operator.get('/'),
        ({ text }) => /host is not answering/i.test(text),
      );
      expect(text).toContain('steady');
      expect((await ask(`${url}/livez`)).status).toBe(503);
    } finally {
      process.kill(host, 'SIGCONT');
    }
    await place.until(
      () => operator.get('/'),
      ({ text }) => !/host is not answering/i.test(text),
    );
  });

  it('ends with its host, also when both are taken by surprise', async () => {
    const { pid } = await pageOf(place);
    process.kill(pid, 'SIGSTOP');
    await place.stop('SIGKILL');
    const left = await place.until(
      async () => processesOf(place.folder),
      (found) => found.length === 0,
    );
    expect([left, isRunning(pid)]).toEqual([[], false]);
  });
});
