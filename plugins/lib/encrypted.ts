import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The end of the name of an encrypted file: the form is that of age (age-encryption.org/v1), and the program `age -d` reads it. */
export const ENCRYPTED = '.age';

/** Letters that a passphrase has at least: with so many, drawn by chance, nobody tries them out, however cheap one try is. */
export const LEAST_LETTERS = 16;
/** As a power of two: scrypt takes 32 MB and a fifth of a second for a key. `age -p` has 18 for what people think up. */
const WORK = 15;

/** Encrypts a file into a new one with a passphrase of {@link LEAST_LETTERS} or more. */
export async function encryptFile(from: string, to: string, passphrase: string): Promise<void> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(WORK);
  await write(await encrypter.encrypt(bytesIn(from)), to);
}

/** Decrypts a file into a new one. Rejects for another passphrase, and for a file that was changed or cut. */
export async function decryptFile(from: string, to: string, passphrase: string): Promise<void> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  await write(await decrypter.decrypt(bytesIn(from)), to);
}

function bytesIn(file: string): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
}

async function write(stream: ReadableStream<Uint8Array>, to: string): Promise<void> {
  await pipeline(Readable.fromWeb(stream as never), createWriteStream(to, { flags: 'wx', mode: 0o600 }));
}
