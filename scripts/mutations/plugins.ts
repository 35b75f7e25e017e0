import { guardsOf, type Mutation } from './mutation.ts';

const BACKUP = ['test/plugins/backup.test.ts'];
const INPUTS = ['test/catalog/inputs.test.ts'];

/** Guards of what a plugin is made of, and of the plugins that come along. */
export const ofPlugins: readonly Mutation[] = [
  ...guardsOf('src/catalog/plugin-registry.ts', INPUTS, [
    {
      breaks: 'an import that would mean another file now is another version',
      within: 'dueReason',
      code: "if (answeredAnew) return 'retry';",
      instead: '',
    },
  ]),
  ...guardsOf(
    'src/catalog/plugin-registry.ts',
    ['test/catalog/change-reports.test.ts'],
    [
      {
        breaks: 'a judgement that is only tried again is no news',
        within: 'startBuild',
        code: "reason === 'changed' || ",
        instead: 'true || ',
      },
    ],
  ),
  ...guardsOf(
    'src/catalog/catalog.ts',
    ['test/catalog/decisions.test.ts'],
    [
      {
        breaks: 'the set is decided once for each save',
        within: 'scanned',
        code: '(changed && pluginRegistry.idle())',
        instead: 'changed',
      },
    ],
  ),
  ...guardsOf(
    'src/catalog/versions/versions.ts',
    ['test/catalog/versions.test.ts'],
    [
      {
        breaks: 'nobody reads a version while it is written anew',
        within: 'inTurn',
        code: '(lastWork.get(plugin) ?? Promise.resolve()).then(work)',
        instead: 'work()',
      },
    ],
  ),
  ...guardsOf('src/catalog/builder/build-plugin.ts', INPUTS, [
    {
      breaks: 'a start believes a version only when all that was asked for it is answered as before',
      within: 'isMadeOf',
      code: 'answers.get(keyOf(lookup))?.answer === lookup.answer',
      instead: 'lookup.path.length > 0',
    },
  ]),
  ...guardsOf('src/catalog/builder/imports-asked.ts', INPUTS, [
    {
      breaks: 'the file that would win over another is asked for',
      within: 'addPath',
      code: 'else await addEndings(at);',
      instead: '',
    },
  ]),
  ...guardsOf('src/catalog/builder/source-reads.ts', INPUTS, [
    {
      breaks: 'a bundle holds nothing that no plugin may be made of',
      within: 'load',
      code: '!guard.mayRead(await realpath(path))',
      instead: "path === ''",
    },
  ]),
  ...guardsOf(
    'src/catalog/builder/raw-manifest.ts',
    ['test/catalog/input-check.test.ts'],
    [
      {
        breaks: 'what a schema changes before it looks is not written down as if it did not',
        within: 'override',
        code: 'if (isChanged)',
        instead: 'if (!def)',
      },
    ],
  ),
  ...guardsOf(
    'src/catalog/files/input-check.ts',
    ['test/catalog/input-check.test.ts'],
    [
      {
        breaks: 'a pattern of an author never runs in the host',
        within: 'LEFT_TO_WORKER',
        code: "'pattern',",
        instead: '',
      },
    ],
  ),
  ...guardsOf(
    'src/catalog/watching/list.ts',
    ['test/catalog/unrecognized-files.test.ts'],
    [
      {
        breaks: 'no link to a folder is followed',
        within: 'listRoot',
        code: 'if (entry.isDirectory())',
        instead: 'if (entry.isDirectory() || entry.isSymbolicLink())',
      },
    ],
  ),
  ...guardsOf(
    'src/catalog/in-force.ts',
    ['test/catalog/in-force.test.ts'],
    [
      {
        breaks: 'versions are looked for where the installation is now',
        within: 'rooted',
        code: "key !== 'version' ||",
        instead: "key !== 'nothing' ||",
      },
    ],
  ),
  ...guardsOf('plugins/lib/make-backup.ts', BACKUP, [
    {
      breaks: 'a backup that is unpacked after a crash is not undone by the old log',
      within: 'makeAndProve',
      code: '-wal`',
      instead: '-log`',
    },
  ]),
  ...guardsOf('plugins/lib/contents.ts', BACKUP, [
    {
      breaks: 'no secret gets into a backup',
      within: 'SECRET',
      code: String.raw`/^\.env(\..*)?$/`,
      instead: String.raw`/^\.envelope$/`,
    },
  ]),
  ...guardsOf('plugins/lib/archive.ts', BACKUP, [
    {
      breaks: 'no link gets into a backup',
      within: 'tarOf',
      code: 'await stat(join(folder, path))',
      instead: "await (await import('node:fs/promises')).lstat(join(folder, path))",
    },
    {
      breaks: 'a file that gets shorter ends its backup',
      within: 'contentOf',
      code: 'if (bytesRead === 0) throw',
      instead: 'if (bytesRead === 0) return; if (at < 0) throw',
    },
  ]),
];
