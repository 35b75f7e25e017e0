import { randomBytes } from 'node:crypto';
import { lstatSync, rmSync, statSync } from 'node:fs';
import { rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { COMPRESSED } from '../kernel/log-names.ts';
import { MB } from '../kernel/measures.ts';
import { compressLogFile } from './log-compression.ts';
import { dropUnfinished, filesToCompress, logFiles, trimLogs } from './log-files.ts';

/** A file that only takes space, so that there is some when the disk is full. */
interface LogReserve {
  /** The size of the reserve when the file is there, in bytes. */
  bytes: number;
  /** Gives the space back; returns the bytes. */
  free(): number;
  /** Makes the file where it is missing and ten times its size is free. Never rejects. */
  make(): Promise<void>;
}

const MOST_BYTES = 8 * MB;
/** Parts of the byte budget of all log files that the reserve may be. */
const PARTS = 32;
const FREE_FOR_IT = 10;

/**
 * Keeps the files of a log within their budget: deletes the oldest, compresses those that are closed, and holds a reserve for
 * a full disk.
 */
interface LogBudget {
  /** Bytes were written to the open file. */
  wrote(bytes: number): void;
  /** Another file was begun. */
  rolled(): void;
  /** The disk took no line: the reserve goes. */
  full(): void;
  budget(bytes: number): void;
  /** Gives the reserve back, then the oldest files down to half of what all of them take; returns the bytes that came free. */
  shrink(): number;
  close(): void;
}

interface LogBudgetOptions {
  folder: string;
  stream: string;
  maxFileBytes: number;
  budgetBytes: number;
  /** The path of the file that is open. */
  open(): string;
}

/** The first files are compressed and the reserve is made so long after the start. */
const FIRST_MS = 5_000;
/** Times of a file and of its compressed copy differ by less, in ms: file systems round them. */
const SAME_TIME_MS = 2;

/** Begins with what earlier processes left. Throws the system's error where the folder cannot be read. */
export function createLogBudget(options: LogBudgetOptions): LogBudget {
  const { folder, stream, maxFileBytes } = options;
  const reserve = createLogReserve(folder, options.budgetBytes);
  let { budgetBytes } = options;
  let sinceLook = 0;
  let work: 'none' | 'under way' | 'once more' = 'none';
  let isOver = false;
  dropUnfinished(folder, stream);
  const first = setTimeout(tend, FIRST_MS).unref();

  /** The open file may grow to its size, and a file that is compressed exists twice for a moment. */
  const room = () => Math.max(0, budgetBytes - 2 * maxFileBytes - reserve.bytes);

  /** The watch of open handles takes care of a folder that cannot be read. */
  function trim() {
    sinceLook = 0;
    try {
      trimLogs(folder, stream, room());
    } catch {}
  }

  /** A file that cannot be compressed stays as it is, and is tried again with the next one. */
  async function compressClosed() {
    for (const { name, changedAt } of filesToCompress(logFiles(folder, stream), basename(options.open()))) {
      if (isOver) return;
      const file = join(folder, name);
      const copy = lstatSync(file + COMPRESSED, { throwIfNoEntry: false });
      if (!copy) await compressLogFile(file, () => isOver);
      // A process that was killed between its last two steps left both.
      else if (Math.abs(copy.mtimeMs - changedAt) < SAME_TIME_MS) rmSync(file, { force: true });
    }
  }

  function tend() {
    if (isOver) return;
    if (work !== 'none') {
      work = 'once more';
      return;
    }
    trim();
    work = 'under way';
    compressClosed()
      .catch(() => {})
      .then(() => (isOver ? undefined : reserve.make()))
      .then(() => {
        const isAgain = work === 'once more';
        work = 'none';
        if (isAgain) tend();
      });
  }

  return {
    wrote(bytes) {
      sinceLook += bytes;
      if (sinceLook <= maxFileBytes / 4) return;
      trim();
      tend();
    },
    rolled: tend,
    full: () => void reserve.free(),
    budget(bytes) {
      budgetBytes = bytes;
    },
    shrink() {
      const reserved = reserve.free();
      const bytes = logFiles(folder, stream).reduce((sum, one) => sum + one.bytes, 0);
      return trimLogs(folder, stream, bytes / 2).reduce((sum, one) => sum + one.bytes, reserved);
    },
    close() {
      isOver = true;
      clearTimeout(first);
    },
  };
}

/** The reserve in the folder of the log, which counts within the log's budget. */
function createLogReserve(folder: string, budgetBytes: number): LogReserve {
  const path = join(folder, '.reserve');
  const bytes = Math.floor(Math.min(MOST_BYTES, budgetBytes / PARTS));

  return {
    bytes,
    free() {
      const held = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      rmSync(path, { force: true });
      return held;
    },
    async make() {
      try {
        if (statSync(path, { throwIfNoEntry: false })) return;
        const { bavail, bsize } = await statfs(folder);
        if (bavail * bsize < FREE_FOR_IT * bytes) return;
        // Zeros would take no space on a disk that compresses.
        await writeFile(`${path}.tmp`, randomBytes(bytes), { mode: 0o600 });
        await rename(`${path}.tmp`, path);
      } catch {
        // A disk that has no room for it gets it later.
        await rm(`${path}.tmp`, { force: true }).catch(() => {});
      }
    },
  };
}
