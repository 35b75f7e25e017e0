import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { formatSize } from '../../kernel/units.ts';
import { findSecret, readEnvFile, type SecretSearch } from '../secrets/find.ts';

/** The secret whose value opens encrypted archives. */
const SECRET = 'BACKUP_PASSPHRASE';
/** The first bytes of each file in the form of age (age-encryption.org/v1). */
const MARK = Buffer.from('age-encryption.org/v1\n');
/** Left free on the disk that an archive is decrypted to. */
const LEAVE_FREE = 64 * MB;
/** The word of age-encryption for a passphrase that is not the file's. */
const OTHER_PASSPHRASE = /no identity matched/;

/**
 * Looks for the passphrase of an archive where secrets are looked for: in the environment, and in the `.env` of the installation
 * and of the folder that `backups/` with the archive lies in.
 */
export function passphraseFor(file: string, folder: string): SecretSearch {
  const { env } = process;
  const here = findSecret(SECRET, { env, envFile: readEnvFile(folder) });
  if (here.is !== 'missing') return here;
  const beside = findSecret(SECRET, { env, envFile: readEnvFile(dirname(dirname(file))) });
  return beside.is === 'missing' ? here : beside;
}

/** The variables among which {@link passphraseFor} looks, for a process that proves an archive. */
export function passphraseEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = [SECRET, `${SECRET}_FILE`, 'CREDENTIALS_DIRECTORY'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/**
 * Calls `work` with an archive that can be read: the file itself, or its decrypted form, which lies in `into` meanwhile and is deleted
 * afterwards. The file itself is only read. Throws `BACKUP_PASSPHRASE_MISSING`, `BACKUP_PASSPHRASE_WRONG`, `DISK_FULL`, and
 * `BACKUP_DAMAGED` for a file that was changed or cut after it was encrypted.
 */
export async function withPlainArchive<T>(
  { file, into, passphrase }: { file: string; into: string; passphrase: () => SecretSearch },
  work: (archive: string) => Promise<T>,
): Promise<T> {
  if (!(await isEncrypted(file))) return await work(file);
  const plain = join(into, `.decrypted-${randomUUID()}`);
  const secret = passphraseIn(passphrase(), file);
  try {
    await expectRoom(file, into);
    await decrypt(file, plain, secret);
    return await work(plain);
  } catch (error) {
    throw about(error, plain, file);
  } finally {
    await rm(plain, { force: true });
  }
}

/** A fault about the decrypted form is about the file of the caller. */
function about(error: unknown, plain: string, file: string): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault({ ...error.plain, message: error.plain.message.replaceAll(plain, file) }, { cause: error });
}

/** By its first bytes: a file keeps its form under every name. */
async function isEncrypted(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => undefined);
  // The reader of the archive says that there is no file.
  if (!handle) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MARK.length), 0, MARK.length, 0);
    return bytesRead === MARK.length && buffer.equals(MARK);
  } finally {
    await handle.close();
  }
}

function passphraseIn(found: SecretSearch, file: string): string {
  if (found.is === 'found') return found.value;
  throw new Fault({
    code: 'BACKUP_PASSPHRASE_MISSING',
    message: `${file} is encrypted, and there is no passphrase for it: ${found.why}`,
    next: `put the passphrase into a file that only you can read, then ${SECRET}_FILE=<that file> daruma backup verify ${file}; nothing was changed`,
    data: { secret: SECRET },
  });
}

async function expectRoom(file: string, into: string): Promise<void> {
  const [{ size }, { bavail, bsize }] = await Promise.all([stat(file), statfs(into)]);
  if (bavail * bsize >= size + LEAVE_FREE) return;
  throw new Fault({
    code: 'DISK_FULL',
    message: `no room to decrypt ${file}: ${into} has ${formatSize(bavail * bsize)} free, ${formatSize(size + LEAVE_FREE)} are needed`,
    next: 'free some space (df -h); nothing was changed',
  });
}

async function decrypt(from: string, to: string, passphrase: string): Promise<void> {
  // Loaded where an archive is encrypted, and nowhere else.
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    const sealed = Readable.toWeb(createReadStream(from)) as ReadableStream<Uint8Array>;
    const opened = await decrypter.decrypt(sealed);
    await pipeline(Readable.fromWeb(opened as never), createWriteStream(to, { flags: 'wx', mode: 0o600 }));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw cause;
    if (OTHER_PASSPHRASE.test(message)) {
      throw new Fault(
        {
          code: 'BACKUP_PASSPHRASE_WRONG',
          message: `${from} is encrypted with another passphrase than ${SECRET} has now`,
          next: `find the passphrase of the time at which ${basename(from)} was made; nothing was changed`,
          data: { secret: SECRET },
        },
        { cause },
      );
    }
    const next = 'take another one: daruma backup list';
    throw new Fault({ code: 'BACKUP_DAMAGED', message: `${from} cannot be decrypted: ${message}`, next }, { cause });
  }
}
