import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.ts';

/**
 * Finds the value of a secret: the file `$CREDENTIALS_DIRECTORY/NAME` (systemd), else the file that `NAME_FILE` names,
 * else the environment variable `NAME`. A file's last line end is not part of the value. undefined when there is none.
 */
export function findSecret(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const places = [env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, name), env[`${name}_FILE`]];
  for (const place of places) {
    const value = place ? readIfThere(place) : undefined;
    if (value !== undefined) return value.replace(/\r?\n$/, '');
  }
  return env[name];
}

/** The values of all names; throws a Fault `SECRET_MISSING` that names the first one that is not there. */
export function findSecrets(
  agent: string,
  names: string[],
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = findSecret(name, env);
    if (value === undefined) {
      throw new Fault({
        code: 'SECRET_MISSING',
        message: `${agent} needs the secret ${name}, which is nowhere to be found`,
        next: `set ${name} in the host's environment, or ${name}_FILE to a file that holds it, or LoadCredential=${name}:… under systemd`,
      });
    }
    values[name] = value;
  }
  return values;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
