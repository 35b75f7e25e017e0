import { isUtf8 } from 'node:buffer';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import type { AskedFetch, FetchAnswer } from '../workers/rehearsal.ts';
import type { Recorded } from './ports.ts';

/** The file of `http: { record }`. */
export interface RecordFile {
  readonly name: string;
  /** Whether it was there when the run began. */
  isThere(): boolean;
  /** The recorded answers; none when the file was not there. Throws `RECORD_INVALID`. */
  read(): Recorded[];
  add(recorded: Recorded): void;
  /** Writes what was added, whole or not at all; nothing when nothing was. */
  write(): void;
}

/** The record file at a path, which need not be there yet. */
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
    // The fault below says so.
  }
  throw new Fault({
    code: 'RECORD_INVALID',
    message: `${path} is no list of { method, url, status, headers, body }`,
    next: 'remove it and run the test again, to record it anew',
  });
}

/** Headers that say nothing of the answer itself, or that may be private. */
const LEFT_OUT = new Set([
  'age',
  'alt-svc',
  'connection',
  'content-encoding',
  'content-length',
  'date',
  'keep-alive',
  'nel',
  'report-to',
  'server-timing',
  'set-cookie',
  'transfer-encoding',
]);

/** The answer that a record stands for. */
export function answerOf({ status = 200, headers = {}, body, base64 }: Recorded): FetchAnswer {
  const isData = body !== undefined && typeof body !== 'string';
  const text = isData ? JSON.stringify(body) : ((body as string | undefined) ?? '');
  const known = new Headers(headers);
  if (isData && !known.has('content-type')) known.set('content-type', 'application/json');
  return {
    status,
    statusText: '',
    headers: [...known],
    body: base64 ?? (text === '' ? null : Buffer.from(text).toString('base64')),
  };
}

/** The record of a real answer, readable by people: JSON as JSON, text as text, the rest as base64. */
export function recordedOf(asked: AskedFetch, answer: FetchAnswer, scrub: (text: string) => string): Recorded {
  const headers: Record<string, string> = {};
  for (const [name, value] of answer.headers) if (!LEFT_OUT.has(name)) headers[name] = scrub(value);
  const recorded: Recorded = { method: asked.method, url: scrub(asked.url), status: answer.status, headers };
  if (answer.body === null) return recorded;
  const bytes = Buffer.from(answer.body, 'base64');
  if (!isUtf8(bytes)) return { ...recorded, base64: answer.body };
  const text = scrub(bytes.toString());
  return { ...recorded, body: dataIn(text, headers['content-type']) ?? text };
}

/** Only objects and lists: a text that is JSON itself would look like a text that is not. */
function dataIn(text: string, type = ''): object | undefined {
  if (!/\bjson\b/.test(type)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces each secret's value, also where it stands in a URL, by its name in brackets. */
export function scrubber(secrets: Record<string, string>): (text: string) => string {
  const words = Object.entries(secrets)
    .flatMap(([name, value]) => [value, encodeURIComponent(value)].map((word) => ({ word, name })))
    .filter(({ word }) => word.length > 0)
    .sort((a, b) => b.word.length - a.word.length);
  return (text) => words.reduce((rest, { word, name }) => rest.replaceAll(word, () => `(${name})`), text);
}
