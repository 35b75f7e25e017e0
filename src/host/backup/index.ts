import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BackupView, ProofView, RestoreView, VerifiedView } from '../../control/protocol.ts';
import { machineTime } from '../../kernel/time.ts';
import { verifyBackup } from './archive.ts';
import { packagesOf, restoreBackup } from './restore.ts';

/** Backups of an installation, for the command line; no host has to run. */
interface Backups {
  list(): BackupView[];
  /** Rejects with a Fault that says what is wrong with it. */
  verify(file: string): Promise<VerifiedView>;
  /** Into this installation; see {@link restoreBackup}. */
  restore(file: string): Promise<RestoreView>;
  /** The packages that package.json asks for, and whether each is there by now. */
  packages(): RestoreView['packages'];
}

export function openBackups(folder: string): Backups {
  return {
    list: () => listBackups(folder),
    async verify(file) {
      const proof = await verifyBackup(file, folder);
      noteVerified(folder, proof, machineTime.now());
      return proof;
    },
    restore: (file) => restoreBackup(file, folder, machineTime.now()),
    packages: () => packagesOf(folder),
  };
}

const FOLDER = 'backups';
/** Which archive was read back, when, and how many bytes it had: by name. The backup plugin writes it as well. */
const VERIFIED = 'verified.json';
const NAME = /^daruma-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.tar\.(?:gz|zst)(?:\.age)?$/;

type Verified = Record<string, { at: string; bytes: number }>;

/** The archives of an installation, newest first. */
function listBackups(folder: string): BackupView[] {
  const where = join(folder, FOLDER);
  const verified = readVerified(where);
  return namesIn(where)
    .sort()
    .reverse()
    .map((file) => {
      const [, year, month, day, hour, minute, second] = NAME.exec(file)!;
      const { size: bytes } = statSync(join(where, file));
      const proof = Object.hasOwn(verified, file) ? verified[file] : undefined;
      return {
        file,
        at: `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`,
        bytes,
        // Another file of that name was never read back.
        verifiedAt: proof?.bytes === bytes ? proof.at : null,
        where,
      };
    });
}

/** Writes down that an archive has proved good now; one that lies elsewhere is in no list. */
function noteVerified(folder: string, { file }: ProofView, now: number): void {
  const where = join(folder, FOLDER);
  const name = namesIn(where).find((one) => join(where, one) === file);
  if (name === undefined) return;
  const verified = readVerified(dirname(file));
  verified[name] = { at: new Date(now).toISOString(), bytes: statSync(file).size };
  writeFileSync(join(where, `${VERIFIED}.new`), JSON.stringify(verified));
  renameSync(join(where, `${VERIFIED}.new`), join(where, VERIFIED));
}

function namesIn(where: string): string[] {
  try {
    return readdirSync(where).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

function readVerified(where: string): Verified {
  try {
    const found = JSON.parse(readFileSync(join(where, VERIFIED), 'utf8')) as Verified;
    const isProof = ([, one]: [string, Verified[string]]) => typeof one?.at === 'string';
    return Object.fromEntries(Object.entries(found).filter(isProof));
  } catch {
    return {};
  }
}
