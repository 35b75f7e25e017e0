import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { FenceReport } from '../../src/fence/terms.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';
import { createFenceGate } from '../../src/workers/cell.ts';
import type { FromCell, ToCell } from '../../src/workers/wire.ts';
import { createWorld, runs } from './world.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const USERS: [string, number | undefined][] = isRoot
  ? [
      ['root', undefined],
      ['another user', NOBODY],
    ]
  : [['this user', undefined]];
const KERNELS: [string, Record<string, boolean>, FenceReport['fence']][] = [
  ['with every fence', {}, 'full'],
  ['without Landlock', { withoutLandlock: true }, 'partial'],
  ['without either', { withoutLandlock: true, withoutFilter: true }, 'node'],
];

interface Probed {
  found: Record<'bare' | 'granted', Record<string, string>>;
  fences: { is: string; agent: string | null; fence: FenceReport }[];
}

async function probed(lacking: Record<string, boolean>, uid: number | undefined): Promise<Probed> {
  const home = mkdtempSync(join(tmpdir(), 'daruma-probes-'));
  chmodSync(home, 0o777);
  const args = ['--no-warnings', '--import', 'tsx', join(import.meta.dirname, 'probes.ts'), JSON.stringify(lacking)];
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home };
  try {
    const as = uid ? { uid, gid: uid } : {};
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, ...as });
    return JSON.parse(stdout) as Probed;
  } finally {
    rmSync(home, { recursive: true });
  }
}

describe.each(USERS)('a plugin on a host of %s', (_name, uid) => {
  test.each(KERNELS)('on a kernel %s gets what it was granted and nothing else', async (_kernel, lacking, level) => {
    const { found, fences } = await probed(lacking, uid);
    const gets = (name: 'bare' | 'granted') =>
      Object.entries(found[name]).flatMap(([probe, got]) => (got === 'got' ? probe : []));
    expect(Object.keys(found.bare).length).toBeGreaterThan(24);
    expect(gets('bare')).toEqual([]);
    // No flag of Node covers the mode of a file that a plugin makes in its own folder.
    const own = ['ownFile', 'ownPort'];
    expect(gets('granted').toSorted()).toEqual(level === 'node' ? [...own, 'setId'] : own);
    expect(fences.map(({ fence }) => fence.fence)).toEqual([level, level]);
    const [shared, granted] = ['shared', 'own'].map((kind) => fences.find(({ is }) => is === kind)!.fence);
    const by = level === 'node' ? 'node' : 'kernel';
    const files = level === 'full' ? 'kernel' : 'node';
    expect(shared!.tried).toEqual({ files, network: by, unixSockets: by, signals: by, commands: by });
    expect(granted!.tried).toEqual({ files, network: files, unixSockets: by, signals: by, commands: by });
    expect(shared!.caps).toBe('0');
    expect(granted!.caps).toBe(isRoot && !uid ? '2' : '0');
  });
});

describe('a granted file', () => {
  test('that is replaced, or that comes later, is had by the jobs that follow: in a new cell', async () => {
    const world = await createWorld();
    const [replaced, late] = ['replaced', 'late'].map((name) => join(world.folder, name));
    writeFileSync(replaced!, 'one');
    const read = (path: string) => `process.getBuiltinModule('node:fs').readFileSync('${path}', 'utf8')`;
    const agent = await world.agent('reads', runs(`return job.input ? ${read(late!)} : ${read(replaced!)};`), {
      needs: { read: [replaced!, late!] },
    });
    expect(await world.run(agent.name)).toMatchObject({ result: '"one"' });
    const [first] = world.workers.view().cells.filter(({ is }) => is === 'own');
    writeFileSync(`${replaced}.new`, 'two');
    renameSync(`${replaced}.new`, replaced!);
    writeFileSync(late!, 'late');
    await world.until('the cell to be replaced', () =>
      world.workers.view().cells.every(({ pid }) => pid !== first!.pid),
    );
    expect(await world.run(agent.name)).toMatchObject({ result: '"two"' });
    expect(await world.run(agent.name, 1)).toMatchObject({ result: '"late"' });
    await world.close();
  });
});

describe('an own cell', () => {
  test('serves one set of rights: a change of them gets another cell', async () => {
    const world = await createWorld();
    mkdirSync(join(world.folder, 'one'));
    const own = () => world.workers.view().cells.filter(({ is, workers }) => is === 'own' && workers > 0);
    const write = (path: string) =>
      `process.getBuiltinModule('node:fs').writeFileSync('${join(world.folder, path)}/x', ''); return 1;`;
    await world.agent('changes', runs(write('one')), { needs: { write: ['one'] } });
    expect(await world.run('changes')).toMatchObject({ is: 'done' });
    const pid = own()[0]?.pid;
    await world.agent('changes', runs(write('two')), { needs: { write: ['two'] } });
    await world.until('the new worker', () => own().some((cell) => cell.pid !== pid));
    expect(await world.run('changes')).toMatchObject({ is: 'done' });
    await world.close();
  });
});

describe('the gate of a cell', () => {
  const report: FenceReport = {
    ...{ fence: 'full', landlock: 7, seccomp: false, caps: '0', missing: [], tookMs: 2 },
    tried: { files: 'kernel', network: 'kernel', unixSockets: 'kernel', signals: 'kernel', commands: 'kernel' },
  };

  function gateOf(fault?: PlainFault) {
    const sent: ToCell[] = [];
    const failed: PlainFault[] = [];
    const heard: FromCell[] = [];
    const gate = createFenceGate({
      pid: () => process.pid,
      post: (message) => sent.push(message),
      receive: (messages) => heard.push(...messages),
      check: () => fault,
      failed: (why) => failed.push(why),
    });
    return { gate, sent, failed, heard };
  }

  test('lets terms through, and nothing else before the fences are up', () => {
    const { gate, sent, heard } = gateOf();
    gate.post({ do: 'revoke', worker: 1 });
    gate.shut({ read: [], write: [], ports: null });
    expect(sent.map((message) => message.do)).toEqual(['fence']);
    gate.receive([
      { say: 'fenced', report },
      { say: 'ready', worker: 1 },
    ]);
    gate.post({ do: 'close', worker: 1 });
    expect(sent.map((message) => message.do)).toEqual(['fence', 'revoke', 'close']);
    expect(heard).toEqual([{ say: 'ready', worker: 1 }]);
    expect(gate.report()).toEqual(report);
  });

  test('stays shut when a fence does not hold', () => {
    const fault = { code: 'FENCE_FAILED', message: 'signals' };
    const { gate, sent, failed } = gateOf(fault);
    gate.post({ do: 'revoke', worker: 1 });
    gate.receive([{ say: 'fenced', report }]);
    expect([sent, failed, gate.report()]).toEqual([[], [fault], undefined]);
  });
});
