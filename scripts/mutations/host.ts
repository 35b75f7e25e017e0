import type { Mutation } from './mutation.ts';

/** Guards of the host's own start and end. */
export const ofHost: readonly Mutation[] = [
  {
    breaks: 'an agent whose secret is missing needs setup',
    file: 'src/host/secrets/setup.ts',
    text: 'return fault && !before(name) ? fault : undefined;',
    instead: 'return undefined;',
    caughtBy: ['test/e2e/secrets.test.ts'],
  },
  {
    breaks: 'workers that hold the old value of a secret go',
    file: 'src/host/secrets/setup.ts',
    text: 'if (struck.has(agent)) recycle?.(',
    instead: 'if (struck.has(worker)) recycle?.(',
    caughtBy: ['test/e2e/secrets.test.ts'],
  },
  {
    breaks: 'settings with which no host ever worked are not tried again for ever under systemd',
    file: 'src/host/lifecycle/exits.ts',
    text: 'isForPeople ? { code: EXIT_SETTINGS, waitMs: 0 }',
    instead: 'isForPeople ? { code: 1, waitMs: 0 }',
    caughtBy: ['test/host/exits.test.ts'],
  },
  {
    breaks: 'a signal of somebody else does not keep a service down',
    file: 'src/host/lifecycle/exits.ts',
    text: "by === 'systemd' && signal !== undefined ? EXIT_SIGNALLED : 0",
    instead: '0',
    caughtBy: ['test/host/exits.test.ts', 'test/guardian/systemd.test.ts'],
  },
  {
    breaks: 'a secret that cannot be read fails its agent alone',
    file: 'src/host/secrets/find.ts',
    text: "!== 'ENOENT') return { is: 'unreadable', file: file!, why: read.error.message };",
    instead: "!== 'ENOENT') throw read.error;",
    caughtBy: ['test/host/secrets.test.ts'],
  },
  {
    breaks: 'a signal to npm alone reaches the guardian',
    file: 'package.json',
    text: '"start": "exec node ',
    instead: '"start": "node ',
    caughtBy: ['test/guardian/npm.test.ts'],
  },
  {
    breaks: 'a command speaks to the host of its own folder, and to no other one',
    file: 'src/control/own-host.ts',
    text: 'isSameFolder(folderRef(folder), theirs)) return client;',
    instead: "theirs.path !== '') return client;",
    caughtBy: ['test/cli/own-host.test.ts'],
  },
  {
    breaks: 'a process is signalled only while it is that very process',
    file: 'src/control/process.ts',
    text: 'if (!isAlive(meant)) return false;',
    instead: '',
    caughtBy: ['test/cli/claim.test.ts'],
  },
  {
    breaks: 'a claim of somebody who does not hold the folder is not believed',
    file: 'src/control/claim.ts',
    text: 'isAlive(answer) && holdsFolder(answer.pid, folder.id) ? answer',
    instead: 'isAlive(answer) ? answer',
    caughtBy: ['test/cli/claim.test.ts'],
  },
  {
    breaks: 'a single look ends no host',
    file: 'src/host/lifecycle/handles.ts',
    text: 'grave.filter(({ what }) => before.has(what))',
    instead: 'grave',
    caughtBy: ['test/host/handles.test.ts', 'test/host/watch-handles.test.ts'],
  },
  {
    breaks: 'a host whose store is gone is not followed by one with an empty store',
    file: 'src/guardian/restart.ts',
    text: "if (ended.final) return { do: 'end', code };",
    instead: '',
    caughtBy: ['test/guardian/restart.test.ts'],
  },
  {
    breaks: 'a copy leaves the commands of the original alone',
    file: 'src/gateway/exec/broker-supervisor.ts',
    text: 'const own = found.filter(',
    instead: 'const own = found; found.filter(',
    caughtBy: ['test/gateway/kill.test.ts'],
  },
];
