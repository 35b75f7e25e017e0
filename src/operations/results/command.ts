import * as z from 'zod';
import { bytes, countResult, faultResult, ms, time } from './fields.ts';
import { agentResult } from './status.ts';
import { needsResult } from './version.ts';

export const errorResult = z
  .strictObject({ error: faultResult })
  .meta({ id: 'Error', description: 'What any command prints when it fails, with an exit code that is not 0.' });

export const helpResult = z
  .strictObject({
    usage: z.string(),
    about: z.string(),
    options: z.array(z.strictObject({ flags: z.string(), about: z.string() })),
    commands: z.array(z.strictObject({ name: z.string(), about: z.string() })),
  })
  .meta({ id: 'Help', description: 'What --help says of a command, and of each command below it.' });

export const programResult = z.strictObject({ version: z.string(), node: z.string() }).meta({ id: 'Program' });

export const stoppedResult = z.strictObject({ pid: countResult(), tookMs: ms() }).meta({ id: 'Stopped' });

export const forgottenResult = z
  .union([
    z.strictObject({ deleted: z.array(z.string()) }),
    z.strictObject({ done: z.literal(false), keys: z.array(z.string()) }),
  ])
  .meta({ id: 'Forgotten', description: 'Keys that were forgotten, or would be with --yes.' });

export type HelpView = z.infer<typeof helpResult>;

export const newResult = z
  .strictObject({
    file: z.string(),
    test: z.string().nullable().describe('null: a test of that name was there already, or the plugin is a copy.'),
    parts: z.array(z.string()).describe('Files that the plugin imports, copied along with it.'),
    agentFile: z.string().nullable().describe('The agent file that keeps a copy switched off.'),
    agent: agentResult.nullable().describe('As the running host lists it; null: no host runs.'),
    tookMs: ms().nullable().describe('Until the host had picked the plugin up; null: no host runs.'),
  })
  .meta({ id: 'New', description: 'The plugin that was written.' });

const pluginAsks = z
  .strictObject({
    about: z.string(),
    schedule: z.string().nullable(),
    starts: z.array(z.string()).describe('What starts its jobs beside the schedule.'),
    memory: z.string(),
    needs: needsResult,
    settings: z.array(
      z.strictObject({
        name: z.string(),
        about: z.string().nullable(),
        mustBeSet: z.boolean().describe('The setting has no default.'),
      }),
    ),
    parts: z.array(z.string()).describe('Files of its own that it imports, relative to its folder.'),
    packages: z.array(z.string()).describe('Packages that it imports.'),
  })
  .meta({ id: 'PluginAsks', description: 'What a plugin asks for, read before any agent runs it.' });

export const addResult = z
  .strictObject({
    plugin: z.string(),
    is: z
      .enum(['added', 'asked', 'off'])
      .describe('asked: nothing was written, since nobody said yes. off: the plugin was here already, and is off.'),
    asks: pluginAsks,
    files: z.array(z.string()).describe('Files that were written, or would be.'),
    off: z
      .array(z.strictObject({ file: z.string(), line: countResult() }))
      .describe('The line `enabled: false` of each agent file that keeps an agent of the plugin off.'),
    agent: agentResult.nullable().describe('As the running host lists it; null: no host runs.'),
  })
  .meta({ id: 'Added', description: 'The plugin that was added, and what it asks for.' });

export type PluginAsks = z.infer<typeof pluginAsks>;

export const initResult = z
  .strictObject({
    folder: z.string().describe('Absolute.'),
    plugins: z.array(z.string()),
    next: z.array(z.string()).describe('The commands that start it.'),
  })
  .meta({ id: 'Init', description: 'The installation that was made.' });

const test = z.strictObject({
  file: z.string(),
  name: z.string(),
  ok: z.boolean(),
  skipped: z.boolean(),
  durationMs: ms().nullable(),
  error: z.string().nullable(),
});

export const testResult = z
  .strictObject({ ok: z.boolean(), passed: countResult(), failed: countResult(), tests: z.array(test) })
  .meta({ id: 'Tests', description: 'What came of the tests of plugins.' });

const hunk = z
  .strictObject({
    oldStart: countResult(),
    oldLines: countResult(),
    newStart: countResult(),
    newLines: countResult(),
    lines: z.array(z.strictObject({ sign: z.enum([' ', '-', '+']), text: z.string() })),
  })
  .describe('Changed lines with some of their neighbours; lines count from 1.');

const fileDiff = z.strictObject({
  path: z.string(),
  is: z.enum(['added', 'removed', 'changed']),
  hunks: z.array(hunk),
});

export const diffResult = z
  .strictObject({ plugin: z.string(), a: z.string(), b: z.string(), files: z.array(fileDiff) })
  .meta({ id: 'Diff', description: 'What two versions of a plugin differ in.' });

export const completionResult = z
  .strictObject({ shell: z.string(), script: z.string() })
  .meta({ id: 'Completion', description: 'What a shell has to read.' });

export type TestView = z.infer<typeof test>;
export type FileDiff = z.infer<typeof fileDiff>;

export const backupResult = z
  .strictObject({
    file: z.string().describe('The name of the archive in `where`.'),
    at: time().describe('When the archive was made.'),
    bytes: bytes(),
    verifiedAt: time()
      .nullable()
      .describe('When the archive was last read back and its store was found whole; null: never.'),
    where: z.string().describe('The folder that the archive lies in, absolute.'),
  })
  .meta({ id: 'Backup', description: 'One archive in backups/.' });

