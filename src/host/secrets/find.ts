import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { ENV_FILE, type EnvFile } from './env-file.ts';

/** Where secrets are looked for. */
interface SecretSources {
  /** The host's environment. */
  env: NodeJS.ProcessEnv;
  envFile: Pick<EnvFile, 'values'>;
}

/** How the search for a secret ended. `where` in words: `SHOP_TOKEN_FILE (/run/shop)`. */
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

/** What is told of an agent that cannot have a secret. */
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
