import { guardsOf, type Mutation } from './mutation.ts';

const BACKUP = ['test/host/backup.test.ts'];
const CLAIM = ['test/cli/claim.test.ts'];
const SECRETS = ['test/e2e/secrets.test.ts'];
const SETTINGS = ['test/host/config-watch.test.ts'];
const VERSIONS = ['test/e2e/probation.test.ts'];

const life: readonly Mutation[] = [
  ...guardsOf(
    'package.json',
    ['test/guardian/npm.test.ts'],
    [{ breaks: 'a signal to npm alone reaches the guardian', code: '"start": "exec node', instead: '"start": "node' }],
  ),
  ...guardsOf(
    'src/control/own-host.ts',
    ['test/cli/own-host.test.ts'],
    [
      {
        breaks: 'a command speaks to the host of its own folder, and to no other one',
        within: 'connectHost',
        code: 'isSameFolder(folderRef(folder), theirs)',
        instead: "theirs.path !== ''",
      },
    ],
  ),
  ...guardsOf(
    'src/host/mounts/watch.ts',
    ['test/host/mounts/watch.test.ts'],
    [
      {
        breaks: 'an agent waits for a file system that does not answer',
        within: 'createMountWatch',
        code: 'if (one && !isHeld(one)) continue;',
        instead: 'if (one) continue;',
      },
      {
        breaks: 'a file system is asked again before the next worker of an agent that stood still',
        within: 'createMountWatch',
        code: 'one.isTrusted = false;',
        instead: '',
      },
    ],
  ),
  ...guardsOf('src/control/process.ts', CLAIM, [
    {
      breaks: 'a process is signalled only while it is that very process',
      within: 'signalProcess',
      code: 'if (!isAlive(meant)) return false;',
      instead: '',
    },
  ]),
  ...guardsOf('src/control/claim.ts', CLAIM, [
    {
      breaks: 'a claim of somebody who does not hold the folder is not believed',
      within: 'claimantOf',
      code: '&& (holdsFolder(answer.pid, folder.id) || isShutProcess(answer.pid))',
      instead: '',
    },
  ]),
  ...guardsOf(
    'src/cli/typed.ts',
    ['test/cli/typed.test.ts'],
    [
      {
        breaks: 'no hint sends anybody to a package of that name on the registry',
        within: 'typedAs',
        code: "bin.includes('/_npx/') || findable(home, exists)",
        instead: 'exists',
      },
    ],
  ),
];

const probation: readonly Mutation[] = [
  ...guardsOf('src/host/versions/rollback-checks.ts', VERSIONS, [
    {
      breaks: 'jobs that a bad version failed for good are run again',
      within: 'runAgain',
      code: 'dead.length > 0',
      instead: 'dead.length > 1_000',
    },
    {
      breaks: 'a version that fails as the good one does is tried again',
      within: 'receive',
      code: "answer === 'confirmed'",
      instead: "answer !== 'wait'",
    },
  ]),
  ...guardsOf(
    'src/host/config/in-use.ts',
    ['test/host/config.test.ts'],
    [
      {
        breaks: 'settings with which a host cannot start are bad only when it can without them',
        within: 'without',
        code: 'isUnsure: true',
        instead: 'isUnsure: false',
      },
    ],
  ),
  ...guardsOf('src/host/config/watch.ts', SETTINGS, [
    {
      breaks: 'settings that were taken back are recorded once',
      within: 'turn',
      code: 'selection.bad.isReported',
      instead: 'false',
    },
    {
      breaks: 'settings are not good before a host has worked with them for a while',
      within: 'turn',
      code: '!config.hasWorked() ||',
      instead: '',
    },
    {
      breaks: 'jobs that died with a host because of its settings are run again',
      within: 'report',
      code: "=== 'HOST_LOST'",
      instead: "=== 'NEVER'",
    },
  ]),
];

