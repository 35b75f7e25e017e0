import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { hostFilePath, readHostFile, socketPath } from '../../src/control/place.ts';
import { processStart } from '../../src/control/process.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { type FakeHost, fakeHost, temporaryInstallation } from './fake-host.ts';

let folder: string;
let remove: () => void;
beforeEach(() => ({ folder, remove } = temporaryInstallation()));
afterEach(() => remove());

const codeOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
    return 'fine';
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.plain.code : String(thrown);
  }
};

describe('where the host is', () => {
  test('the socket is in the installation, or where a socket of that length can be', () => {
    expect(socketPath('/srv/ops')).toBe('/srv/ops/data/run/control.sock');
    const long = `/srv/${'ä'.repeat(60)}`;
    const elsewhere = socketPath(long, '/tmp', 1000);
    expect(elsewhere).toMatch(/^\/tmp\/daruma-1000\/[0-9a-f]{16}\.sock$/);
    expect(socketPath(`${long}x`, '/tmp', 1000)).not.toBe(elsewhere);
  });

  test('what the host wrote is read, and nonsense is no host', () => {
    expect(readHostFile(folder)).toBeUndefined();
    writeFileSync(hostFilePath(folder), '{"pid":12,"startedAt":"2026-11-22T11:00:00.000Z"}');
    expect(readHostFile(folder)).toMatchObject({ pid: 12, socket: socketPath(folder) });
    writeFileSync(hostFilePath(folder), '{"pid":1');
    expect(readHostFile(folder)).toBeUndefined();
  });

  test('a process is there or not', () => {
    expect(processStart(process.pid)).toBe(processStart(process.pid));
    expect(processStart(process.pid)).toBeDefined();
    expect(processStart(2 ** 22 + 12345)).toBeUndefined();
  });

  test.runIf(existsSync('/proc/self/stat'))('a process that ended and was never asked about is not there', async () => {
    // The shell becomes a program that never asks for its child, which has ended by then.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec tail -f /dev/null'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))));
    await vi.waitFor(() => expect(processStart(pid)).toBeUndefined(), { timeout: 5_000, interval: 10 });
    parent.kill('SIGKILL');
    await new Promise((resolve) => parent.once('close', resolve));
  });
});

describe('the control client', () => {
  let host: FakeHost | undefined;
  afterEach(async () => {
    await host?.close();
    host = undefined;
  });

  test('nobody there, and a socket that was left behind, are the same: no host', async () => {
    expect(await codeOf(connectControl(socketPath(folder)))).toBe('HOST_DOWN');
    const gone = mkdtempSync(join(tmpdir(), 'daruma-left-'));
    mkdirSync(gone, { recursive: true });
    const path = join(gone, 's.sock');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await new Promise((resolve) => server.close(resolve));
    writeFileSync(path, '');
    expect(await codeOf(connectControl(path))).toBe('HOST_DOWN');
    rmSync(gone, { recursive: true });
  });

  test('many requests share a connection; each gets its own answer and its own items', async () => {
    host = await fakeHost(folder, {
      job: async ({ id }) => {
        if (id === 'slow') await new Promise((resolve) => setImmediate(resolve));
        return { id } as never;
      },
      follow: ({ agent }, item) => {
        item({ agent, at: 1 });
        item({ agent, at: 2 });
        return null;
      },
    });
    const client = await connectControl(socketPath(folder));
    const items: unknown[] = [];
    const answers = await Promise.all([
      client.ask('job', { id: 'slow' }),
      client.ask('job', { id: 'fast' }),
      client.ask('follow', { agent: 'a' }, (item) => items.push(item)),
    ]);
    expect(answers).toEqual([{ id: 'slow' }, { id: 'fast' }, null]);
    expect(items).toEqual([
      { agent: 'a', at: 1 },
      { agent: 'a', at: 2 },
    ]);
    client.close();
  });

  test('an answer of megabytes arrives whole', async () => {
    const big = 'ä'.repeat(3_000_000);
    host = await fakeHost(folder, { jobs: () => [{ id: big }] as never });
    const client = await connectControl(socketPath(folder));
    const jobs = await client.ask('jobs', {});
    expect(jobs[0]!.id === big).toBe(true);
    client.close();
  });

  test('whoever waits hears that the host went away', async () => {
    let asked: () => void;
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    host = await fakeHost(folder, {
      jobs: () => {
        asked();
        return new Promise(() => {});
      },
    });
    const client = await connectControl(socketPath(folder));
    const answer = codeOf(client.ask('jobs', {}));
    await arrived;
    await host.close();
    expect(await answer).toBe('HOST_GONE');
    expect(await codeOf(client.ask('jobs', {}))).toBe('HOST_GONE');
  });

  test('a fault of the host keeps its words', async () => {
    host = await fakeHost(folder, {
      cancel: () => {
        throw new Fault({ code: 'JOB_UNKNOWN', message: 'there is no job x', next: 'daruma jobs' });
      },
    });
    const client = await connectControl(socketPath(folder));
    await expect(client.ask('cancel', { id: 'x' })).rejects.toMatchObject({
      plain: { code: 'JOB_UNKNOWN', message: 'there is no job x', next: 'daruma jobs' },
    });
    client.close();
  });
});
