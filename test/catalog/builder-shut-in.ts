/**
 * A process that shuts itself in as the builder does, tries to get out, and says as JSON how each try ended. Argument: what
 * it may write in, a path outside, and a TCP port and a socket file at which somebody listens.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { shutBuilderIn } from '../../src/catalog/builder/shut-in.ts';

interface Asked {
  inside: string;
  outside: string;
  port: number;
  socket: string;
}

const { inside, outside, port, socket } = JSON.parse(process.argv[2]!) as Asked;
const unfenced = shutBuilderIn([inside]);
const found: Record<string, string> = { fence: unfenced?.message ?? 'up' };

function tried(what: string, attempt: () => unknown): void {
  try {
    found[what] = String(attempt());
  } catch (error) {
    found[what] = (error as { code?: string }).code ?? String(error);
  }
}

function connected(to: { port: number } | { path: string }): Promise<string> {
  return new Promise((resolve) => {
    const connection = createConnection(to, () => resolve('connected'));
    connection.on('error', (error) => resolve((error as { code?: string }).code ?? error.message));
  });
}

const started = (file: string, ...args: string[]) => {
  const { error, stdout } = spawnSync(file, args, { encoding: 'utf8' });
  return error ? (error as { code?: string }).code : stdout.trim();
};
const WRITES = `try { fs.writeFileSync(${JSON.stringify(`${outside}/by-child`)}, ''); console.log('written'); } catch (error) { console.log(error.code); }`;

tried('write inside', () => writeFileSync(`${inside}/file`, 'x') ?? 'written');
tried('read outside', () => readFileSync(`${outside}/file`, 'utf8'));
tried('write outside', () => writeFileSync(`${outside}/new`, 'x') ?? 'written');
tried('overwrite outside', () => writeFileSync(`${outside}/file`, 'x') ?? 'written');
tried('signal the parent', () => process.kill(process.ppid, 0));
tried('start a shell', () => started('/bin/sh', '-c', 'echo started'));
tried('start node, which writes outside', () => started(process.execPath, '-e', WRITES));
found['connect to a port'] = await connected({ port });
found['connect to a socket file'] = await connected({ path: socket });
process.stdout.write(JSON.stringify(found));
process.exit();
