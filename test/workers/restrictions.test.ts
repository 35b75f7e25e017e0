import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/jobs/model.ts';
import { type AgentChange, createWorld, runs, type World } from './world.ts';

describe('a worker sees what its agent declared and nothing else', () => {
  let world: World;
  let server: Server;
  let port = 0;

  beforeAll(async () => {
    process.env.DARUMA_TEST_OPEN = 'open';
    process.env.DARUMA_TEST_SECRET = 'hidden';
    world = await createWorld();
    server = createServer((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: `http://localhost:${port}/` });
      response.end('hello');
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    server.close();
    delete process.env.DARUMA_TEST_OPEN;
    delete process.env.DARUMA_TEST_SECRET;
    await world.close();
  });

  let last = 0;
  async function outcome(body: string, needs: AgentChange['needs'] = {}): Promise<Outcome> {
    const name = `fenced-${++last}`;
    world.remove(`fenced-${last - 1}`);
    await world.agent(name, runs(body), { needs });
    return world.run(name);
  }
  async function value(body: string, needs: AgentChange['needs'] = {}): Promise<unknown> {
    const ended = await outcome(body, needs);
    if (ended.is === 'failed') throw new Error(`${ended.fault.code}: ${ended.fault.message}`);
    return ended.result === null ? undefined : JSON.parse(ended.result);
  }

  test('of Node itself no more than it asks for: each worker would hold its HTTP, TLS and crypto', async () => {
    const loaded = `const loaded = () => process.moduleLoadList.filter((name) => /undici|NativeModule (?:http|tls|crypto)$/.test(name));`;
    for (const net of [[], ['api.shop.example']]) {
      const [before, after] = (await value(`${loaded} return [loaded(), (WebSocket, loaded())];`, {
        net,
      })) as string[][];
      expect(before).toEqual([]);
      expect(after).toContain('NativeModule internal/deps/undici/undici');
    }
  });

  test('of web sockets the class that Node has', async () => {
    expect(
      await value(`return [WebSocket.OPEN, WebSocket.name, WebSocket === globalThis.WebSocket, typeof gc];`),
    ).toEqual([1, 'WebSocket', true, 'undefined']);
  });

  test('of the environment', async () => {
    expect(
      await value('return { open: process.env.DARUMA_TEST_OPEN, all: Object.keys(process.env) };', {
        env: ['DARUMA_TEST_OPEN'],
      }),
    ).toEqual({ open: 'open', all: ['DARUMA_TEST_OPEN'] });
    const environ = readFileSync(`/proc/${world.cells()[0]}/environ`, 'utf8');
    expect(environ).not.toContain('DARUMA_TEST');
    expect(
      environ
        .split('\0')
        .filter(Boolean)
        .map((entry) => entry.split('=')[0])
        .sort(),
    ).toEqual(expect.arrayContaining(['PATH', 'UV_THREADPOOL_SIZE']));
  });

  test('of the files: nothing outside of its needs, not even its own folder', async () => {
    const shared = join(world.folder, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'note.txt'), 'hi');
    const read = `const fs = await import('node:fs'); return fs.readFileSync('${join(shared, 'note.txt')}', 'utf8');`;
    expect(await outcome(read)).toMatchObject({
      is: 'failed',
      retry: false,
      fault: {
        code: 'NOT_IN_NEEDS',
        message: expect.stringMatching(/^shared\/note.txt is not in needs.read of agent fenced-/),
        next: expect.stringMatching(/^add needs: { read: \['shared\/note.txt'\] }: plugins\/fenced-\d+.ts:2$/),
      },
    });
    expect(await value(read, { read: ['shared'] })).toBe('hi');
    expect(await value(read, { read: ['shared/note.txt'] })).toBe('hi');
    // No working folder is the installation: who writes a relative path is told what to write.
    const relative = `const fs = await import('node:fs'); return fs.readFileSync('shared/note.txt', 'utf8');`;
    expect(await outcome(relative, { read: ['shared'] })).toMatchObject({
      fault: { code: 'ENOENT', next: expect.stringContaining('join(folder, "shared/note.txt")') },
    });
    expect(await outcome(read.replace('readFileSync', 'writeFileSync'), { read: ['shared'] })).toMatchObject({
      fault: { code: 'NOT_IN_NEEDS', next: expect.stringContaining("write: ['shared/note.txt']") },
    });
    expect(await outcome(`const fs = await import('node:fs'); return fs.readdirSync(folder);`)).toMatchObject({
      is: 'failed',
    });
    expect(
      await outcome(`const fs = await import('node:fs'); return fs.readFileSync('/proc/self/environ');`),
    ).toMatchObject({
      is: 'failed',
    });
  });

  test('of what it may write: folders that are missing are made', async () => {
    expect(
      await value(
        `const fs = await import('node:fs'); fs.writeFileSync(folder + '/out/deep/a.txt', 'x'); return fs.readFileSync(folder + '/out/deep/a.txt', 'utf8');`,
        { write: ['out/deep'] },
      ),
    ).toBe('x');
  });

  test.each([
    ["import('node:child_process')"],
    ["import('child_process')"],
    ["import('node:worker_threads')"],
    ["import('node:cluster')"],
    ["import('node:v8')"],
    ["import('node:inspector')"],
    ["import('node:inspector/promises')"],
    ["import('node:sqlite')"],
    ["Promise.resolve(process.getBuiltinModule('node:child_process'))"],
    ["import('node:module').then(({ createRequire }) => createRequire('/x.js')('node:child_process'))"],
    ["import('node:module').then(({ default: M }) => M._load('node:v8'))"],
    ['import(\'data:text/javascript,export * from "node:worker_threads"\')'],
    ["Promise.resolve(process.kill(process.pid, 'SIGTERM'))"],
    ['Promise.resolve(process._kill(process.pid, 15))'],
    ["Promise.resolve(process.binding('fs'))"],
    ["import('node:os').then((os) => os.setPriority(10))"],
  ])('of the modules that reach beyond it: not %s', async (expression) => {
    expect(await outcome(`await ${expression}; return 'got it';`)).toMatchObject({
      is: 'failed',
      fault: { message: expect.stringMatching(/not allowed|restricted/) },
    });
  });

  test('of node:sqlite, when it asked for it', async () => {
    const body = `const { DatabaseSync } = await import('node:sqlite'); return new DatabaseSync(':memory:').prepare('SELECT 1 AS one').get().one;`;
    expect(await value(body, { modules: ['node:sqlite'] })).toBe(1);
    expect(await outcome(body)).toMatchObject({ fault: { next: expect.stringContaining('node:sqlite') } });
  });

  test('of the descriptors: those that it opened itself', async () => {
    const fs = `const fs = await import('node:fs'); const other = await import('node:fs/promises'); const out = folder + '/out/fd.txt';`;
    const needs = { write: ['out'], read: ['out'] };
    for (const call of [
      'fs.readSync(3, Buffer.alloc(8))',
      "fs.writeSync(3, 'x')",
      'fs.closeSync(4)',
      'fs.readFileSync(5)',
      'fs.ftruncateSync(3)',
      'await new Promise((done, fail) => fs.read(3, Buffer.alloc(8), 0, 8, null, (error) => (error ? fail(error) : done(0))))',
      "await other.readFile(3 as never).then((text) => { if (String(text) === '') throw new Error('was not opened'); })",
      "new (await import('node:net')).Socket({ fd: 3 })",
      "new (await import('node:tty')).WriteStream(3)",
      "await new Promise((done, fail) => fs.createReadStream('', { fd: 3 }).on('error', fail).on('end', done).resume())",
      "const own = fs.openSync(out, 'w'); fs.closeSync(own); fs.writeSync(own, 'x')",
    ]) {
      const ended = await outcome(`${fs} ${call}; return 'got it';`, needs);
      expect(ended, call).toMatchObject({
        is: 'failed',
        fault: { message: expect.stringMatching(/not opened|argument/) },
      });
    }
    const own = `${fs} const fd = fs.openSync(out, 'w'); fs.writeSync(fd, 'a'); fs.closeSync(fd);
      const handle = await other.open(out, 'a'); await new Promise((done, fail) => fs.write(handle.fd, 'b', (error) => (error ? fail(error) : done(0)))); await handle.close();
      await new Promise((done) => fs.createWriteStream(out, { flags: 'a' }).end('c', done as never));
      fs.writeSync(1, 'printed by number\\n'); return fs.readFileSync(out, 'utf8');`;
    expect(await value(own, needs)).toBe('abc');
    await world.until('the line is there', () => world.lines.some(({ message }) => message === 'printed by number'));
  });

  test('of the hosts: fetch, of both kinds, says which one is missing', async () => {
    const fetches = (which: string, url: string) => `return (await ${which}('${url}')).text();`;
    const here = `http://127.0.0.1:${port}/`;
    for (const which of ['fetch', 'context.fetch']) {
      expect(await value(fetches(which, here), { net: [`127.0.0.1:${port}`] })).toBe('hello');
      for (const net of [[], ['example.org'], ['127.0.0.1:1']]) {
        const ended = await outcome(fetches(which, here), { net });
        expect(ended).toMatchObject({
          fault: {
            code: 'NOT_IN_NEEDS',
            message: expect.stringContaining(`127.0.0.1:${port} is not in needs.net of agent fenced-`),
          },
        });
        expect(ended).toMatchObject({
          retry: false,
          fault: { next: expect.stringContaining(`{ net: ['127.0.0.1:${port}'] }`) },
        });
      }
    }
    expect(await value(fetches('fetch', here), { net: ['*'] })).toBe('hello');
  });

  test('of the hosts: a redirect to another one is refused too', async () => {
    expect(
      await outcome(`return (await fetch('http://127.0.0.1:${port}/away')).text();`, { net: ['127.0.0.1'] }),
    ).toMatchObject({ fault: { code: 'NOT_IN_NEEDS', message: expect.stringContaining('localhost:') } });
  });

  test.each([
    [
      'node:http',
      `const http = await import('node:http'); return new Promise((done, fail) => http.get('http://localhost:PORT/', (answer) => done(answer.statusCode)).on('error', fail));`,
    ],
    [
      'node:net',
      `const net = await import('node:net'); return new Promise((done, fail) => net.connect(PORT, 'localhost', () => done('in')).on('error', fail));`,
    ],
    [
      'a new Socket',
      `const net = await import('node:net'); return new Promise((done, fail) => new net.Socket().connect({ port: PORT, host: 'localhost' }, () => done('in')).on('error', fail));`,
    ],
    [
      'a socket file',
      `const net = await import('node:net'); return new Promise((done, fail) => net.connect('/tmp/any.sock', () => done('in')).on('error', fail));`,
    ],
    [
      'node:tls',
      `const tls = await import('node:tls'); return new Promise((done, fail) => tls.connect({ port: PORT, host: 'localhost' }, () => done('in')).on('error', fail));`,
    ],
    [
      'node:dgram',
      `const dgram = await import('node:dgram'); const socket = dgram.createSocket('udp4'); return new Promise((done, fail) => socket.send('x', PORT, 'localhost', (error) => (error ? fail(error) : done('sent'))));`,
    ],
  ])('of the hosts: %s is guarded', async (_what, body) => {
    const ended = await outcome(body.replaceAll('PORT', String(port)), { net: ['127.0.0.1'] });
    expect(ended).toMatchObject({ is: 'failed', fault: { code: expect.stringMatching(/NOT_IN_NEEDS|NOT_ALLOWED/) } });
  });

  test.each([
    [
      'http',
      `const http = await import('node:http'); await new Promise((done, fail) => http.get('http://127.0.0.1:8099/', done).on('error', fail));`,
      '127.0.0.1:8099',
    ],
    ['a name', `await (await import('node:dns/promises')).lookup('db.shop.example');`, 'db.shop.example'],
    [
      'a server',
      `(await import('node:http')).createServer().listen(8080, '127.0.0.1'); await new Promise(() => {});`,
      '127.0.0.1:8080',
    ],
    ['a web socket', `new WebSocket('ws://feed.example:9443/x');`, 'feed.example:9443'],
    [
      'datagrams',
      `(await import('node:dgram')).createSocket('udp4').send('x', 53, '9.9.9.9'); await new Promise(() => {});`,
      '9.9.9.9:53',
    ],
  ])('of the network without any host in its needs, at the author’s file: %s', async (_what, body, asked) => {
    expect(await outcome(body)).toMatchObject({
      retry: false,
      fault: {
        code: 'NOT_IN_NEEDS',
        data: { need: 'net', asked },
        next: expect.stringMatching(/: plugins\/fenced-\d+.ts:2$/),
        file: expect.stringMatching(/^plugins/),
      },
    });
  });

  test('of its process', async () => {
    expect(await outcome(`process.chdir('/tmp');`)).toMatchObject({
      retry: false,
      fault: {
        code: 'NOT_ALLOWED',
        message: expect.stringContaining('process.chdir() is not allowed in agent fenced-'),
        next: 'build paths from context.folder',
      },
    });
  });

  test('of what nothing in needs grants', async () => {
    const fsync = `const { open } = await import('node:fs/promises'); const file = await open(folder + '/out/x', 'w'); try { await file.sync(); } finally { await file.close(); }`;
    expect(await outcome(fsync, { write: ['out'] })).toMatchObject({
      retry: false,
      fault: {
        code: 'NOT_IN_NEEDS',
        message: expect.stringContaining('fsync'),
        next: expect.stringContaining('do without it'),
      },
    });
  });

  test('and an error that the plugin caught is its own matter', async () => {
    expect(await value(`try { await fetch('http://127.0.0.1:9/'); } catch (error) { return error.code; }`)).toBe(
      'NOT_IN_NEEDS',
    );
    expect(
      await outcome(`try { await fetch('http://127.0.0.1:9/'); } catch { throw new Error('no luck'); }`),
    ).toMatchObject({ retry: true });
    expect(
      await outcome(
        `try { await fetch('http://127.0.0.1:9/'); } catch (cause) { throw new Error('no luck', { cause }); }`,
      ),
    ).toMatchObject({ retry: false });
  });

  test('of the network without any host in its needs: Node itself denies it', async () => {
    expect(
      await outcome(
        `const net = await import('node:net'); return new Promise((done, fail) => net.connect(${port}, '127.0.0.1', () => done('in')).on('error', fail));`,
      ),
    ).toMatchObject({
      is: 'failed',
      retry: false,
      fault: { code: 'NOT_IN_NEEDS', next: expect.stringContaining(`net: ['127.0.0.1:${port}']`) },
    });
  });
});
