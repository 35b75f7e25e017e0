import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { COMPRESSED, compareLogNames, logNameOf } from '../kernel/log-names.ts';

/** The ending of a compressed file that is being written; a process that was killed may leave such a file. */
const HALF_COMPRESSED = `.log${COMPRESSED}.tmp`;

interface LogFile {
  name: string;
  bytes: number;
  /** Epoch ms. */
  changedAt: number;
}

/** Compares files, the oldest first: by day, then by number. */
export function inOrder(files: LogFile[]): LogFile[] {
  return files.toSorted((a, b) => compareLogNames(a.name, b.name));
}

/** The oldest files that have to go so that the rest fits the budget. The newest, which is open, always stays. */
export function filesToDrop(files: LogFile[], budgetBytes: number): LogFile[] {
  const ordered = inOrder(files);
  let bytes = ordered.reduce((sum, file) => sum + file.bytes, 0);
  const dropped: LogFile[] = [];
  for (const file of ordered.slice(0, -1)) {
    if (bytes <= budgetBytes) break;
    dropped.push(file);
    bytes -= file.bytes;
  }
  return dropped;
}

/** The files that are closed and not compressed, oldest first, by the name of the file that is open. */
export function filesToCompress(files: LogFile[], open: string): LogFile[] {
  return inOrder(files).filter(({ name }) => !name.endsWith(COMPRESSED) && compareLogNames(name, open) < 0);
}

/** The log files of a stream in a folder, of this process and of all earlier ones; none when the folder is missing. */
export function logFiles(folder: string, stream: string): LogFile[] {
  const files: LogFile[] = [];
  for (const name of namesIn(folder)) {
    if (logNameOf(name)?.stream !== stream) continue;
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
    if (stats?.isFile()) files.push({ name, bytes: stats.size, changedAt: stats.mtimeMs });
  }
  return inOrder(files);
}

/** Deletes the files that do not fit the budget; returns those that went. */
export function trimLogs(folder: string, stream: string, budgetBytes: number): LogFile[] {
  const dropped = filesToDrop(logFiles(folder, stream), budgetBytes);
  for (const { name } of dropped) rmSync(join(folder, name), { force: true });
  return dropped;
}

/** Deletes compressed files that a process began and did not end. */
export function dropUnfinished(folder: string, stream: string): void {
  for (const name of namesIn(folder))
    if (name.startsWith(`${stream}.`) && name.endsWith(HALF_COMPRESSED)) rmSync(join(folder, name), { force: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
