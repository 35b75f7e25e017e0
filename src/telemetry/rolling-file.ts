import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import roll from 'pino-roll';
import { Fault } from '../kernel/fault.ts';
import { refusedFolderName } from '../kernel/paths.ts';

/** The log file that is written to now: pino-roll begins another one each day, and whenever it has grown to its size. */
export interface RollingFile {
  stream: Awaited<ReturnType<typeof roll>>;
  /** Where it should lie, and what is open: as `<device>:<inode>`, undefined when nothing is. */
  held(): { path: string; id: string | undefined };
  /** Opens it anew by its name, in a folder that is made when it is missing. Throws the system's error, and goes on with what is open. */
  reopen(): void;
}

interface RollingFileOptions {
  folder: string;
  /** The first part of the names: `<stream>.<day>.<number>.log`. */
  stream: string;
  maxFileBytes: number;
  /** Bytes of lines that are kept in memory while the disk takes none. */
  keptBytes: number;
}

/** Opens the newest file of the day, or its first. Rejects with the system's error when it cannot be opened, with code `FOLDER_NAME` for a folder that pino-roll refuses. */
export async function openRollingFile(options: RollingFileOptions): Promise<RollingFile> {
  const { folder, stream: name, maxFileBytes, keptBytes } = options;
  const refused = refusedFolderName(folder);
  if (refused) throw new Fault(refused);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stream = await roll({
    file: join(folder, name),
    extension: '.log',
    dateFormat: 'yyyy-MM-dd',
    frequency: 'daily',
    size: `${Math.max(1, Math.floor(maxFileBytes / 1024))}k`,
    sync: true,
    mkdir: true,
    mode: 0o600,
    maxLength: keptBytes,
  });

  return {
    stream,
    held: () => ({ path: stream.file, id: openId(stream.fd) }),
    reopen() {
      mkdirSync(dirname(stream.file), { recursive: true, mode: 0o700 });
      // SonicBoom keeps a listener for each `reopen` that fails, which would close a descriptor twice later.
      closeSync(openSync(stream.file, 'a', 0o600));
      stream.reopen();
    },
  };
}

function openId(fd: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
