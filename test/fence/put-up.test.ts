import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FenceReport, FenceTerms } from '../../src/fence/terms.ts';

const ROOT = join(import.meta.dirname, '../..');
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let folder: string;
let server: Server;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-fence-'));
  mkdirSync(join(folder, 'in'));
  writeFileSync(join(folder, 'in/file'), 'inside');
  writeFileSync(join(folder, 'outside'), 'outside');
  for (const path of ['', 'in']) chmodSync(join(folder, path), 0o777);
  server = createServer((socket) => socket.end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as { port: number }).port;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

interface Found {
  report: FenceReport;
  found: Record<string, string>;
  refused?: string;
}

async function fenced(
  terms: Partial<FenceTerms>,
  as: { uid?: number; flags?: string[]; isLate?: boolean } = {},
): Promise<Found> {
  const asked = {
    terms: { read: [ROOT], write: [join(folder, 'in')], ports: null, ...terms },
    outside: join(folder, 'outside'),
    inside: join(folder, 'in/file'),
    port,
    isLate: as.isLate,
  };
  const args = ['--no-warnings', ...(as.flags ?? []), join(import.meta.dirname, 'fenced.ts'), JSON.stringify(asked)];
  const { uid } = as;
  const { stdout } = await promisify(execFile)(process.execPath, args, { ...(uid ? { uid, gid: uid } : {}), env: {} });
  return JSON.parse(stdout) as Found;
}

const USERS: [string, number | undefined][] = isRoot
  ? [
      ['root', undefined],
      ['another user', NOBODY],
    ]
  : [['this user', undefined]];

describe.each(USERS)('a process of %s that shuts itself in', (_name, uid) => {
  const as = uid ? { uid } : {};

  test('without a right: neither JavaScript nor the pool gets at a file outside, a signal, a program, a socket', async () => {
    const { report, found } = await fenced({}, as);
    expect(report).toMatchObject({
      fence: 'full',
      seccomp: true,
      missing: [],
      tried: { files: 'kernel', network: 'kernel', unixSockets: 'kernel', signals: 'kernel', commands: 'kernel' },
    });
    expect(['0', '2']).toContain(report.caps);
    expect(found).toMatchObject({
      ...{ readOutside: 'EACCES', readOutsideByPool: 'EACCES', writeOutside: 'EACCES', environ: 'EACCES' },
      ...{ readInside: 'done', readInsideByPool: 'done', signalParent: 'EPERM', signalSelf: 'done', spawn: 'EPERM' },
      ...{ connect: 'EPERM', unix: 'EPERM', listen: 'EPERM', priority: 'ERR_SYSTEM_ERROR', setId: 'EPERM' },
    });
  });

  test('with a port: that port, and no other socket', async () => {
    const { report, found } = await fenced({ ports: [port] }, as);
    expect(report).toMatchObject({ fence: 'full', tried: { network: 'kernel' } });
    expect(found).toMatchObject({ connect: 'done', connectElsewhere: 'EACCES', unix: 'EPERM', listen: 'EACCES' });
  });
});

describe('a process that shuts itself in', () => {
  test('with programs: it may start those, and they are inside as well', async () => {
    const { report, found } = await fenced({ execute: ['/bin', '/usr', '/lib', '/lib64'] });
    expect(report.tried.commands).toBe('granted');
    expect(found).toMatchObject({ spawn: 'done', readOutside: 'EACCES', signalParent: 'EPERM' });
  });

  test('under the permission model gives ffi back', async () => {
    const flags = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '--allow-ffi', '--allow-child-process'];
    const { report, found } = await fenced({}, { flags });
    expect(report.fence).toBe('full');
    expect(found).toMatchObject({ ffi: 'ERR_ACCESS_DENIED', spawn: 'ERR_ACCESS_DENIED', readOutside: 'EACCES' });
  });

  test('without ffi says that Node alone holds', async () => {
    const { report } = await fenced({}, { flags: ['--permission', '--allow-fs-read=*'] });
    expect(report).toMatchObject({
      fence: 'node',
      landlock: 0,
      seccomp: false,
      tried: { files: 'node', signals: 'node' },
    });
    expect(report.missing).toHaveLength(2);
  });

  test('too late, when a thread of the pool would stay outside, refuses', async () => {
    expect((await fenced({}, { isLate: true })).refused).toMatch('older than the fence');
  });
});
