import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBuilder } from '../../src/catalog/builder/client.ts';
import { ALONE, LOAD_BOUNDS } from '../../src/catalog/builder/messages.ts';
import { openFrameChannel } from '../../src/kernel/frames.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { DONE } from '../fence/kernel-without.ts';
import { childrenOf, makeWorld, plugin } from './world.ts';

/** `CAP_DAC_OVERRIDE`: the files of a plugin may be another user's. */
const USE_FILES_OF_OTHERS = 2;

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-builder-fence-')));
  for (const name of ['in', 'out']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'out/file'), 'outside');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What the kernel says of a process. */
function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/:\s+/) as [string, string]));
}

/** The processes below one, without those that end while they are looked at. */
function processesBelow(parent: number) {
  return childrenOf(parent).flatMap(({ pid, name }) => {
    try {
      return [{ name, status: statusOf(pid), limits: readFileSync(`/proc/${pid}/limits`, 'utf8') }];
    } catch {
      return [];
    }
  });
}

async function listening(at: number | string): Promise<Server> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((done) => server.listen(at, done));
  return server;
}

describe('the fence of the builder', () => {
  it('is around the builder and its compiler; a load process has its own within it', async () => {
    const world = await makeWorld({ 'plugins/one.ts': plugin('one') });
    try {
      let all: ReturnType<typeof processesBelow> = [];
      world.write(
        'plugins/loops.ts',
        "import { definePlugin } from 'daruma';\nfor (;;) {}\nexport default definePlugin({ about: 'x', run() {} });\n",
      );
      const isLoading = ({ status }: (typeof all)[number]) => status.Seccomp_filters === String(filtersHere() + 2);
      await world.until('a load process is shut in twice', () => {
        all = processesBelow(process.pid);
        return all.some(isLoading);
      });
      expect(all.map(({ name }) => name)).toContain('esbuild');
      for (const { status, limits } of all) {
        expect(status).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' });
        expect(Number.parseInt(status.CapEff!, 16) & ~USE_FILES_OF_OTHERS).toBe(0);
        expect(limits).toMatch(/^Max core file size +0 +0 /m);
      }
      for (const { status } of all.filter(isLoading)) expect(Number.parseInt(status.CapEff!, 16)).toBe(0);
    } finally {
      await world.end();
    }
  });

  it('lets the builder write where versions are staged, and nowhere else', async () => {
    const emptyFolder = join(folder, 'in/.empty');
    mkdirSync(emptyFolder);
    mkdirSync(join(folder, 'plugins'));
    const entry = join(folder, 'plugins/one.ts');
    writeFileSync(entry, plugin('one'));
    const builder = createBuilder(
      { time: machineTime, log: silentLog },
      { emptyFolder, writes: [join(folder, 'in')], compileMs: 20_000, inspectMs: 5_000, warmMs: 1_000, parallel: 1 },
    );
    const ask = (staging: string) => ({
      entry,
      folder,
      daruma: join(import.meta.dirname, '../../dist/index.js'),
      runtime: 'test',
      staging: join(folder, staging),
      asked: [],
    });
    try {
      const compiled = await builder.compile(ask('in'));
      expect(compiled.ok ? [] : compiled.fault).toEqual([]);
      await expect(builder.compile(ask('out'))).rejects.toThrow(/EACCES/);
      expect(readdirSync(join(folder, 'out'))).toEqual(['file']);
    } finally {
      await builder.stop();
    }
  });

  it('refuses connections, signals, and programs other than its own, to what it starts as well', async () => {
    const [server, unix] = [await listening(0), await listening(join(folder, 'socket'))];
    try {
      const { port } = server.address() as { port: number };
      const asked = { inside: join(folder, 'in'), outside: join(folder, 'out'), port, socket: join(folder, 'socket') };
      const script = join(import.meta.dirname, 'builder-shut-in.ts');
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', script, JSON.stringify(asked)]);
      expect(JSON.parse(stdout)).toEqual({
        fence: 'up',
        'write inside': 'written',
        'read outside': 'outside',
        'write outside': 'EACCES',
        'overwrite outside': 'EACCES',
        'signal the parent': 'EPERM',
        'start a shell': 'EACCES',
        'start node, which writes outside': 'EACCES',
        'connect to a port': 'EPERM',
        'connect to a socket file': 'EPERM',
      });
      expect(existsSync(join(folder, 'out/by-child'))).toBe(false);
    } finally {
      server.close();
      unix.close();
    }
  });

  it('is not relied on by a load process, which tries its own', async () => {
    const loader = join(import.meta.dirname, '../../dist/catalog/builder/loader.js');
    const without = join(import.meta.dirname, '../fence/kernel-without.ts');
    // By an import, since an execve closes the pipe.
    const code = `const { answerCalls } = await import(${JSON.stringify(without)});
answerCalls({ landlock_restrict_self: ${DONE} });
await import(${JSON.stringify(loader)});`;
    const args = ['--no-warnings', '--input-type=module', '-e', code, loader, ALONE, String(process.pid)];
    const child = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    const pipe = child.stdio[3] as Socket;
    const order = { key: 'key', bundle: join(folder, 'plugin.mjs'), code: 'export default 1;', settings: [] };
    const answer = new Promise((resolve) => {
      openFrameChannel(pipe, { receive: resolve, broken: resolve }, LOAD_BOUNDS).send([order]);
      child.once('exit', (status) => setImmediate(resolve, `it ended with ${status}`));
    });
    expect(await answer).toEqual([
      {
        key: 'key',
        finding: { is: 'unfenced', message: 'the fences of its load process do not hold (not refused: files)' },
      },
    ]);
  });
});

/** The filters that this process itself is behind. */
function filtersHere(): number {
  return Number(statusOf(process.pid).Seccomp_filters ?? 0);
}
