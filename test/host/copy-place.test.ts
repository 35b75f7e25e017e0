import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writeForAgent } from '../../src/host/backup/agent-file.ts';
import { placeForAgent } from '../../src/host/backup/copy-place.ts';
import { createHostCalls } from '../../src/host/host-calls.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import { Fault, type PlainFault } from '../../src/kernel/fault.ts';

function installation() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-place-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, 'ops');
  for (const path of ['ops/backups/deep', 'ops/data', 'elsewhere/disk'])
    mkdirSync(join(root, path), { recursive: true });
  return { root, folder };
}

const agentWith = (write: string[], fleet = true) => ({ name: 'saver', needs: { write, fleet } }) as unknown as Agent;

function refusalOf(to: string, write: string[], folder: string): PlainFault {
  try {
    const place = placeForAgent(to, agentWith(write), folder);
    throw new Error(`${to} was given as ${place}`);
  } catch (thrown) {
    const { plain } = thrown as { plain?: PlainFault };
    if (!plain) throw thrown;
    return plain;
  }
}

it('is in a folder that the agent may write, by its real path', () => {
  const { root, folder } = installation();
  const place = (to: string, write: string[]) => placeForAgent(to, agentWith(write), folder);
  expect(place('backups/a.db', ['backups'])).toBe(join(folder, 'backups/a.db'));
  expect(place(join(folder, 'backups/deep/a.db'), ['posts', 'backups/'])).toBe(join(folder, 'backups/deep/a.db'));
  expect(place('backups/../backups/a.db', ['backups'])).toBe(join(folder, 'backups/a.db'));
  expect(place('/tmp/a.db', ['/'])).toBe(join(realpathSync('/tmp'), 'a.db'));
  // A person puts a folder that is granted on another disk, or reaches the installation by another name.
  symlinkSync(join(root, 'elsewhere/disk'), join(folder, 'disk'));
  expect(place('disk/a.db', ['disk'])).toBe(join(root, 'elsewhere/disk/a.db'));
  symlinkSync(folder, join(root, 'same'));
  expect(place(join(root, 'same/backups/a.db'), ['backups'])).toBe(join(folder, 'backups/a.db'));
});

it('is refused elsewhere, with the file and what to do', () => {
  const { root, folder } = installation();
  for (const to of [
    'data/a.db',
    'backups/../data/a.db',
    '../elsewhere/a.db',
    join(root, 'a.db'),
    'backups',
    'backups2.db',
  ])
    expect(refusalOf(to, ['backups'], folder)).toMatchObject({
      code: 'NOT_IN_NEEDS',
      next: `add write: ['${to}'] to needs`,
    });
  expect(refusalOf('backups/a.db', [], folder)).toMatchObject({
    code: 'NOT_IN_NEEDS',
    file: join(folder, 'backups/a.db'),
  });
  expect(refusalOf('backups/a.db', ['gone'], folder)).toMatchObject({ code: 'NOT_IN_NEEDS' });
});

it('is refused where a link leads out, and the place is named', () => {
  const { root, folder } = installation();
  symlinkSync(join(root, 'elsewhere'), join(folder, 'backups/out'));
  symlinkSync('../data', join(folder, 'backups/data'));
  for (const [to, real] of [
    ['backups/out/a.db', join(root, 'elsewhere/a.db')],
    ['backups/out/disk/a.db', join(root, 'elsewhere/disk/a.db')],
    ['backups/data/a.db', join(folder, 'data/a.db')],
  ] as const) {
    const { code, message, file } = refusalOf(to, ['backups'], folder);
    expect({ code, file }).toEqual({ code: 'NOT_IN_NEEDS', file: join(folder, to) });
    expect(message).toContain(`which is ${real}`);
  }
});

it('is refused where no folder is', () => {
  const { folder } = installation();
  const path = join(folder, 'backups/new/a.db');
  expect(refusalOf('backups/new/a.db', ['backups'], folder)).toMatchObject({ code: 'CALL_INVALID', file: path });
  expect(refusalOf('/', ['/'], folder)).toMatchObject({ code: 'CALL_INVALID' });
});

it('is asked for in vain by an agent without the fleet in its needs, whatever its worker lets through', async () => {
  const never = new Proxy({}, { get: () => () => expect.unreachable() });
  const journal = { child: () => ({}) };
  const calls = createHostCalls({ fleet: never, jobs: {}, store: {}, journal } as never, () => ({}) as never);
  const by = { job: 'job-1', attempt: 1, agent: 'saver' };
  for (const call of [
    { ask: 'backUp', to: 'backups/a.db' },
    { ask: 'fleetReport' },
    { ask: 'fleetHealth' },
    { ask: 'fleetParts' },
  ])
    await expect(calls({ ...by, ...call } as never, agentWith(['backups'], false))).rejects.toMatchObject({
      plain: { code: 'NOT_IN_NEEDS', next: 'add fleet: true to needs' },
    });
});

it('is written in the folder that was judged, whatever an agent puts in its place meanwhile, and over nothing', async () => {
  const { root, folder } = installation();
  mkdirSync(join(folder, 'data/run'));
  const by = agentWith(['backups']);
  const swap = async (file: string) => {
    writeFileSync(file, 'a copy');
    renameSync(join(folder, 'backups/deep'), join(folder, 'backups/away'));
    symlinkSync(join(root, 'elsewhere/disk'), join(folder, 'backups/deep'));
    return 7;
  };
  expect(await writeForAgent({ to: 'backups/deep/a.db', by, folder }, swap)).toBe(7);
  expect(readdirSync(join(root, 'elsewhere/disk'))).toEqual([]);
  expect(readFileSync(join(folder, 'backups/away/a.db'), 'utf8')).toBe('a copy');

  const plant = async (file: string) => {
    writeFileSync(file, 'a copy');
    symlinkSync(join(root, 'elsewhere/disk/b.db'), join(folder, 'backups/b.db'));
  };
  await expect(writeForAgent({ to: 'backups/b.db', by, folder }, plant)).rejects.toMatchObject({
    plain: { code: 'STORE_COPY_EXISTS', file: join(folder, 'backups/b.db') },
  });
  const fails = async (file: string) => {
    throw new Fault({ code: 'STORE_FULL', message: `no room for ${file}`, file });
  };
  await expect(writeForAgent({ to: 'backups/c.db', by, folder }, fails)).rejects.toMatchObject({
    plain: { message: `no room for ${join(folder, 'backups/c.db')}`, file: join(folder, 'backups/c.db') },
  });
  expect(readdirSync(join(root, 'elsewhere/disk'))).toEqual([]);
  expect(readdirSync(join(folder, 'data/run'))).toEqual([]);
});