const secrets: readonly Mutation[] = [
  ...guardsOf('src/host/secrets/setup.ts', SECRETS, [
    {
      breaks: 'an agent whose secret is missing needs setup',
      within: 'lackOf',
      code: 'secrets.missing(agent)',
      instead: 'undefined',
    },
  ]),
  ...guardsOf('src/host/subscriptions.ts', SECRETS, [
    {
      breaks: 'workers that hold the old value of a secret go',
      within: 'followAgents',
      code: 'if (agents.includes(agent)) workers',
      instead: 'if (agents.includes(agent) && false) workers',
    },
  ]),
  ...guardsOf(
    'src/host/pauses.ts',
    ['test/host/pauses.test.ts'],
    [
      {
        breaks: 'a slot that was due in a pause stays skipped after its end',
        within: 'createPauses',
        code: 'paused.get(agent) ?? over.get(agent)',
        instead: 'paused.get(agent)',
      },
    ],
  ),
  ...guardsOf(
    'src/host/secrets/find.ts',
    ['test/host/secrets.test.ts'],
    [
      {
        breaks: 'a secret that cannot be read fails its agent alone',
        within: 'findSecret',
        code: "return { is: 'unreadable', file: file!, why: read.error.message };",
        instead: 'throw read.error;',
      },
    ],
  ),
];

const backups: readonly Mutation[] = [
  ...guardsOf(
    'src/host/backup/copy-place.ts',
    ['test/host/copy-place.test.ts'],
    [
      {
        breaks: 'a copy of the store is written only where the agent may write, by the real path',
        within: 'realPlace',
        code: 'join(parent, basename(path))',
        instead: 'path',
      },
      {
        breaks: 'a folder whose name begins like one that is granted is another folder',
        within: 'placeForAgent',
        code: 'one.endsWith(sep) ? one : one + sep',
        instead: 'one',
      },
    ],
  ),
  ...guardsOf(
    'src/host/host-calls.ts',
    ['test/host/copy-place.test.ts'],
    [
      {
        breaks: 'the host itself refuses the fleet to an agent that has no right to it',
        within: 'fleetFor',
        code: 'if (needs.fleet) return',
        instead: 'return',
      },
    ],
  ),
  ...guardsOf(
    'src/store/sqlite/copies.ts',
    ['test/store/copy.test.ts'],
    [
      {
        breaks: 'a copy of the store overwrites nothing and follows no link',
        within: 'claimFile',
        code: "openSync(to, 'wx', 0o600)",
        instead: "openSync(to, 'w', 0o600)",
      },
      {
        breaks: 'a copy that failed is gone',
        within: 'copyTo',
        code: 'rmSync(path, { force: true })',
        instead: 'void path',
      },
    ],
  ),
  ...guardsOf('src/host/backup/archive.ts', BACKUP, [
    {
      breaks: 'an archive that leads out of its folder is refused',
      within: 'onReadEntry',
      code: '&& staysInside(path)',
      instead: '',
    },
    {
      breaks: 'an archive with a link is refused',
      within: 'onReadEntry',
      code: 'PLAIN_TYPES.has(type) &&',
      instead: '',
    },
  ]),
  ...guardsOf('src/host/backup/restore.ts', BACKUP, [
    {
      breaks: 'a restore moves the old log out of the way, too',
      within: 'putInPlace',
      code: "['', '-wal', '-shm']",
      instead: "['']",
    },
    {
      breaks: 'a restore is refused where a host runs',
      within: 'restoreBackup',
      code: 'await lockFolder(folder, { time: machineTime })',
      instead: '{ release() {} }',
    },
  ]),
  ...guardsOf('src/host/backup/restored.ts', BACKUP, [
    {
      breaks: 'the job that made the backup is not run again after a restore',
      within: 'settleRestored',
      code: "=== 'running'",
      instead: "=== 'dead'",
    },
  ]),
];

const scaling: readonly Mutation[] = guardsOf(
  'src/host/scaling.ts',
  ['test/host/scaling.test.ts'],
  [
    {
      breaks: 'an agent that is held gets no more workers',
      within: 'measure',
      code: 'needs.isHeld(agent.name) &&',
      instead: 'false &&',
    },
  ],
);

/** Guards of the host: how it begins and ends, what it takes back, secrets, and the way back from a backup. */
export const ofHost: readonly Mutation[] = [...life, ...probation, ...secrets, ...backups, ...scaling];
