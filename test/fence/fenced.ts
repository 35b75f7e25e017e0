/** Shuts itself in by the terms that it is given, tries each probe, and prints what came of it. */

import { spawnSync } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { setPriority } from 'node:os';
import { putUpFence } from '../../src/fence/put-up.ts';

const { terms, outside, inside, port, isLate } = JSON.parse(process.argv[2]!);
if (isLate) await readFile(inside);
try {
  const report = putUpFence(terms);
  const ended = (socket: ReturnType<typeof connect>) =>
    new Promise((done, fail) => socket.once('connect', () => done('connected')).once('error', fail));
  const probes: Record<string, () => unknown> = {
    readOutside: () => readFileSync(outside),
    readOutsideByPool: () => readFile(outside),
    writeOutside: () => writeFileSync(`${outside}.new`, ''),
    environ: () => readFileSync(`/proc/${process.ppid}/environ`),
    readInside: () => readFileSync(inside, 'utf8'),
    readInsideByPool: () => readFile(inside, 'utf8'),
    signalParent: () => process.kill(process.ppid, 0),
    signalSelf: () => process.kill(process.pid, 0),
    spawn: () => {
      const { error } = spawnSync('/bin/true');
      if (error) throw error;
    },
    connect: () => ended(connect(port, '127.0.0.1')),
    connectElsewhere: () => ended(connect(9, '127.0.0.1')),
    unix: () => ended(connect('/tmp/no.sock')),
    listen: () =>
      new Promise((done, fail) => {
        process.once('uncaughtException', fail);
        createServer()
          .once('error', fail)
          .listen(0, '127.0.0.1', () => done(1));
      }),
    priority: () => setPriority(0, 5),
    setId: () => openSync(`${inside}.set`, 'w', 0o4755),
    ffi: async () => (await import('node:ffi' as string)).dlopen(null, {}),
  };
  const found: Record<string, string> = {};
  for (const [name, probe] of Object.entries(probes)) {
    try {
      await probe();
      found[name] = 'done';
    } catch (error) {
      found[name] = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }
  console.log(JSON.stringify({ report, found }));
  process.exit(0);
} catch (error) {
  console.log(JSON.stringify({ refused: (error as Error).message }));
}
