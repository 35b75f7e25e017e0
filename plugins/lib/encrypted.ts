import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GiveUp } from 'daruma';
import { createSynced } from './files.ts';

/** The end of the name of an encrypted file: the form is that of age (age-encryption.org/v1), and the program `age -d` reads it. */
export const ENCRYPTED = '.age';

/** Letters that a passphrase has at least: with so many, drawn by chance, nobody tries them out, however cheap one try is. */
const LEAST_LETTERS = 16;
/** As a power of two: scrypt takes 32 MB and a fifth of a second for a key. `age -p` has 18 for what people think up. */
const WORK = 15;

/** The secret BACKUP_PASSPHRASE. Gives up where it is not in the agent's needs, or has too few letters. */
export function passphraseOf(secrets: { BACKUP_PASSPHRASE: string }): string {
  if (!('BACKUP_PASSPHRASE' in secrets))
    throw new GiveUp('encryption wants the secret BACKUP_PASSPHRASE in needs.secrets of the agent file');
  const passphrase = secrets.BACKUP_PASSPHRASE;
  if (passphrase.length >= LEAST_LETTERS) return passphrase;
  throw new GiveUp(`BACKUP_PASSPHRASE has less than ${LEAST_LETTERS} letters: openssl rand -base64 24 makes one`);
}

/** Encrypts a file into a new one with a passphrase of {@link LEAST_LETTERS} or more. */
export async function encryptFile(from: string, to: string, passphrase: string): Promise<void> {
  const { Encrypter } = await loadAge();
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(WORK);
  await write(await encrypter.encrypt(bytesIn(from)), to);
}

/** Plugins with this file are compiled and run without the package, too: only an archive that is to be encrypted wants it. */
async function loadAge() {
  try {
    return await import('age-encryption');
  } catch (cause) {
    throw new GiveUp('the package age-encryption is not installed here: npm install age-encryption, then restart', {
      cause,
    });
  }
}

function bytesIn(file: string): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
}

async function write(stream: ReadableStream<Uint8Array>, to: string): Promise<void> {
  const file = await createSynced(to);
  await pipeline(Readable.fromWeb(stream as never), file.createWriteStream());
}
