import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface LogFile {
  name: string;
  bytes: number;
  /** Epoch ms. */
  changedAt: number;
}

/** `daruma.2026-11-22.3.log`: the stream, the day, the number on that day. */
const NAME = /^(.+)\.(\d{4}-\d{2}-\d{2})\.(\d+)\.log$/;

/** Compares files, the oldest first: by day, then by number. */
export function inOrder(files: LogFile[]): LogFile[] {
  const key = (name: string) => {
    const match = NAME.exec(name);
    return match ? `${match[2]} ${match[3]!.padStart(9, '0')}` : '';
  };
  return files.toSorted((a, b) => (key(a.name) < key(b.name) ? -1 : key(a.name) > key(b.name) ? 1 : 0));
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

/** The log files of a stream in a folder, of this process and of all earlier ones; none when the folder is missing. */
export function logFiles(folder: string, stream: string): LogFile[] {
  const files: LogFile[] = [];
  for (const name of namesIn(folder)) {
    if (NAME.exec(name)?.[1] !== stream) continue;
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
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

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
