import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openKernel } from '../../src/fence/kernel.ts';
import { answerCalls, UNKNOWN_CALL } from '../fence/kernel-without.ts';
import { createNetWorld, type NetWorld } from './net-world.ts';

// The kernel's fences would hide a hole in Daruma's own: this process, and its cells, have a kernel that knows none.
if (openKernel()) answerCalls({ landlock_create_ruleset: UNKNOWN_CALL, seccomp: UNKNOWN_CALL });

describe('without the fences of a kernel, an agent with one host and port reaches no other', () => {
  let host: NetWorld;
  beforeAll(async () => {
    host = await createNetWorld();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    host.arrived.length = 0;
  });

  test('the fences of its cell are those of Node and Daruma', async () => {
    await host.outcome('return 1;');
    const cells = host.world.workers.view().cells.filter(({ agent }) => agent === host.lastAgent());
    expect(cells).toMatchObject([{ fence: { fence: 'node', landlock: 0, seccomp: false } }]);
  });

  test('what is granted works, by every kind of call', async () => {
    for (const body of [
      `return over(net.connect(GOOD, '127.0.0.1'));`,
      `return over(new net.Socket().connect({ port: 'GOOD', host: '127.0.0.1' }));`,
      `return (await fetch('http://127.0.0.1:GOOD/')).text();`,
      `const http = await import('node:http'); return new Promise((done, fail) => http.get('http://127.0.0.1:GOOD/', (answer: any) => answer.on('data', (data: any) => done(String(data)))).on('error', fail));`,
    ])
      expect(await host.outcome(body)).toMatchObject({ is: 'done' });
    expect(
      await host.outcome(`return over(net.connect(GOOD, 'localhost'));`, [`localhost:${host.ports.good}`]),
    ).toMatchObject({
      is: 'done',
      result: expect.stringMatching(/good/),
    });
    expect(host.arrived).toEqual([]);
  });

  test.each([
    [
      'a getter of the port',
      `return over(net.connect({ host: '127.0.0.1', get port() { return asked++ < 1 ? GOOD : EVIL; } }));`,
    ],
    [
      'a getter of the port, later',
      `return over(net.connect({ host: '127.0.0.1', get port() { return asked++ < 2 ? GOOD : EVIL; } }));`,
    ],
    [
      'a getter of the path',
      `return over(new net.Socket().connect({ port: GOOD, host: '127.0.0.1', get path() { return asked++ < 1 ? undefined : PIPE; } }));`,
    ],
    ['a path', `return over(net.connect(PIPE));`],
    ['a path of http', `const http: any = await import('node:http'); return over(http.get({ socketPath: PIPE }));`],
    [
      'a path of the prototype',
      `(Object.prototype as any).path = PIPE; return over(net.connect({ port: GOOD, host: '127.0.0.1' }));`,
    ],
    [
      'a hidden path of the prototype',
      `Object.defineProperty(Object.prototype, 'path', { value: PIPE, enumerable: false }); Object.defineProperty(Object.prototype, 'port', { value: EVIL }); return over(net.connect({ host: '127.0.0.1' }));`,
    ],
    ['a port of the prototype', `return over(net.connect(Object.create({ port: EVIL, host: '127.0.0.1' })));`],
    [
      'options that lie',
      `return over(net.connect(new Proxy({ port: GOOD, host: '127.0.0.1' }, { get: (target: any, name) => (name === 'port' && asked++ > 0 ? EVIL : target[name]) })));`,
    ],
    [
      'a list that changes',
      `const list: any = [{ port: GOOD, host: '127.0.0.1' }]; const both = new Proxy(list, { get: (target, name) => (name === '0' && asked++ > 0 ? { port: EVIL, host: '127.0.0.1' } : target[name]) }); return over(new net.Socket().connect(both));`,
    ],
    [
      'a port that is another text each time',
      `return over(net.connect({ host: '127.0.0.1', port: { toString: () => (asked++ < 1 ? 'GOOD' : 'EVIL'), valueOf: () => (asked++ < 1 ? GOOD : EVIL) } }));`,
    ],
    [
      'a host that is another text each time',
      `return over(net.connect({ port: EVIL, host: { toString: () => (asked++ < 1 ? 'granted.test' : '127.0.0.1') } }));`,
    ],
    [
      'a lookup of net',
      `return over(net.connect({ port: GOOD, host: 'x.test', lookup: (...args: any[]) => args.at(-1)(null, args[1]?.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4) }));`,
    ],
    [
      'a raw handle',
      `const socket = net.connect(GOOD, '127.0.0.1'); const { constructor: TCP } = socket._handle; await over(socket); const raw = new TCP(0); const code = raw.connect({ oncomplete() {} }, '127.0.0.1', EVIL); return code;`,
    ],
    [
      'a raw handle of a hook',
      `const hooks = await import('node:async_hooks'); let Request: any; hooks.createHook({ init(_id, type, _by, resource: any) { if (type === 'TCPCONNECTWRAP') Request = resource.constructor; } }).enable(); const first = net.connect(GOOD, '127.0.0.1'); const { constructor: TCP } = first._handle; await over(first); const request = new Request(); request.oncomplete = () => {}; return new TCP(0).connect(request, '127.0.0.1', EVIL);`,
    ],
    [
      'a raw handle that is connected',
      `const socket = new net.Socket(); const connected = over(socket.connect(GOOD, '127.0.0.1')); const raw = Object.getPrototypeOf(socket._handle); delete raw.connect; await connected; return over(net.connect(EVIL, '127.0.0.1'));`,
    ],
    [
      'a raw pipe',
      `const server = net.createServer(); let Pipe: any; const hooks = await import('node:async_hooks'); hooks.createHook({ init(_id, type, _by, resource: any) { if (type.startsWith('PI')) Pipe ??= resource.constructor; } }).enable(); try { server.listen(folder + '/x.sock'); } catch {} try { net.connect(PIPE).on('error', () => {}); } catch {} return Pipe ? new Pipe(0).connect({ oncomplete() {} }, PIPE) : 'none';`,
    ],
    [
      'some of lists',
      `Array.prototype.some = () => true; Array.prototype.includes = () => true; return (await context.fetch('http://127.0.0.1:EVIL/')).text();`,
    ],
    [
      'every method of texts and expressions',
      `String.prototype.toLowerCase = () => '127.0.0.1' as any; String.prototype.endsWith = () => true; String.prototype.replace = () => '127.0.0.1' as any; RegExp.prototype.exec = () => null; RegExp.prototype.test = () => true; Number.prototype.valueOf = () => GOOD; return over(net.connect(EVIL, '127.0.0.1'));`,
    ],
    [
      'Reflect and Function',
      `Reflect.apply = () => undefined as any; Function.prototype.apply = () => undefined as any; Function.prototype.call = () => undefined as any; return over(net.connect(EVIL, '127.0.0.1'));`,
    ],
    [
      'fetch of a request that lies',
      `const request = new Request('http://127.0.0.1:GOOD/'); Object.defineProperty(request, 'url', { get: () => (asked++ < 9 ? 'http://127.0.0.1:GOOD/' : '') }); return (await fetch(new Request('http://127.0.0.1:EVIL/', request))).text();`,
    ],
    [
      'an agent of http with a way of its own',
      `const http: any = await import('node:http'); const own = new http.Agent(); own.createConnection = () => net.connect(EVIL, '127.0.0.1'); return over(http.get({ port: GOOD, host: '127.0.0.1', agent: own }));`,
    ],
    [
      'tls',
      `const tls = await import('node:tls'); return over(tls.connect({ host: '127.0.0.1', get port() { return asked++ < 1 ? GOOD : EVIL; } } as any));`,
    ],
    [
      'http2',
      `const http2 = await import('node:http2'); const session: any = http2.connect('http://127.0.0.1:EVIL'); return new Promise((done, fail) => session.on('error', fail).on('remoteSettings', () => done('CONNECTED')).on('close', () => done('closed')));`,
    ],
    [
      'a bound socket',
      `const bound = new net.BoundSocket({ port: 0, host: '127.0.0.1' }); return over(new net.Socket({ handle: bound }).connect(EVIL, '127.0.0.1'));`,
    ],
    [
      'datagrams to another port',
      `const socket = (await import('node:dgram')).createSocket('udp4'); return new Promise((done, fail) => socket.send('x', UDP, '127.0.0.1', (error) => (error ? fail(error) : done('SENT'))));`,
    ],
    [
      'datagrams to a port in text',
      `const socket: any = (await import('node:dgram')).createSocket('udp4'); return new Promise((done, fail) => socket.send('x', 'UDP', '127.0.0.1', (error: any) => (error ? fail(error) : done('SENT'))));`,
    ],
    [
      'datagrams by a lookup',
      `const socket = (await import('node:dgram')).createSocket({ type: 'udp4', lookup: (...args: any[]) => args.at(-1)(null, '127.0.0.1', 4) }); return new Promise((done, fail) => socket.send('x', UDP, 'granted.test', (error) => (error ? fail(error) : done('SENT'))));`,
    ],
    [
      'datagrams after a connect',
      `const socket = (await import('node:dgram')).createSocket('udp4'); return new Promise((done, fail) => socket.on('error', fail).connect(UDP, '127.0.0.1', (error?: Error) => (error ? fail(error) : socket.send('x', () => done('SENT')))));`,
    ],
    [
      'datagrams by a raw handle',
      `const socket: any = (await import('node:dgram')).createSocket('udp4'); const inner = socket[Object.getOwnPropertySymbols(socket).find((one) => one.description === 'state symbol')!]; inner.handle.bind('0.0.0.0', 0, 0); return inner.handle.connect('127.0.0.1', UDP) === 0 ? 'CONNECTED' : 'refused';`,
    ],
    [
      'name servers of its own',
      `const dns = await import('node:dns'); const resolver = new dns.promises.Resolver({ timeout: 300, tries: 1 }); resolver.setServers(['127.0.0.1:UDP']); return resolver.resolve4('x.test');`,
    ],
    [
      'name servers of all',
      `const dns = await import('node:dns'); dns.setServers(['127.0.0.1:UDP']); return dns.promises.resolve4('x.test');`,
    ],
    [
      'name servers by the raw handle',
      `const dns: any = await import('node:dns'); const resolver = new dns.Resolver({ timeout: 300, tries: 1 }); resolver._handle.setServers([[4, '127.0.0.1', UDP]]); return new Promise((done, fail) => resolver.resolve4('x.test', (error: any) => (error ? fail(error) : done('ASKED'))));`,
    ],
    [
      'another address of the port, by a getter',
      `return over(net.connect({ port: GOOD, get host() { return asked++ < 1 ? '127.0.0.1' : '127.0.0.2'; } }));`,
    ],
    [
      'another address of the port, by a host that is another text each time',
      `return over(net.connect({ port: GOOD, host: { toString: () => (asked++ < 1 ? '127.0.0.1' : '127.0.0.2') } }));`,
    ],
    [
      'another address of the port, by a raw handle',
      `const hooks = await import('node:async_hooks'); let Request: any; hooks.createHook({ init(_id, type, _by, resource: any) { if (type === 'TCPCONNECTWRAP') Request = resource.constructor; } }).enable(); const first = net.connect(GOOD, '127.0.0.1'); const { constructor: TCP } = first._handle; await over(first); const request = new Request(); request.oncomplete = () => {}; return new TCP(0).connect(request, '127.0.0.2', GOOD);`,
    ],
    [
      'another address of the port, by some of lists',
      `Array.prototype.some = () => true; return (await context.fetch('http://127.0.0.2:GOOD/')).text();`,
    ],
  ])('%s', async (_what, body) => {
    const ended = await host.outcome(`let asked = 0; ${body}`);
    if (ended.is === 'done') expect(ended.result ?? '').not.toMatch(/CONNECTED|EVIL|SENT|ASKED/);
    expect(host.arrived).toEqual([]);
  });

  test.each([
    ['on all addresses', `net.createServer().listen(0)`],
    ['on a host that is granted for calls', `net.createServer().listen(0, '127.0.0.1')`],
    ['by a getter', `net.createServer().listen({ host: '127.0.0.1', get port() { return asked++ < 1 ? GOOD : 0; } })`],
    ['on a socket file', `net.createServer().listen(folder + '/mine.sock')`],
    ['on a descriptor', `net.createServer().listen({ fd: 3 })`],
    ['with http', `(await import('node:http')).createServer().listen(0, '0.0.0.0')`],
    ['on a bound socket', `net.createServer().listen(new net.BoundSocket({ port: 0, host: '127.0.0.1' }))`],
    ['for datagrams', `(await import('node:dgram')).createSocket('udp4').bind(18_923, '0.0.0.0')`],
  ])('and listens nowhere: %s', async (_what, body) => {
    const ended = await host.outcome(
      `let asked = 0; const server: any = ${body}; return new Promise((done, fail) => server.on('listening', () => done('LISTENS')).on('error', fail));`,
    );
    expect(ended.is === 'done' ? ended.result : 'refused').not.toContain('LISTENS');
  });

  test.each([
    [
      'a port',
      `return over(net.connect(EVIL, '127.0.0.1'));`,
      'NOT_IN_NEEDS',
      /^127\.0\.0\.1:\d+ is not in needs\.net/,
    ],
    [
      'a socket file',
      'return over(net.connect(PIPE));',
      'NOT_ALLOWED',
      /c\.sock: agent .* may not connect to a socket file/,
    ],
    [
      'a socket file to listen on',
      `net.createServer().listen(folder + '/mine.sock'); return 1;`,
      'NOT_ALLOWED',
      /mine\.sock: agent .* may not/,
    ],
    [
      'a port of fetch',
      `await fetch('http://127.0.0.1:EVIL/');`,
      'NOT_IN_NEEDS',
      /^127\.0\.0\.1:\d+ is not in needs\.net/,
    ],
    [
      'a datagram’s port',
      `const socket = (await import('node:dgram')).createSocket('udp4'); return new Promise((done, fail) => socket.send('x', UDP, '127.0.0.1', (error) => (error ? fail(error) : done('SENT'))));`,
      'NOT_IN_NEEDS',
      /^127\.0\.0\.1:\d+ is not in needs\.net/,
    ],
  ])('whoever is refused reads which one it was: %s', async (_what, body, code, message) => {
    expect(await host.outcome(body)).toMatchObject({
      is: 'failed',
      fault: { code, message: expect.stringMatching(message) },
    });
    expect(host.arrived).toEqual([]);
  });

  test('a raw handle that was bound listens nowhere', async () => {
    const ended =
      await host.outcome(`const first = net.connect(GOOD, '127.0.0.1'); const { constructor: TCP } = first._handle; await over(first);
      const raw = new TCP(1); raw.bind('127.0.0.1', 0, 0); return raw.listen(1) === 0 ? 'LISTENS' : 'refused';`);
    expect(ended).toMatchObject({ is: 'done', result: '"refused"' });
  });

  test('a lookup of its own leads a granted name nowhere else', async () => {
    const ended = await host.outcome(
      `return over(net.connect({ port: GOOD, host: 'localhost', lookup: (_host: string, options: any, call: any) => (options?.all ? call(null, [{ address: '127.0.0.2', family: 4 }]) : call(null, '127.0.0.2', 4)) }));`,
      [`localhost:${host.ports.good}`],
    );
    expect(ended).toMatchObject({ is: 'done', result: expect.stringContaining('good') });
    expect(host.arrived).toEqual([]);
  });

  test('listens where its needs name host and port', async () => {
    const port = await host.freePort();
    const ended = await host.outcome(
      `const server = net.createServer().listen(${port}, '127.0.0.1'); return new Promise((done, fail) => server.on('listening', () => { server.close(); done('LISTENS'); }).on('error', fail));`,
      [`127.0.0.1:${port}`],
    );
    expect(ended).toMatchObject({ is: 'done', result: '"LISTENS"' });
  });

  test('a datagram that is refused tells its callback and leaves the worker alone', async () => {
    const ended = await host.outcome(
      `const socket: any = (await import('node:dgram')).createSocket('udp4'); return new Promise((done) => socket.send('x', 'UDP', '127.0.0.1', (error: any) => done(error.code)));`,
    );
    expect(ended).toMatchObject({ is: 'done', result: '"NOT_IN_NEEDS"' });
    expect(host.world.ends.filter(({ agent }) => agent === host.lastAgent())).toEqual([]);
  });
});
