/** What `daruma backup` tells, in `--json` as here. */

/** One archive in `backups/`. */
export interface BackupView {
  /** Its name in `where`. */
  file: string;
  /** When it was made, ISO 8601. */
  at: string;
  bytes: number;
  /** When it was last read back and its store was found whole, ISO 8601; null when nobody did. */
  verifiedAt: string | null;
  /** The folder that it lies in, absolute. */
  where: string;
}

/** What an archive holds, once it has proved that it can be restored. */
export interface ProofView {
  /** Absolute. */
  file: string;
  /** When it was made, ISO 8601; null for an archive that does not say. */
  madeAt: string | null;
  jobs: number;
  entries: number;
  /** Of everything in it, unpacked. */
  bytes: number;
  /** What an installation has and this archive has not, one sentence each. */
  lacks: string[];
}

/** What a restore did, and what is left to do. */
export interface RestoreView extends ProofView {
  /** The installation, absolute. */
  folder: string;
  /** Where what was there before is kept, relative to the installation; null when nothing was. */
  aside: string | null;
  /** What package.json asks for, and whether it is installed. */
  packages: { name: string; wanted: string; installed: boolean }[];
  /** Names that agents need and that are nowhere to be found here. */
  secrets: { name: string; agents: string[] }[];
}