export const proofResult = z
  .strictObject({
    file: z.string().describe('Absolute.'),
    madeAt: time().nullable().describe('null for an archive that does not say when it was made.'),
    jobs: countResult(),
    entries: countResult(),
    bytes: bytes().describe('Of all files in the archive, unpacked.'),
    storeHash: z.string().describe('The SHA-256 of the store in the archive, in hex.'),
    lacks: z.array(z.string()).describe('What an installation has and the archive has not, one sentence each.'),
  })
  .meta({ id: 'Proof', description: 'What an archive holds.' });

export const verifiedResult = proofResult
  .extend({ agents: z.array(z.string()).describe('The agents that a host would begin with, by name.') })
  .meta({
    id: 'Verified',
    description: 'What an archive holds, once it has proved that it can be restored and started.',
  });

export const restoreResult = proofResult
  .extend({
    folder: z.string().describe('The installation, absolute.'),
    aside: z
      .string()
      .nullable()
      .describe('Where the files that were there before are kept, relative to the installation; null: none were.'),
    packages: z
      .array(z.strictObject({ name: z.string(), wanted: z.string(), installed: z.boolean() }))
      .describe('What package.json asks for, and whether it is installed.'),
    secrets: z
      .array(z.strictObject({ name: z.string(), agents: z.array(z.string()) }))
      .describe('Secrets that agents need and that are nowhere to be found here.'),
  })
  .meta({ id: 'Restore', description: 'What a restore did, and what is left to do.' });

export type BackupView = z.infer<typeof backupResult>;
export type ProofView = z.infer<typeof proofResult>;
export type VerifiedView = z.infer<typeof verifiedResult>;
export type RestoreView = z.infer<typeof restoreResult>;

const unreadable = z
  .strictObject({
    table: z.string().describe('job, pause, …'),
    row: z.string().describe('For people: job-2s, the name of an agent.'),
    agent: z.string().nullable(),
    why: z.string().describe('Each column that cannot be read, with what stands in it.'),
  })
  .meta({ id: 'Unreadable', description: 'A row of the store that nobody can read.' });

const aside = unreadable
  .extend({
    id: countResult(),
    at: time(),
    content: z
      .string()
      .describe('The whole row, as the text of a JSON object: its numbers may be beyond what JavaScript reads.'),
  })
  .meta({ id: 'Aside', description: 'A row that was set aside.' });

export const storeResult = z
  .strictObject({
    file: z.string().describe('Absolute.'),
    schema: countResult(),
    bytes: bytes().describe('With the log of the store.'),
    integrity: z.string().describe("SQLite's own word on the file: ok, or what is damaged."),
    unreadable: z.array(unreadable).describe('At most 1,000 of each table.'),
    mended: countResult().describe('Rows that were set aside just now.'),
    setAside: z.array(aside).describe('Newest first, at most 1,000.'),
  })
  .meta({ id: 'Store', description: 'What was found in the store, row by row.' });

export type UnreadableView = z.infer<typeof unreadable>;
export type StoreView = z.infer<typeof storeResult>;

const unit = z.strictObject({ name: z.string(), file: z.string(), ofUser: z.boolean() });
const noSystemd = z.literal(false).describe('systemd does not run here.');

export const serviceInstallResult = z
  .union([
    unit.extend({ text: z.string(), notes: z.array(z.string()), dryRun: z.literal(true) }),
    unit.extend({ changed: z.literal(false), started: z.literal(false), systemd: noSystemd }),
    unit.extend({
      changed: z.boolean(),
      complaints: z.array(z.string()).nullable().describe('Of systemd-analyze verify; null: it could not look.'),
      started: z.boolean(),
      notes: z.array(z.string()),
      text: z.string(),
    }),
  ])
  .meta({ id: 'ServiceInstall', description: 'The unit of systemd that was, or would be, written.' });

export const serviceStatusResult = z
  .union([
    unit.extend({ systemd: noSystemd }),
    unit.extend({
      systemd: z.literal(true),
      state: z.string(),
      sub: z.string(),
      result: z.string(),
      pid: countResult().nullable(),
      restarts: countResult(),
      since: z.string().nullable().describe('As systemd writes times.'),
      enabled: z.boolean(),
      says: z.string().nullable().describe('What the host said last.'),
      exitCode: z.int().nullable().describe('Of the last host; null while a host is up.'),
    }),
  ])
  .meta({ id: 'ServiceStatus', description: 'What systemd says of the service.' });

export const serviceUninstallResult = unit
  .extend({
    stopped: z.boolean(),
    left: z.string().nullable().describe('A folder with changes of your own that stays.'),
  })
  .meta({ id: 'ServiceUninstall' });

export const drillResult = z
  .strictObject({
    name: z.string(),
    promise: z.string(),
    detectMs: ms().nullable().describe('From the fault until the host saw it; null when the host never did.'),
    repairMs: ms()
      .nullable()
      .describe(
        'From the fault until the job ran on a clean worker, or everything was cleared away; null: neither came.',
      ),
    promisedMs: ms(),
    lost: countResult().describe('Jobs that did not end as done.'),
    left: countResult().describe('Threads, processes and zombies that were left.'),
    seen: z.string().nullable().describe('The code of the fault, as the host recorded it.'),
    ok: z.boolean(),
    skipped: z
      .string()
      .optional()
      .describe('Why the machine cannot carry the drill; its promise is neither kept nor broken then.'),
  })
  .meta({ id: 'Drill', description: 'The result of a drill: the promise and the figures that were measured.' });

export type DrillView = z.infer<typeof drillResult>;
