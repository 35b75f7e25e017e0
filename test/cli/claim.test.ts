import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimantOf, claimFolder, type FolderClaim } from '../../src/control/claim.ts';
import { fileId } from '../../src/control/place.ts';
import { isAlive, processStart, signalProcess, thisProcess } from '../../src/control/process.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-claim-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(process.platform === 'linux')('a folder is claimed', () => {
  it('by one process, which says how far it is, until it lets go', async () => {
    expect(await claimantOf(folder)).toBeUndefined();
    const claim = (await claimFolder(folder)) as FolderClaim;
    expect(await claimantOf(folder)).toEqual({ ...thisProcess(), is: 'starting' });
    claim.say('working');
    expect(await claimantOf(folder)).toEqual({ ...thisProcess(), is: 'working' });
    await claim.release();
    expect(await claimantOf(folder)).toBeUndefined();
  });

  it('wherever it is moved to, and a folder of its old name is another one', async () => {
    const claim = (await claimFolder(folder)) as FolderClaim;
    const moved = `${folder}-moved`;
    renameSync(folder, moved);
    expect(claim.placeNow()).toBe(moved);
    expect(await claimantOf(moved)).toMatchObject(thisProcess());
    expect(await claimantOf(folder)).toBeUndefined();
    rmSync(moved, { recursive: true });
    expect(claim.placeNow()).toBeUndefined();
    await claim.release();
  });

  it('by nobody who only has the name: it does not hold the folder', async () => {
    let said = '';
    const liar = createServer((socket) => socket.end(said));
    await new Promise<void>((resolve) => liar.listen(`\0daruma-host-${fileId(folder)}`, resolve));
    const parent = { pid: process.ppid, start: processStart(process.ppid) };
    for (const lie of [
      '',
      '{"pid":1}',
      ...[parent, thisProcess()].map((one) => JSON.stringify({ ...one, is: 'working' })),
    ]) {
      said = lie;
      expect(await claimantOf(folder)).toBeUndefined();
      const claim = await claimFolder(folder);
      expect(claim).toHaveProperty('release');
      await (claim as FolderClaim).release();
    }
    await new Promise((resolve) => liar.close(resolve));
  });
});

describe('a process', () => {
  let child: ChildProcess;
  beforeEach(() => {
    child = spawn('sleep', ['60'], { stdio: 'ignore' });
  });
  afterEach(() => void child.kill('SIGKILL'));

  it('is believed with its start only: another one may have its id by now', async () => {
    const pid = child.pid!;
    const start = processStart(pid)!;
    expect(isAlive({ pid, start })).toBe(true);
    for (const other of ['', `${start}0`, start.replace(/^./, 'x'), 'boot:1']) {
      expect(isAlive({ pid, start: other })).toBe(false);
      expect(signalProcess({ pid, start: other }, 'SIGKILL')).toBe(false);
    }
    expect(child.signalCode).toBeNull();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    expect(signalProcess({ pid, start }, 'SIGTERM')).toBe(true);
    await ended;
    expect(isAlive({ pid, start })).toBe(false);
  });
});
