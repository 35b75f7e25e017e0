import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type AgentState, definePlugin, type Fleet, z } from 'daruma';
import { ARCHIVE, drillInput } from './lib/backups.ts';
import { ENCRYPTED } from './lib/encrypted.ts';
import { createRepository, type Repository, type Snapshot } from './lib/restic.ts';
import { thisMachine } from './lib/restic-lock.ts';
import { showMany } from './lib/units.ts';

/** Snapshots are kept under this name of a host, whatever the machine is called. */
const HOST = 'daruma';
/** The name of the file in each snapshot: restic finds what is the same in the one before. Of an encrypted archive nothing is. */
const fileOf = (archive: string) => (archive.endsWith(ENCRYPTED) ? `daruma.tar.zst${ENCRYPTED}` : 'daruma.tar');
const PROVE_AGAIN_MS = 6.5 * 86_400_000;

export default definePlugin({
  about:
    'Brings backups into a repository of restic, encrypted, and restores and starts each from there before it counts.',
  settings: z.strictObject({
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('The server that keeps the repository. Default: none, the repository is the folder backups/restic.'),
    protocol: z
      .enum(['s3', 'rest'])
      .default('s3')
      .describe(
        "Of the endpoint. s3: a bucket, with the secrets S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY. rest: restic's own REST server.",
      ),
    path: z
      .string()
      .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'must be a bucket with a folder, such as my-backups/ops')
      .default('backups')
      .describe(
        'The repository at the endpoint: the bucket, and a folder in it. Each installation has one of its own.',
      ),
    keep: z
      .strictObject({
        daily: z.int().min(1).default(7),
        weekly: z.int().min(0).default(4),
        monthly: z.int().min(0).default(12),
      })
      .prefault({})
      .describe("What restic's own `forget` leaves: of days, weeks and months."),
  }),
  input: drillInput(),
  limits: { memory: '128MB', timeout: '12h', silence: '2h', attempts: 3, backoff: { first: '5m', longest: '30m' } },
  needs: {
    fleet: true,
    exec: [{ command: 'restic', args: ['*'] }],
    net: ['settings.endpoint'],
    secrets: ['RESTIC_PASSWORD', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
    // /proc says whether the owner of a lock is gone.
    read: ['/proc'],
    write: ['backups'],
  },
  async run({ job, settings, secrets, agent, folder, fleet, exec, state, log, beat, summary }) {
    const backups = join(folder, 'backups');
    const work = join(backups, `.restic-${agent}`);
    // The work of an attempt that was killed is of no use to anybody.
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const repository = createRepository({
      ...{ exec, host: HOST, password: secrets.RESTIC_PASSWORD, machine: thisMachine, log },
      ...placeOf(settings, backups, secrets),
    });
    try {
      const there = await repository.snapshots();
      const copied = await copyNew({ repository, fleet, backups, work, beat, there, state });
      const last = job.input?.drill ? null : await state.get('provedAt');
      const drilled = copied.length > 0 ? null : await drill({ repository, fleet, work, beat, there }, last);
      if (copied.length > 0 || drilled !== null) await state.set('provedAt', Date.now());
      const gone = copied.length > 0 ? await repository.retain(settings.keep) : 0;
      const proven = drilled === null ? '' : ` \`${drilled}\` was restored from there and would start.`;
      summary(
        `${showMany(copied.length, 'backup')} brought to restic, each restored from there; ${gone} forgotten.${proven}`,
      );
      return { copied, drilled, gone, restored: copied.at(-1) ?? drilled };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
});

interface Place {
  endpoint?: string | undefined;
  protocol: 's3' | 'rest';
  path: string;
}

/** The repository as restic names it, and the keys that it wants. */
function placeOf(
  { endpoint, protocol, path }: Place,
  backups: string,
  secrets: Record<'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY', string>,
) {
  if (endpoint === undefined) return { repository: join(backups, 'restic'), keys: null };
  const repository = `${protocol}:${endpoint.replace(/\/$/, '')}/${path}${protocol === 'rest' ? '/' : ''}`;
  if (protocol === 'rest') return { repository, keys: null };
  return { repository, keys: { id: secrets.S3_ACCESS_KEY_ID, secret: secrets.S3_SECRET_ACCESS_KEY } };
}

interface Work {
  repository: Repository;
  fleet: Pick<Fleet, 'proveBackup'>;
  there: readonly Snapshot[];
  /** An own folder in backups/. */
  work: string;
  beat: (note: string) => void;
}

/**
 * Brings the archives there that are not. A snapshot counts once it was restored and started; any other is forgotten. An archive whose proof was cut off, or could not be
 * forgotten, is proved anew by the next attempt.
 */
async function copyNew(terms: Work & { backups: string; state: AgentState }): Promise<string[]> {
  const { repository, work, beat, there, backups, state } = terms;
  const known = new Map(there.map(({ name, id }) => [name, id]));
  const unproven = await state.get<string>('unproven');
  const isWanted = (name: string) => ARCHIVE.test(name) && (!known.has(name) || name === unproven);
  const names = (await readdir(backups)).filter(isWanted).sort();
  for (const name of names) {
    await state.set('unproven', name);
    const id = known.get(name) ?? (await put(name));
    try {
      await prove({ id, name }, terms);
    } catch (error) {
      await repository.forget([id]).catch((left) => {
        throw new AggregateError([error, left], `${name} did not prove good, and is there still`);
      });
      throw error;
    }
    await state.delete('unproven');
  }
  return names;

  async function put(name: string): Promise<string> {
    beat(`unpacking ${name}`);
    // Of a packed file restic would find nothing that is the same as the day before.
    const file = fileOf(name);
    await unzip(join(backups, name), join(work, file));
    beat(`bringing ${name} there`);
    const id = await repository.put(file, work, { name, at: timeOf(name) });
    await rm(join(work, file));
    return id;
  }
}

/** Restores the newest snapshot when none was for a week; the name of its archive. */
async function drill(terms: Work, provedAt: unknown): Promise<string | null> {
  if (typeof provedAt === 'number' && Date.now() - provedAt < PROVE_AGAIN_MS) return null;
  const newest = terms.there.toSorted((a, b) => (a.name < b.name ? -1 : 1)).at(-1);
  if (!newest) throw new Error('there is no backup yet: daruma backup now');
  await prove(newest, terms);
  return newest.name;
}

async function prove({ id, name }: Snapshot, { repository, fleet, work, beat }: Omit<Work, 'there'>): Promise<void> {
  const into = join(work, 'restored');
  beat('restoring it from there');
  await repository.get(id, work, into);
  await fleet.proveBackup(join(into, fileOf(name)));
  await rm(into, { recursive: true, force: true });
}

function timeOf(name: string): Date {
  const [, year, month, day] = ARCHIVE.exec(name)!;
  const clock = /T(\d\d)(\d\d)(\d\d)Z/.exec(name)!;
  return new Date(`${year}-${month}-${day}T${clock.slice(1).join(':')}Z`);
}

/** An archive that is encrypted stays as it is. */
async function unzip(from: string, to: string): Promise<void> {
  if (from.endsWith(ENCRYPTED)) return copyFile(from, to);
  const unpacked = from.endsWith('.gz') ? createGunzip() : createZstdDecompress();
  await pipeline(createReadStream(from), unpacked, createWriteStream(to, { flags: 'wx', mode: 0o600 }));
}
