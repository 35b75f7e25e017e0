import type { Mutation } from './mutation.ts';

/** Guards of backups, of the way back, and of what a new user types. */
export const ofBackup: readonly Mutation[] = [
  {
    breaks: 'a backup that is unpacked after a crash is not undone by the old log',
    file: 'plugins/backup.ts',
    text: "-wal`, '');",
    instead: "-log`, '');",
    caughtBy: ['test/plugins/backup.test.ts'],
  },
  {
    breaks: 'no secret gets into a backup',
    file: 'plugins/lib/contents.ts',
    text: 'const SECRET = /^\\.env(\\..*)?$/;',
    instead: 'const SECRET = /^\\.envelope$/;',
    caughtBy: ['test/plugins/backup.test.ts'],
  },
  {
    breaks: 'no link gets into a backup',
    file: 'plugins/lib/archive.ts',
    text: '      follow: true,\n',
    instead: '',
    caughtBy: ['test/plugins/backup.test.ts'],
  },
  {
    breaks: 'an archive that leads out of its folder is refused',
    file: 'src/host/backup/archive.ts',
    text: 'const plain = PLAIN_TYPES.has(type) && staysInside(path);',
    instead: 'const plain = PLAIN_TYPES.has(type);',
    caughtBy: ['test/host/backup.test.ts'],
  },
  {
    breaks: 'an archive with a link is refused',
    file: 'src/host/backup/archive.ts',
    text: 'const plain = PLAIN_TYPES.has(type) && staysInside(path);',
    instead: 'const plain = staysInside(path);',
    caughtBy: ['test/host/backup.test.ts'],
  },
  {
    breaks: 'a restore moves the old log out of the way, too',
    file: 'src/host/backup/restore.ts',
    text: "for (const end of ['', '-wal', '-shm'])",
    instead: "for (const end of [''])",
    caughtBy: ['test/host/backup.test.ts'],
  },
  {
    breaks: 'a restore is refused where a host runs',
    file: 'src/host/backup/restore.ts',
    text: 'const lock = await lockFolder(folder, { time: machineTime });',
    instead: 'const lock = { release() {} };',
    caughtBy: ['test/host/backup.test.ts'],
  },
  {
    breaks: 'the job that made the backup is not run again after a restore',
    file: 'src/host/backup/restored.ts',
    text: "if (job?.state === 'running') {",
    instead: "if (job?.state === 'dead') {",
    caughtBy: ['test/host/backup.test.ts'],
  },
  {
    breaks: 'versions are looked for where the installation is now',
    file: 'src/catalog/in-force.ts',
    text: "if (key !== 'version' ||",
    instead: "if (key !== 'nothing' ||",
    caughtBy: ['test/catalog/in-force.test.ts'],
  },
  {
    breaks: 'hints are written as they are typed, with --dir',
    file: 'src/control/typed.ts',
    text: 'dir === undefined || namesOwn ?',
    instead: 'dir !== null ?',
    caughtBy: ['test/cli/typed.test.ts'],
  },
  {
    breaks: 'no hint sends anybody to a package of that name on the registry',
    file: 'src/cli/typed.ts',
    text: "if (bin.includes('/_npx/') || findable(home, exists))",
    instead: 'if (exists)',
    caughtBy: ['test/cli/typed.test.ts'],
  },
];
