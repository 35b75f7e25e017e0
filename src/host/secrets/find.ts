import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { PlainFault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';

/** Where secrets are looked for. */
interface SecretSources {
  /** The host's environment. */
  env: NodeJS.ProcessEnv;
  envFile: Pick<EnvFile, 'values'>;
}

/** The end of the search for a secret. `where` in words: `SHOP_TOKEN_FILE (/run/shop)`. */
export type SecretSearch =
  | { is: 'found'; value: string; where: string }
  | { is: 'missing'; why: string }
  | { is: 'unreadable'; file: string; why: string };

/**
 * Looks for the value of a secret: the file `$CREDENTIALS_DIRECTORY/NAME` (systemd), else the file that `NAME_FILE` names,
 * else the environment variable `NAME`; and then the same two names in `.env`. A file's last line end is not part of
 * the value; an empty value is none. A file that is named and cannot be read ends the search: another value than the one that was
 * meant is worse than none. Never throws.
 */
export function findSecret(name: string, { env, envFile }: SecretSources): SecretSearch {
  let why = 'it is nowhere to be found';
  const inEnv = (key: string) => (Object.hasOwn(env, key) ? env[key] : undefined);
  const inFile = (key: string) => envFile.values.get(key);
  const credentials = inEnv('CREDENTIALS_DIRECTORY');
  const places: { file?: string | undefined; value?: string | undefined; where: string }[] = [
    { file: credentials && join(credentials, name), where: 'the credentials of systemd' },
    { file: inEnv(`${name}_FILE`), where: `${name}_FILE` },
    { value: inEnv(name), where: 'the environment' },
    { file: inFile(`${name}_FILE`), where: `${name}_FILE of ${ENV_FILE}` },
    { value: inFile(name), where: ENV_FILE },
  ];
  for (const { file, value, where } of places) {
    if (!file && value === undefined) continue;
    const read = file ? readSecret(file) : { value: value! };
    if ('error' in read) {
      if (read.error.code !== 'ENOENT') return { is: 'unreadable', file: file!, why: read.error.message };
      if (where !== 'the credentials of systemd') why = `${where} names ${file}, which is not there`;
    } else if (read.value === '') why = `it is empty in ${file ?? where}`;
    else return { is: 'found', value: read.value, where: file ? `${where} (${file})` : where };
  }
  return { is: 'missing', why };
}

function readSecret(file: string): { value: string } | { error: NodeJS.ErrnoException } {
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { error: error as NodeJS.ErrnoException };
  }
}

/** The fault of an agent that cannot have a secret. */
export function secretFault(agent: string, name: string, found: Exclude<SecretSearch, { is: 'found' }>): PlainFault {
  if (found.is === 'unreadable') {
    return {
      code: 'SECRET_UNREADABLE',
      message: `${agent} needs the secret ${name}, whose file cannot be read: ${found.why}`,
      next: `let the host's user read ${found.file}, or name another file`,
      data: { agent, secret: name },
    };
  }
  return {
    code: 'SECRET_MISSING',
    message: `${agent} needs the secret ${name}: ${found.why}`,
    next: `write ${name}=… into ${ENV_FILE}: it is read again within ten seconds; daruma secrets lists what is missing`,
    data: { agent, secret: name },
  };
}

/** The file of secrets of an installation, relative to it. */
const ENV_FILE = '.env';
const MOST_BYTES = MB;

/** The content of `.env`. The values go only to the agents that declare their names. */
export interface EnvFile {
  isThere: boolean;
  values: ReadonlyMap<string, string>;
  /** The file cannot be read, or lines of it mean nothing. */
  problems: PlainFault[];
  /** Others than the file's owner may read it. */
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

/** Lines that are neither empty, a comment, nor `NAME=value`. The text of such lines is not repeated: it may be a secret. */
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
