/**
 * A host whose kernel may lack fences, and plugins that try to get out of their cells. Prints what each got: a process of its
 * own, because layers are taken away by a filter on the host, as a kernel without them would answer.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { answerCalls, UNKNOWN_CALL } from '../fence/kernel-without.ts';
import { createWorld, runs } from './world.ts';

/** What a plugin tries. Each throws, rejects, or gets something; `at` are places outside, in its own folder, and ports. */
const PROBES = `
  const fs = process.getBuiltinModule('node:fs');
  const lost = (emitter, event) => new Promise((done, fail) => emitter.once(event, () => done('got')).once('error', fail));
  const module = (name) => import(name);
  const probes = {
    readOutside: () => fs.readFileSync(at.outside),
    readOutsideByPool: () => fs.promises.readFile(at.outside),
    readOfStore: () => fs.readFileSync(at.store),
    listOutside: () => fs.readdirSync('/etc'),
    writeOutside: () => fs.writeFileSync(at.outside + '.new', ''),
    throughLink: () => fs.readFileSync(at.link),
    importOutside: () => import(at.json, { with: { type: 'json' } }),
    environOfHost: () => fs.readFileSync('/proc/' + process.ppid + '/environ'),
    mapsOfHost: () => fs.readFileSync('/proc/' + process.ppid + '/maps'),
    environOfCell: () => fs.readFileSync('/proc/self/environ'),
    descriptorsOfHost: () => fs.readdirSync('/proc/' + process.ppid + '/fd'),
    signalHost: () => process.kill(process.ppid, 0),
    signalHostRaw: () => { if (process._kill(process.ppid, 0) !== 0) throw new Error('refused'); },
    signalNeighbour: () => process.kill(at.neighbour, 0),
    spawn: async () => (await module('node:child_process')).execFileSync('/bin/true'),
    thread: async () => lost(new (await module('node:worker_threads')).Worker('', { eval: true }), 'online'),
    inspector: async () => (await module('node:inspector')).open(0),
    ffi: async () => (await module('node:ffi')).dlopen(null, {}),
    addon: () => process.dlopen({ exports: {} }, at.outside),
    sqlite: async () => new (await module('node:sqlite')).DatabaseSync(at.store),
    unixSocket: async () => lost((await module('node:net')).connect(at.socket), 'connect'),
    abstractSocket: async () => lost((await module('node:net')).connect('\\0daruma-probe'), 'connect'),
    otherPort: async () => lost((await module('node:net')).connect(at.otherPort, '127.0.0.1'), 'connect'),
    listen: async () => lost((await module('node:net')).createServer().listen(0, '127.0.0.1'), 'listening'),
    datagram: async () => (await new Promise((done, fail) => module('node:dgram').then(({ createSocket }) => createSocket('udp4').once('error', fail).send('x', at.otherPort, '127.0.0.1', (error) => error ? fail(error) : done('got')), fail))),
    priority: async () => (await module('node:os')).setPriority(0, 5),
    setId: () => fs.closeSync(fs.openSync(at.own + '/set-id', 'w', 0o4755)),
    ownPort: async () => lost((await module('node:net')).connect(at.port, '127.0.0.1'), 'connect'),
    ownFile: () => fs.writeFileSync(at.own + '/mine', 'x'),
  };
  const found = {};
  for (const [name, probe] of Object.entries(probes)) {
    try { await probe(); found[name] = 'got'; }
    catch (error) { found[name] = String(error?.code ?? error?.message); }
  }
  return found;
`;

const { withoutLandlock, withoutFilter } = JSON.parse(process.argv[2]!) as Record<string, boolean>;
answerCalls({
  ...(withoutLandlock ? { landlock_create_ruleset: UNKNOWN_CALL } : {}),
  ...(withoutFilter ? { seccomp: UNKNOWN_CALL } : {}),
});

const world = await createWorld();
const at = {
  ...{
    outside: join(world.folder, 'outside'),
    json: join(world.folder, 'outside.json'),
    own: join(world.folder, 'own'),
  },
  ...{
    store: join(world.folder, 'store.db'),
    link: join(world.folder, 'own/link'),
    socket: join(world.folder, 'host.sock'),
  },
  ...{ port: 0, otherPort: 0, neighbour: 0 },
};
mkdirSync(at.own);
for (const file of [at.outside, at.store]) writeFileSync(file, 'secret');
writeFileSync(at.json, '{}');
chmodSync(world.folder, 0o755);
const servers = [createServer(), createServer(), createServer(), createServer()];
const [port, otherPort, unix, abstract] = servers.map((server) =>
  server.on('connection', (socket) => socket.destroy()),
);
for (const server of [port!, otherPort!]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
await new Promise<void>((done) => unix!.listen(at.socket, done));
await new Promise<void>((done) => abstract!.listen('\0daruma-probe', done));
at.port = (port!.address() as { port: number }).port;
at.otherPort = (otherPort!.address() as { port: number }).port;

// Each is the neighbour of the other: the first cell lives while the second is probed.
await world.agent('bare', runs(`const at = job.input; ${PROBES}`));
await world.agent('granted', runs(`const at = job.input; ${PROBES}`), {
  needs: { secrets: ['TOKEN'], net: [`127.0.0.1:${at.port}`], write: [at.own] },
});
const found: Record<string, unknown> = {};
for (const name of ['granted', 'bare']) {
  at.neighbour = world.workers.view().cells.at(0)?.pid ?? 0;
  const outcome = await world.run(name, at);
  found[name] = outcome.is === 'done' ? JSON.parse(outcome.result!) : outcome;
}
const cells = world.workers.view().cells.filter(({ is }) => is !== 'spare');
console.log(JSON.stringify({ found, fences: cells.map(({ is, agent, fence }) => ({ is, agent, fence })) }));
for (const server of servers) server.close();
await world.close();
process.exit(0);
