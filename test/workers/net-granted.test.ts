import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNetWorld, type NetWorld } from './net-world.ts';

describe('behind the fences of the kernel, an agent with one host and port', () => {
  let host: NetWorld;
  beforeAll(async () => {
    host = await createNetWorld();
  });
  afterAll(() => host.close());

  test('reaches it by every kind of call', async () => {
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

  test('listens where its needs name host and port', async () => {
    const port = await host.freePort();
    const ended = await host.outcome(
      `const server = net.createServer().listen(${port}, '127.0.0.1'); return new Promise((done, fail) => server.on('listening', () => { server.close(); done('LISTENS'); }).on('error', fail));`,
      [`127.0.0.1:${port}`],
    );
    expect(ended).toMatchObject({ is: 'done', result: '"LISTENS"' });
  });

  test.each([
    ['another port', "return over(net.connect(EVIL, '127.0.0.1'));"],
    ['a socket file', 'return over(net.connect(PIPE));'],
    [
      'a datagram to another port',
      `const socket = (await import('node:dgram')).createSocket('udp4'); return new Promise((done, fail) => socket.send('x', UDP, '127.0.0.1', (error) => (error ? fail(error) : done('SENT'))));`,
    ],
  ])('does not reach %s', async (_what, body) => {
    expect(await host.outcome(body)).toMatchObject({ is: 'failed' });
    expect(host.arrived).toEqual([]);
  });
});
