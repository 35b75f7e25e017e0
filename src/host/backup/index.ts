import { resolve } from 'node:path';
import type { BackupView, ProofView, RestoreView } from '../../control/protocol.ts';
import { machineTime } from '../../kernel/time.ts';
import { listBackups, noteVerified } from './list.ts';
import { verifyBackup } from './proof.ts';
import { packagesOf, restoreBackup } from './restore.ts';

/** Backups of an installation, for the command line; no host has to run. */
export interface Backups {
  list(): BackupView[];
  /** Rejects with a Fault that says what is wrong with it. */
  verify(file: string): Promise<ProofView>;
  /** Into this installation; see {@link restoreBackup}. */
  restore(file: string): Promise<RestoreView>;
  /** What package.json asks for, and whether it is there by now. */
  packages(): RestoreView['packages'];
}

export function openBackups(folder: string): Backups {
  return {
    list: () => listBackups(folder),
    async verify(file) {
      const proof = await verifyBackup(resolve(file));
      noteVerified(folder, proof, machineTime.now());
      return proof;
    },
    restore: (file) => restoreBackup(file, folder, machineTime.now()),
    packages: () => packagesOf(folder),
  };
}
