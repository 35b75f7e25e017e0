import { cpSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectHost } from '../../src/control/own-host.ts';
import {
  copiedFrom,
  fileId,
  folderRef,
  guardianOf,
  hostFilePath,
  hostFileText,
  hostOf,
  isSameFolder,
  readHostFile,
  socketPath,
} from '../../src/control/place.ts';
import { thisProcess } from '../../src/control/process.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { type Answers, type FakeHost, fakeHost, temporaryInstallation } from './fake-host.ts';

let folder: string;
let copy: string;
let remove: () => void;
let host: FakeHost | undefined;
beforeEach(() => {
  ({ folder, remove } = temporaryInstallation());
  copy = join(realpathSync(mkdtempSync(join(tmpdir(), 'daruma-copy-'))), 'copy');
});
afterEach(async () => {
  await host?.close();
  host = undefined;
  remove();
  rmSync(join(copy, '..'), { recursive: true, force: true });
});

/** Copies the folder as `cp -r` does, with the file in which its host wrote about itself. */
const copied = () => cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
const about = (of: string, more: object = {}) => ({
  ...thisProcess(),
  startedAt: '2026-11-22T11:00:00.000Z',
  socket: socketPath(of),
  logs: join(of, 'logs'),
  guardian: thisProcess(),
  ...more,
});
const written = (of: string, more: object = {}) =>
  writeFileSync(hostFilePath(of), hostFileText(folderRef(of), about(of, more)));
const faultOf = async (of: string) => {
  const answer = await connectHost(of, machineTime).catch((thrown) => thrown as Fault);
  if (answer instanceof Fault) return answer.plain;
  answer.close();
  return undefined;
};
const answering = async (ping: Partial<Awaited<ReturnType<NonNullable<Answers['ping']>>>>, more: Answers = {}) => {
  host = await fakeHost(folder, {
    ping: () => ({ pid: 1, version: '0', startedAt: '2026-11-22T11:00:00.000Z', ...ping }),
    ...more,
  });
};

describe('what a host wrote about itself', () => {
  it('names no path that can be computed, and none in the folder by its whole path', () => {
    const text = hostFileText(folderRef(folder), about(folder));
    expect(text).not.toContain(`${folder}/`);
    expect(JSON.parse(text)).toMatchObject({ folder, folderId: fileId(folder) });
    written(folder, { socket: join(folder, 'run/own.sock'), logs: '/var/log/ops' });
    expect(readHostFile(folder)).toMatchObject({ socket: join(folder, 'run/own.sock'), logs: '/var/log/ops' });
  });

  it('is about this folder wherever it was moved to, and about no copy of it', () => {
    written(folder);
    copied();
    expect(hostOf(folder)).toEqual(thisProcess());
    expect(guardianOf(folder)).toEqual(thisProcess());
    expect([readHostFile(copy), hostOf(copy), guardianOf(copy)]).toEqual([undefined, undefined, undefined]);
    expect(copiedFrom(copy)).toBe(folder);
    expect(copiedFrom(folder)).toBeUndefined();
    renameSync(folder, `${folder}-moved`);
    expect(readHostFile(`${folder}-moved`)).toMatchObject({ socket: socketPath(`${folder}-moved`) });
    renameSync(`${folder}-moved`, folder);
  });

  it('is not believed about a process of which it has the number alone, whatever else it says', () => {
    const { pid } = thisProcess();
    const texts = [
      { pid, startedAt: 'x', guardian: pid },
      { pid, startedAt: 'x', guardian: pid, guardianStart: 'boot:1', start: 'boot:1' },
      { pid, startedAt: 'x', guardian: pid, guardianStart: 7, start: '' },
      { v: 9, host: { pid } },
      { pid: String(pid) },
      null,
      [],
    ].map((one) => JSON.stringify(one));
    for (const text of [...texts, '', '{', 'pid']) {
      writeFileSync(hostFilePath(folder), text);
      expect([hostOf(folder), guardianOf(folder)]).toEqual([undefined, undefined]);
    }
  });
});

describe('a command connects', () => {
  it('to the host that says it is of this folder, by whatever path', async () => {
    await answering({ folder, folderId: fileId(folder)! });
    expect(await faultOf(folder)).toBeUndefined();
    const link = `${folder}-link`;
    symlinkSync(folder, link);
    expect(isSameFolder(folderRef(link), folderRef(folder))).toBe(true);
    rmSync(link);
  });

  it('to no host that says it is of another folder: that one is down, with the reason', async () => {
    await answering({ folder: '/srv/live', folderId: '1:1' });
    expect(await faultOf(folder)).toMatchObject({
      code: 'HOST_DOWN',
      message: `${folder} is a copy of /srv/live; its own host is not running`,
      next: 'daruma start',
    });
    expect(host!.asked).toEqual([]);
  });

  it('to no host of a folder that had this path before', async () => {
    await answering({ folder, folderId: '1:1' });
    expect(await faultOf(folder)).toMatchObject({
      code: 'HOST_DOWN',
      message: expect.stringContaining('another folder'),
    });
  });

  it('to the host of an older Daruma by the folder in its status', async () => {
    const status = (of: string) => ({ status: () => ({ host: { folder: of } }) as never });
    await answering({}, status(folder));
    expect(await faultOf(folder)).toBeUndefined();
    await host!.close();
    await answering({}, status('/srv/live'));
    expect(await faultOf(folder)).toMatchObject({ code: 'HOST_DOWN' });
  });

  it('to nobody in a copy, and says of what it is one', async () => {
    written(folder);
    copied();
    expect(await faultOf(copy)).toMatchObject({
      code: 'HOST_DOWN',
      message: `${copy} is a copy of ${folder}; its own host is not running`,
    });
  });
});
