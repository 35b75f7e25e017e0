import { expect, it } from 'vitest';
import type { MountPaths } from '../../../src/host/mounts/check.ts';
import { createMountWatch } from '../../../src/host/mounts/watch.ts';
import type { Agent } from '../../../src/jobs/agent.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { Clock, quiet } from '../../clock.ts';

const LOCAL = '22 1 254:0 / / rw - ext4 /dev/vda rw\n';
const NAS = '31 22 0:27 / /mnt/nas rw - nfs4 nas:/export rw\n';
const SECOND = '32 22 0:28 / /mnt/second rw - cifs //x/y rw\n';

const agentOf = (name: string, read: string[], write: string[] = []) =>
  ({ name, needs: { read, write } }) as unknown as Agent;

/** File systems that answer when the test says so. */
function world(agents: Agent[]) {
  const clock = new Clock();
  const open: { paths: MountPaths; answered(): void }[] = [];
  const facts = {
    mountinfo: LOCAL + NAS + SECOND,
    isWaiting: true,
    /** A path of a file system that answers at once. */
    prompt: '',
    agents: new Map(agents.map((agent) => [agent.name, agent])),
  };
  const startable: (readonly string[])[] = [];
  const watch = createMountWatch({
    time: clock,
    log: silentLog,
    folder: '/home/daruma',
    agents: () => facts.agents,
    bus: { emit: (_, names) => void startable.push(names as readonly string[]) },
    mountinfo: () => facts.mountinfo,
    check(paths, answered) {
      if (paths.read.includes(facts.prompt)) queueMicrotask(answered);
      else open.push({ paths, answered });
      return { isWaiting: () => facts.isWaiting };
    },
  });
  return {
    clock,
    facts,
    startable,
    watch,
    asked: () => open.map(({ paths }) => paths),
    /** The file system of the path answers what it was asked; default: all do. */
    answer(path?: string) {
      const those = open.filter(({ paths }) => path === undefined || [...paths.read, ...paths.write].includes(path));
      for (const one of those) open.splice(open.indexOf(one), 1);
      for (const { answered } of those) answered();
    },
    why: (name: string) => watch.lacks(facts.agents.get(name)!)?.message,
  };
}

const NOT_YET = 'the file system at /mnt/nas (nfs4), which far names in needs, has not answered yet';
const SILENT = 'the file system at /mnt/nas (nfs4), which far names in needs, does not answer';

it('asks nothing of the disk of the host, and holds no agent that names paths there', async () => {
  const at = world([agentOf('here', ['in', '/etc'], ['out'])]);
  await at.watch.start();
  await at.clock.pass(60_000);
  expect(at.asked()).toEqual([]);
  expect(at.why('here')).toBeUndefined();
  await at.watch.ready();
  await at.watch.stop();
  expect(at.clock.timers()).toBe(0);
});

it('holds an agent until its file system has answered, and lets it go on at once', () => {
  const at = world([agentOf('far', ['/mnt/nas/in'], ['/mnt/nas/out']), agentOf('here', ['in'])]);
  at.watch.use();
  expect(at.asked()).toEqual([{ read: ['/mnt/nas/in'], write: ['/mnt/nas/out'] }]);
  expect(at.why('far')).toBe(NOT_YET);
  expect(at.why('here')).toBeUndefined();
  at.answer();
  expect(at.why('far')).toBeUndefined();
  expect(at.startable).toEqual([['far']]);
});

it('holds the agents of a file system that falls silent, and no others, until it answers', async () => {
  const at = world([agentOf('far', ['/mnt/nas']), agentOf('too', ['/mnt/nas/x']), agentOf('other', ['/mnt/second'])]);
  at.facts.prompt = '/mnt/second';
  await at.watch.start();
  at.answer();
  await quiet();
  at.startable.length = 0;
  await at.clock.pass(6_000);
  expect(at.why('far')).toBe(SILENT);
  expect(at.why('other')).toBeUndefined();
  expect(at.startable).toEqual([['far', 'too']]);
  // A file system is asked no second question while it owes the answer to the first.
  await at.clock.pass(60_000);
  expect(at.asked()).toEqual([{ read: ['/mnt/nas', '/mnt/nas/x'], write: [] }]);
  at.answer('/mnt/nas');
  expect(at.why('far')).toBeUndefined();
  expect(at.startable.at(-1)).toEqual(['far', 'too']);
  await at.watch.stop();
});

it('does not take a machine without a free processor for a silent file system, for a while', async () => {
  const at = world([agentOf('far', ['/mnt/nas'])]);
  at.facts.isWaiting = false;
  await at.watch.start();
  at.answer();
  await at.clock.pass(2_000 + 14_000);
  expect(at.why('far')).toBeUndefined();
  await at.clock.pass(2_000);
  expect(at.why('far')).toBe(SILENT);
  await at.watch.stop();
});

it('asks again before the next worker when one stood still, and not when one threw', async () => {
  const at = world([agentOf('far', ['/mnt/nas'])]);
  at.watch.use();
  at.answer();
  at.watch.ended('far', { code: 'CRASHED', message: '' });
  at.watch.ended('here', { code: 'TIMEOUT', message: '' });
  expect(at.why('far')).toBeUndefined();
  at.watch.ended('far', { code: 'TIMEOUT', message: '' });
  expect(at.why('far')).toBe(NOT_YET);
  at.answer();
  expect(at.why('far')).toBeUndefined();
});

it('is ready when each has answered, or is known to be silent', async () => {
  const at = world([agentOf('far', ['/mnt/nas']), agentOf('other', ['/mnt/second'])]);
  await at.watch.start();
  let isReady = false;
  const ready = at.watch.ready().then(() => {
    isReady = true;
  });
  at.answer('/mnt/second');
  await quiet();
  expect(isReady).toBe(false);
  await at.clock.pass(4_000);
  expect(isReady).toBe(true);
  await ready;
  expect(at.why('far')).toBe(SILENT);
  await at.watch.stop();
  expect(at.clock.timers()).toBe(0);
});

it('follows what is mounted and unmounted, and holds a version for paths that nobody has asked for yet', async () => {
  const at = world([agentOf('far', ['/mnt/nas'])]);
  at.facts.mountinfo = LOCAL;
  await at.watch.start();
  expect(at.why('far')).toBeUndefined();
  at.facts.mountinfo = LOCAL + NAS + SECOND;
  await at.clock.pass(2_000);
  expect(at.why('far')).toBe(NOT_YET);
  at.answer();
  expect(at.watch.lacks(agentOf('far', ['/mnt/second']))?.code).toBe('DISK_SILENT');
  at.watch.ended('far', { code: 'SILENT', message: '' });
  at.startable.length = 0;
  at.facts.mountinfo = LOCAL;
  await at.clock.pass(3_000);
  expect(at.watch.lacks(agentOf('far', ['/mnt/second']))).toBeUndefined();
  expect(at.startable).toEqual([['far']]);
  await at.watch.stop();
});
