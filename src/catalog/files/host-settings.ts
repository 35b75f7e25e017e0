import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type ChainBounds, DEFAULT_CHAIN_BOUNDS } from '../../jobs/chain.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { machineZone } from '../../kernel/time.ts';
import { checkedLength, checkedSize } from '../../kernel/units.ts';
import type { ValueSource } from '../ports.ts';
import { countField, lengthField, sizeField, timezoneField } from './fields.ts';
import { faultOfIssues, type Issue } from './issues.ts';
import { type OriginSetting, originSettings, originsField } from './origin-settings.ts';
import { placeInYaml, readYaml } from './yaml-place.ts';

/** The file of the host's own settings, relative to the installation. It may be missing. */
export const HOST_SETTINGS_FILE = 'config/daruma.yaml';

/** The host's own settings, every value resolved. */
export interface HostSettings {
  /** IANA name: the zone of every schedule that names none. Default: the machine's. */
  timezone: string;
  /** `file` is relative to the installation or absolute. */
  store: { file: string };
  logs: { folder: string; level: LogLevel; maxFileBytes: number; budgetBytes: number };
  cells: { cellSize: number; idleMs: number };
  retention: { jobsMs: number; slotsMs: number; eventsMs: number };
  /** What all kept versions of plugins may take together. */
  versions: { budgetBytes: number };
  /** How far jobs may make jobs that make jobs. */
  jobChains: ChainBounds;
  /** Of calls to other servers, by origin; `*` is said of all of them. */
  origins: Record<string, OriginSetting>;
  /** undefined: the place that follows from the installation's folder. */
  control: { socket?: string };
}

/** What may stand in config/daruma.yaml. Its JSON Schema is config/daruma.schema.json. */
export const hostSettingsSchema = z.strictObject({
  timezone: timezoneField
    .optional()
    .describe('IANA name: the zone of every schedule that names none. Default: that of the machine.'),
  store: z
    .strictObject({
      file: z.string().min(1).optional().describe('The SQLite file. Default data/daruma.db.'),
    })
    .optional()
    .describe('Where jobs, slots and events are kept.'),
  logs: z
    .strictObject({
      folder: z.string().min(1).optional().describe('Default logs.'),
      level: z
        .enum(LOG_LEVELS as [LogLevel, ...LogLevel[]])
        .optional()
        .describe('The least level that is written. Default info.'),
      maxFile: sizeField(BOUNDS.disk).optional().describe('A file that is larger is rolled. Default 50MB.'),
      budget: sizeField({ ...BOUNDS.disk, least: 10 * BOUNDS.disk.least })
        .optional()
        .describe('All log files together; the oldest go first. Default 2GB.'),
    })
    .optional()
    .describe('The log of the host and of all plugins.'),
  cells: z
    .strictObject({
      size: countField(BOUNDS.cell).optional().describe('Workers in one cell, at most. Default 50.'),
      idle: lengthField(BOUNDS.timer)
        .optional()
        .describe(
          'An idle worker above its agent’s workers.min goes after this long; after a sixth of it, when its agent’s work comes at more than half of it. Default 60s.',
        ),
    })
    .optional()
    .describe('The processes that hold the worker threads.'),
  retention: z
    .strictObject({
      jobs: lengthField(BOUNDS.keep).optional().describe('Finished jobs. Default 30d.'),
      slots: lengthField(BOUNDS.keep).optional().describe('Decided slots. Default 90d.'),
      events: lengthField(BOUNDS.keep).optional().describe('Events. Default 90d.'),
    })
    .optional()
    .describe('How long the store keeps what is over.'),
  versions: z
    .strictObject({
      budget: sizeField(BOUNDS.disk)
        .optional()
        .describe(
          'All kept versions of plugins together; the oldest go first, but never one that runs or that a rollback goes to. Default 256MB.',
        ),
    })
    .optional()
    .describe('The compiled plugins in data/versions, to which a rollback can go.'),
  jobChains: z
    .strictObject({
      depth: countField(BOUNDS.hops)
        .optional()
        .describe('The most hops from a job that no other made: sends and emits beyond are refused. Default 32.'),
      perMinute: countField(BOUNDS.madeJobs)
        .optional()
        .describe(
          'What the jobs of one agent may make within a minute, each counted by its hops; then it makes nothing for a minute. Default 20000.',
        ),
    })
    .optional()
    .describe('How far jobs may make jobs that make jobs.'),
  origins: originsField
    .optional()
    .describe('Servers that agents call, by origin; `*` for all: when one counts as down, and who is asked then.'),
  control: z
    .strictObject({
      socket: z.string().min(1).max(100).optional().describe('The path of the control socket, at most 100 bytes.'),
    })
    .optional()
    .describe('The socket on which the command line reaches the host.'),
});

/** What holds where config/daruma.yaml says nothing; the time zone is the machine's. */
export const DEFAULT_HOST_SETTINGS = {
  store: { file: 'data/daruma.db' },
  logs: { folder: 'logs', level: 'info', maxFile: '50MB', budget: '2GB' },
  cells: { size: 50, idle: '60s' },
  retention: { jobs: '30d', slots: '90d', events: '90d' },
  versions: { budget: '256MB' },
  jobChains: DEFAULT_CHAIN_BOUNDS,
  origins: {},
  control: { socket: undefined },
} as const;

