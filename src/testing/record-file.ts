import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import type { Recorded } from './ports.ts';

/** The file of `http: { record }`. */
export interface RecordFile {
  readonly name: string;
  /** Whether it was there when the run began. */
  isThere(): boolean;
  /** What it holds; nothing when it was not there. Throws `RECORD_INVALID`. */
  read(): Recorded[];
  add(recorded: Recorded): void;
  /** Writes what was added, whole or not at all; nothing when nothing was. */
  write(): void;
}

export function recordFile(path: string): RecordFile {
  const name = basename(path);
  const wasThere = existsSync(path);
  const added: Recorded[] = [];
  return {
    name,
    isThere: () => wasThere,
    read: () => (wasThere ? parse(readFileSync(path, 'utf8'), path) : []),
    add: (recorded) => void added.push(recorded),
    write() {
      if (added.length === 0) return;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.new`, `${JSON.stringify(added, null, 2)}\n`);
      renameSync(`${path}.new`, path);
    },
  };
}

function parse(text: string, path: string): Recorded[] {
  try {
    const list = JSON.parse(text) as Recorded[];
    if (Array.isArray(list) && list.every((one) => typeof one?.url === 'string')) return list;
  } catch {
    // Told below.
  }
  throw new Fault({
    code: 'RECORD_INVALID',
    message: `${path} is no list of { method, url, status, headers, body }`,
    next: 'remove it and run the test again, to record it anew',
  });
}
