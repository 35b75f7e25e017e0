import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type Fleet, z } from 'daruma';
import { ARCHIVE, drillInput, keepSetting, surplus } from './lib/backups.ts';
import { type Bucket, openBucket, type StoredFile } from './lib/bucket.ts';
import { ENCRYPTED, encryptFile, passphraseOf } from './lib/encrypted.ts';
import { bytesOf, showBytes, showMany, showMs, size } from './lib/units.ts';

export default definePlugin({
  about: 'Brings backups to a bucket that speaks S3, encrypted; as a drill, restores the newest one from there.',
  settings: z.strictObject({
    does: z
      .enum(['copy', 'drill'])
      .default('copy')
      .describe('copy: brings archives there. drill: fetches the newest and restores it into an empty folder.'),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .default('https://s3.example.org')
      .describe('The server, without the bucket.'),
    region: z.string().min(1).default('us-east-1').describe('The region of the bucket; many servers take any.'),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
      .default('backups')
      .describe('The bucket; it is there already.'),
    prefix: z
      .string()
      .regex(/^([\w.-]+\/)*$/, 'must be empty or end in /, such as ops/')
      .default('')
      .describe('The folder in the bucket. Each installation has one of its own.'),
    encrypt: z
      .boolean()
      .default(true)
      .describe(
        'Encrypt with the secret BACKUP_PASSPHRASE; `age -d` reads the files, too. false: they are as in backups/.',
      ),
    keep: keepSetting(),
    budget: size()
      .default('50GB')
      .describe('What all backups there together may take; the newest is kept in any case.'),
  }),
  input: drillInput(),
  limits: { memory: '256MB', timeout: '12h', silence: '30m', attempts: 5, backoff: { first: '1m', longest: '30m' } },
  needs: {
    fleet: true,
    net: ['settings.endpoint'],
    secrets: ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'BACKUP_PASSPHRASE'],
    write: ['backups'],
  },
  async run({ job, settings, secrets, agent, folder, fleet, fetch, beat, summary }) {
    const keys = { id: secrets.S3_ACCESS_KEY_ID, secret: secrets.S3_SECRET_ACCESS_KEY };
    const passphrase = settings.encrypt ? passphraseOf(secrets) : null;
    const bucket = await openBucket({ ...settings, keys, fetch });
    const backups = join(folder, 'backups');
    const work = join(backups, `.${settings.does}-${agent}`);
    // The work of an attempt that was killed is of no use to anybody.
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const terms = { bucket, backups, work, passphrase, beat };
    try {
      if (settings.does === 'drill' || job.input?.drill) {
        const drilled = await drill(terms, fleet);
        const { restored: name, bytes, tookMs, jobs, agents } = drilled;
        const found = `${showMany(jobs, 'job')}, ${showMany(agents.length, 'agent')} would start`;
        summary(
          `\`${name}\` (${showBytes(bytes)}) was fetched from ${settings.endpoint} and restored in ${showMs(tookMs)}: ${found}.`,
        );
        return drilled;
      }
      const copied = await copyNew(terms);
      const gone = await prune(bucket, settings.keep, bytesOf(settings.budget));
      summary(`${showMany(copied.length, 'backup')} brought to ${settings.endpoint}, ${gone.length} deleted there.`);
      return { copied, gone };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
});

interface Work {
  bucket: Bucket;
  backups: string;
  /** An own folder in backups/. */
  work: string;
  /** null: files are not encrypted. */
  passphrase: string | null;
  beat: (note: string) => void;
}

/** Brings the archives there that are not. A file counts when the bucket lists it with the bytes that were sent. */
async function copyNew({ bucket, backups, work, passphrase, beat }: Work): Promise<string[]> {
  const there = new Set((await bucket.list()).map(({ name }) => plainName(name)));
  const names = (await readdir(backups)).filter((name) => ARCHIVE.test(name) && !there.has(plainName(name))).sort();
  const sent = new Map<string, number>();
  for (const archive of names) {
    // An archive that is encrypted already goes as it is.
    const seal = archive.endsWith(ENCRYPTED) ? null : passphrase;
    const name = seal === null ? archive : `${archive}${ENCRYPTED}`;
    const file = seal === null ? join(backups, archive) : join(work, name);
    if (seal !== null) {
      beat(`encrypting ${archive}`);
      await encryptFile(join(backups, archive), file, seal);
    }
    await bucket.put(file, name, (bytes) => beat(`${name}: ${showBytes(bytes)} sent`));
    sent.set(name, (await stat(file)).size);
    if (seal !== null) await rm(file);
  }
  const listed = new Map((await bucket.list()).map(({ name, bytes }) => [name, bytes]));
  for (const [name, bytes] of sent) {
    const found = listed.get(name);
    if (found !== bytes) throw new Error(`${name} has ${found ?? 'no'} bytes in the bucket, ${bytes} were sent`);
  }
  return [...sent.keys()];
}

async function prune(bucket: Bucket, keep: Parameters<typeof surplus>[1], budget: number): Promise<string[]> {
  const files = archivesOf(await bucket.list());
  const going = surplus(files, keep, budget);
  for (const { stored } of going) await bucket.remove(stored);
  return going.map(({ stored }) => stored);
}

/** Fetches the newest archive and has the host decrypt it, and restore it into an empty folder. */
async function drill({ bucket, work, beat }: Work, fleet: Fleet) {
  const newest = archivesOf(await bucket.list())
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .at(-1);
  if (!newest) throw new Error('there is no backup in the bucket: the agent that copies has brought none');
  const began = Date.now();
  const file = join(work, newest.stored);
  await bucket.get(newest.stored, file, (bytes) => beat(`${showBytes(bytes)} fetched`));
  beat('restoring it into an empty folder');
  const { jobs, agents } = await fleet.proveBackup(file);
  return { restored: newest.stored, bytes: newest.bytes, tookMs: Date.now() - began, jobs, agents };
}

function archivesOf(files: readonly StoredFile[]) {
  return files
    .map(({ name, bytes }) => ({ name: plainName(name), stored: name, bytes }))
    .filter(({ name }) => ARCHIVE.test(name));
}

function plainName(name: string): string {
  return name.endsWith(ENCRYPTED) ? name.slice(0, -ENCRYPTED.length) : name;
}
