import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import type { ChildRecord } from './wire.ts';

/** A file that is longer than this is written anew, with the processes that live. */
const LONGEST_BYTES = 256 * 1024;

/**
 * The record of all processes that may run, a line of JSON each, on disk before they run. A host that starts after one that was
 * killed reads in this file which processes to look for.
 */
export interface ChildrenFile {
  /** The records that an earlier host left. */
  read(): Promise<ChildRecord[]>;
  /** Resolves when the record is on disk. Records that are added during a write share the next write. */
  add(record: ChildRecord): Promise<void>;
  /** No process of the command is left. The file is written when there is time: a record too many does no harm. */
  remove(mark: string): void;
  close(): Promise<void>;
}

interface Line {
  text: string;
  done?: { resolve(): void; reject(error: Error): void };
}

export function openChildrenFile(file: string): ChildrenFile {
  const living = new Map<string, ChildRecord>();
  let handle: FileHandle | undefined;
  let bytes = 0;
  let lines: Line[] = [];
  let writing: Promise<void> | undefined;

  async function writeAll() {
    while (lines.length > 0) {
      const batch = lines;
      lines = [];
      try {
        await write(batch.map(({ text }) => text));
        for (const { done } of batch) done?.resolve();
      } catch (error) {
        for (const { done } of batch) done?.reject(error as Error);
      }
    }
    writing = undefined;
  }

  async function write(texts: string[]) {
    handle ??= await open(file, 'a', 0o600);
    if (living.size === 0) {
      await handle.truncate(0);
      bytes = 0;
    } else if (bytes > LONGEST_BYTES) await writeAnew();
    else await append(texts);
  }

  async function append(texts: string[]) {
    // An empty first line ends what a full disk cut off.
    const text = `\n${texts.join('\n')}\n`;
    await handle!.appendFile(text);
    await handle!.datasync();
    bytes += text.length;
  }

  /** Writes the file anew with all processes that live, the new ones among them; at no instant does the file on disk hold fewer. */
  async function writeAnew() {
    const fresh = `${file}.new`;
    await handle!.close();
    handle = undefined;
    handle = await open(fresh, 'w', 0o600);
    bytes = 0;
    await append([...living.values()].map(lineOf));
    await rename(fresh, file);
  }

  function put(line: Line) {
    lines.push(line);
    writing ??= writeAll();
  }

  return {
    async read() {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      });
      bytes = text.length;
      for (const record of recordsIn(text)) living.set(record.mark, record);
      return [...living.values()];
    },
    add(record) {
      living.set(record.mark, record);
      return new Promise((resolve, reject) => put({ text: lineOf(record), done: { resolve, reject } }));
    },
    remove(mark) {
      if (living.delete(mark)) put({ text: JSON.stringify({ gone: mark }) });
    },
    async close() {
      await writing;
      await handle?.close();
      handle = undefined;
    },
  };
}

/** The processes of which no end is recorded; a torn line is left out. */
export function recordsIn(text: string): ChildRecord[] {
  const living = new Map<string, ChildRecord>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      const said = JSON.parse(line) as ChildRecord | { gone: string };
      if ('gone' in said) living.delete(said.gone);
      else if (Number.isInteger(said.pid) && Number.isInteger(said.start)) living.set(said.mark, said);
    } catch {
      // Torn: its command never ran, because nobody was told that it is on disk.
    }
  }
  return [...living.values()];
}

function lineOf({ pid, start, mark }: ChildRecord): string {
  return JSON.stringify({ pid, start, mark });
}
