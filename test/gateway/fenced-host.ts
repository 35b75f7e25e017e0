/**
 * A host with secrets of its own, in an installation that has others: runs commands and prints what came of each, as one JSON.
 * Usage: fenced-host <JSON: { folder, fence, uid?, orders }>
 */
import { chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { hardenProcess } from '../../src/fence/status.ts';
import { createExec } from '../../src/gateway/exec/exec.ts';
import type { ExecOrder } from '../../src/gateway/exec/ports.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { brokerOf } from './world.ts';

const { folder, fence, uid, orders } = JSON.parse(process.argv[2]!);
const runFolder = join(folder, 'data/run');
const socket = join(runFolder, 'control.sock');
const store = join(folder, 'data/daruma.db');
mkdirSync(runFolder, { recursive: true });
for (const name of ['site', 'other', 'empty']) mkdirSync(join(folder, name));
for (const path of ['.env', 'data/daruma.db', 'data/run/control.sock.token', 'other/file'])
  writeFileSync(join(folder, path), 'SECRET_OF_FILE', { mode: 0o600 });
writeFileSync(join(folder, 'site/page'), 'a page');
if (uid !== undefined) {
  give(folder);
  process.setgroups!([uid]);
  process.setgid!(uid);
  process.setuid!(uid);
}
hardenProcess();
const server = createServer((client) => client.end('SECRET_OF_SOCKET')).listen(socket);
const abstract = createServer((client) => client.end('SECRET_OF_SOCKET')).listen(`\0daruma-${process.pid}`);
const tcp = createServer((client) => client.end('from the network')).listen(0, '127.0.0.1');
await new Promise((listening) => tcp.once('listening', listening));

const exec = createExec(
  { time: machineTime, log: silentLog, left() {}, used() {}, brokerBroken() {} },
  { folder, runFolder, fence, graceMs: 300, hidden: [join(folder, '.env'), runFolder, store] },
);
let lastCall = 0;
const results: Record<string, unknown> = {};
try {
  await exec.start();
  results.fence = (await exec.fence()).fence;
  // The broker is there before the attacks that look for it.
  await run({ command: 'true', args: [] });
  const names: Record<string, string> = {
    HOST: `${process.pid}`,
    BROKER: `${brokerOf(process.pid, runFolder)}`,
    PORT: `${(tcp.address() as { port: number }).port}`,
    FOLDER: folder,
  };
  await Promise.all(
    Object.entries(orders as Record<string, Partial<ExecOrder>>).map(async ([name, order]) => {
      const args = order.args!.map((arg) => arg.replace(/@([A-Z]+)@/g, (_, word) => names[word]!));
      results[name] = await run({ ...order, args });
    }),
  );
} catch (error) {
  results.refused = (error as { plain?: unknown }).plain ?? String(error);
}
await exec.stop();
for (const one of [server, abstract, tcp]) one.close();
// An exit would cut off what the reader has not taken yet.
process.stdout.write(JSON.stringify(results), () => process.exit(0));

async function run(order: Partial<ExecOrder>): Promise<unknown> {
  const call = ++lastCall;
  const needs = { exec: ['*'], read: ['site'], write: ['empty'] };
  try {
    return await exec.run({ agent: 'a', job: 'j1', attempt: 1, call, command: 'sh', args: [], needs, ...order });
  } catch (error) {
    return (error as { plain?: unknown }).plain ?? String(error);
  }
}

function give(path: string): void {
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name));
}