/** Settings of earlier releases: the error says what became of each, because "unknown" alone would look like a typing mistake. */
const REMOVED: Readonly<Record<string, { message: string; next: string }>> = {
  probation: {
    message: 'no setting any more; new versions are not rehearsed before their first job',
    next: 'remove it; by hand, `daruma rehearse` tries the newest source on past inputs',
  },
};

function explainRemoved(issue: Issue): Issue {
  const key = issue.path.length === 0 ? issue.keys?.find((name) => Object.hasOwn(REMOVED, name)) : undefined;
  if (key === undefined) return issue;
  const { message, next } = REMOVED[key]!;
  return { code: 'custom', path: [key], message, params: { next } };
}

/** The text of config/daruma.yaml of an installation; empty when there is none. Throws a {@link Fault} when it cannot be read. */
export function readHostText(folder: string): string {
  try {
    return readFileSync(join(folder, HOST_SETTINGS_FILE), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new Fault(
      {
        code: 'FILE_UNREADABLE',
        message: `${HOST_SETTINGS_FILE} cannot be read: ${(cause as Error).message}`,
        file: HOST_SETTINGS_FILE,
        next: 'make it readable for the user that runs daruma',
      },
      { cause },
    );
  }
}

/**
 * Reads config/daruma.yaml of an installation; a missing file means the defaults. Throws a {@link Fault} with the place
 * and a suggestion when the file is wrong: a host must not start on half of its settings.
 */
export function readHostSettings(folder: string): { settings: HostSettings; origins: ValueSource[] } {
  return resolveHostSettings(readHostText(folder), HOST_SETTINGS_FILE);
}

/** The settings in a text, with the defaults filled in and the origin of each; throws a {@link Fault}. */
export function resolveHostSettings(text: string, file: string): { settings: HostSettings; origins: ValueSource[] } {
  const yaml = readYaml(text, file);
  if (yaml.fault) throw new Fault(yaml.fault);
  const parsed = hostSettingsSchema.safeParse(yaml.value ?? {});
  if (!parsed.success) {
    const fault: PlainFault = faultOfIssues(parsed.error.issues.map(explainRemoved), {
      code: 'HOST_SETTINGS_INVALID',
      data: yaml.value,
      schema: z.toJSONSchema(hostSettingsSchema, { io: 'input', target: 'draft-7' }),
      file,
      text,
      place: (path, at) => placeInYaml(yaml.document, text, path, at),
    });
    throw new Fault(fault);
  }
  const said = parsed.data;
  const origins: ValueSource[] = [];
  function pick<T>(path: string[], value: T | undefined, fallback: T): T {
    const at = placeInYaml(yaml.document, text, path, 'key');
    const origin = value === undefined ? 'default' : `${file}:${at.line}:${at.column}`;
    const used = value ?? fallback;
    if (used !== undefined) origins.push({ path: path.join('.'), value: used, origin });
    return used;
  }
  const { store, logs, cells, retention, versions, jobChains } = DEFAULT_HOST_SETTINGS;
  const settings: HostSettings = {
    timezone: pick(['timezone'], said.timezone, machineZone().zone),
    store: { file: pick(['store', 'file'], said.store?.file, store.file) },
    logs: {
      folder: pick(['logs', 'folder'], said.logs?.folder, logs.folder),
      level: pick<LogLevel>(['logs', 'level'], said.logs?.level, logs.level),
      maxFileBytes: checkedSize(pick<string>(['logs', 'maxFile'], said.logs?.maxFile, logs.maxFile), BOUNDS.disk),
      budgetBytes: checkedSize(pick<string>(['logs', 'budget'], said.logs?.budget, logs.budget), BOUNDS.disk),
    },
    cells: {
      cellSize: pick<number>(['cells', 'size'], said.cells?.size, cells.size),
      idleMs: checkedLength(pick<string>(['cells', 'idle'], said.cells?.idle, cells.idle), BOUNDS.timer),
    },
    retention: {
      jobsMs: checkedLength(pick<string>(['retention', 'jobs'], said.retention?.jobs, retention.jobs), BOUNDS.keep),
      slotsMs: checkedLength(pick<string>(['retention', 'slots'], said.retention?.slots, retention.slots), BOUNDS.keep),
      eventsMs: checkedLength(
        pick<string>(['retention', 'events'], said.retention?.events, retention.events),
        BOUNDS.keep,
      ),
    },
    versions: {
      budgetBytes: checkedSize(
        pick<string>(['versions', 'budget'], said.versions?.budget, versions.budget),
        BOUNDS.disk,
      ),
    },
    jobChains: {
      depth: pick<number>(['jobChains', 'depth'], said.jobChains?.depth, jobChains.depth),
      perMinute: pick<number>(['jobChains', 'perMinute'], said.jobChains?.perMinute, jobChains.perMinute),
    },
    origins: originSettings(said.origins),
    control: {},
  };
  for (const [origin, value] of Object.entries(said.origins ?? {})) pick(['origins', origin], value, value);
  const socket = pick<string | undefined>(['control', 'socket'], said.control?.socket, undefined);
  if (socket !== undefined) settings.control.socket = socket;
  return { settings, origins };
}
