import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { PlainFault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';

/** The file of secrets of an installation, relative to it. */
export const ENV_FILE = '.env';
const MOST_BYTES = MB;

/** What `.env` says. Its values go nowhere but to the agents that declare their names. */
export interface EnvFile {
  isThere: boolean;
  values: ReadonlyMap<string, string>;
  /** It cannot be read, or lines of it mean nothing. */
  problems: PlainFault[];
  /** Others than its owner may read it. */
  notes: PlainFault[];
}

/** Reads `.env` of the installation, as Node's `util.parseEnv` does; never throws. */
export function readEnvFile(folder: string): EnvFile {
  const file = join(folder, ENV_FILE);
  try {
    const { mode, size } = statSync(file);
    if (size > MOST_BYTES) return unreadable(`it has ${size} bytes; at most ${MOST_BYTES} are read`);
    const text = readFileSync(file, 'utf8');
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(parseEnv(text))) if (value !== undefined) values.set(name, value);
    return { isThere: true, values, problems: oddLines(text), notes: (mode & 0o077) === 0 ? [] : [open(mode)] };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { isThere: false, values: new Map(), problems: [], notes: [] };
    return unreadable(message);
  }
}

function unreadable(why: string): EnvFile {
  const fault = {
    code: 'ENV_FILE_UNREADABLE',
    message: `the secrets in ${ENV_FILE} cannot be read: ${why}`,
    file: ENV_FILE,
    next: `let the host's user read it: chmod 600 ${ENV_FILE}`,
  };
  return { isThere: true, values: new Map(), problems: [fault], notes: [] };
}

function open(mode: number): PlainFault {
  return {
    code: 'ENV_FILE_OPEN',
    message: `others than its owner may read or write it (mode ${(mode & 0o777).toString(8)})`,
    file: ENV_FILE,
    next: `chmod 600 ${ENV_FILE}`,
  };
}

/** Lines that are neither empty, a comment, nor `NAME=value`. What they hold is not repeated: it may be a secret. */
function oddLines(text: string): PlainFault[] {
  const faults: PlainFault[] = [];
  let quote: string | undefined;
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (quote !== undefined) {
      if (line.includes(quote)) quote = undefined;
      continue;
    }
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const said = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=\s*(.*)$/.exec(line);
    if (!said) {
      const message = 'the line is no NAME=value, and counts for nothing';
      faults.push({
        code: 'ENV_FILE_LINE',
        message,
        file: ENV_FILE,
        line: index + 1,
        next: 'write NAME=value, or # before a comment',
      });
      continue;
    }
    const first = said[1]![0];
    if ((first === '"' || first === "'" || first === '`') && !said[1]!.slice(1).includes(first)) quote = first;
  }
  return faults;
}
