import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, GiveUp, z } from 'daruma';
import type { Keep } from './backups.ts';
import { isOwnerGone, lockSchema, type Machine } from './restic-lock.ts';

type Exec = Context['exec'];

/** A snapshot of one archive. */
export interface Snapshot {
  id: string;
  /** The name of the archive, its tag. */
  name: string;
}

/** A repository of restic, asked by the program. */
export interface Repository {
  /** Makes the repository where there is none. */
  snapshots(): Promise<Snapshot[]>;
  /** Puts a file of `cwd` there, as of a time. */
  put(file: string, cwd: string, as: { name: string; at: Date }): Promise<string>;
  /** Brings the file of a snapshot back, into a folder that is not there yet. */
  get(id: string, cwd: string, into: string): Promise<void>;
  forget(ids: readonly string[]): Promise<void>;
  /** Forgets by restic's own rule, and frees the room. Resolves with the number of snapshots that went. */
  retain(keep: Keep): Promise<number>;
}

interface ResticTerms {
  exec: Exec;
  /** Its folder, absolute, or an address of restic's: `s3:https://s3.example.org/bucket/ops`. */
  repository: string;
  /** The keys of a bucket; null: the repository wants none. */
  keys: { id: string; secret: string } | null;
  /** The host that snapshots are kept under. */
  host: string;
  password: string;
  machine: () => Promise<Machine>;
  log: Context['log'];
}

const HELD = /already locked/;
const NONE = /unable to open config file|Is there a repository at the following location/;
/** Words of a server that was not asked for a repository at all. */
const UNREACHED =
  /connection refused|no such host|i\/o timeout|access denied|Access Denied|InvalidAccessKeyId|SignatureDoesNotMatch|signature we calculated|403/i;
const snapshotList = z.array(z.object({ id: z.string(), tags: z.array(z.string()).default([]) }));
const summaryLine = z.object({ message_type: z.literal('summary'), snapshot_id: z.string() });
const groups = z.array(z.object({ remove: z.array(z.unknown()).nullable().default(null) }));

/** Nothing is asked before the first call; `snapshots` is that call. */
export function createRepository({ exec, repository, keys, host, password, machine, log }: ResticTerms): Repository {
  const env = {
    ...{ RESTIC_PASSWORD: password, RESTIC_REPOSITORY: repository, TZ: 'UTC' },
    ...(keys === null ? {} : { AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret }),
  };
  const isFolder = repository.startsWith('/');
  const ask = (args: string[], cwd?: string) =>
    exec('restic', [...args, '--no-cache'], {
      env,
      check: false,
      maxOutput: '8MB',
      ...(cwd === undefined ? {} : { cwd }),
    });

  /** A call that takes a lock; locks whose owners are provably gone are removed first, and only then. */
  async function run(args: string[], cwd?: string): Promise<string> {
    let answer = await ask(args, cwd);
    if (answer.code !== 0 && HELD.test(answer.stderr)) {
      await removeStale();
      answer = await ask(args, cwd);
    }
    if (answer.code === 0) return answer.stdout;
    throw failure(args[0]!, answer.stderr);
  }

  /** Throws where the owner of one of them may be alive. `restic unlock` would judge by itself which locks go, or remove all. */
  async function removeStale(): Promise<void> {
    const here = await machine();
    const ids = (await run(['list', 'locks', '--no-lock'])).split('\n').filter(Boolean);
    for (const id of ids) {
      const lock = lockSchema.parse(JSON.parse(await run(['cat', 'lock', id, '--no-lock'])));
      const whose = `${lock.hostname}, pid ${lock.pid}, ${lock.time}`;
      if (!isOwnerGone(lock, here))
        throw new Error(
          `the repository is locked (${whose}), and nothing proves that its owner is gone; if you know it is: restic unlock`,
        );
      log.warn(`a lock is removed whose owner is gone: ${whose}`);
      if (isFolder) await rm(join(repository, 'locks', id), { force: true });
    }
    // Of a repository behind an address restic alone can remove locks: all that were there a moment ago are proven stale.
    if (!isFolder) await run(['unlock', '--remove-all']);
  }

  return {
    async snapshots() {
      const { code, stdout, stderr } = await ask(['snapshots', '--json', '--no-lock', '--host', host]);
      if (code === 0)
        return snapshotList.parse(JSON.parse(stdout)).map(({ id, tags }) => ({ id, name: tags[0] ?? '' }));
      if (!NONE.test(stderr) || UNREACHED.test(stderr)) throw failure('snapshots', stderr);
      await run(['init']);
      return [];
    },
    async put(file, cwd, { name, at }) {
      const time = at.toISOString().slice(0, 19).replace('T', ' ');
      const said = await run(['backup', '--json', '--host', host, '--tag', name, '--time', time, file], cwd);
      const last = said.trim().split('\n').at(-1) ?? '';
      return summaryLine.parse(JSON.parse(last)).snapshot_id;
    },
    async get(id, cwd, into) {
      await run(['restore', id, '--no-lock', '--target', into], cwd);
    },
    async forget(ids) {
      if (ids.length > 0) await run(['forget', ...ids]);
    },
    async retain({ daily, weekly, monthly }) {
      const rule = ['--keep-daily', String(daily), '--keep-weekly', String(weekly), '--keep-monthly', String(monthly)];
      const text = await run(['forget', '--json', '--prune', '--host', host, '--group-by', 'host', ...rule]);
      const answer = groups.parse(JSON.parse(text.trim().split('\n')[0] ?? '[]'));
      return answer.reduce((sum, { remove }) => sum + (remove?.length ?? 0), 0);
    },
  };
}

function failure(command: string, stderr: string): Error {
  const said = `restic ${command}: ${stderr.trim().split('\n').slice(-3).join('; ')}`;
  return /wrong password/.test(said) ? new GiveUp(said) : new Error(said);
}
