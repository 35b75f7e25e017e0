import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.ts';

/** Where a secret is looked for came to an end: its value, nothing, or a file that is there and cannot be read. */
type Found = { is: 'found'; value: string } | { is: 'missing' } | { is: 'unreadable'; file: string; cause: Error };

/**
 * Finds the value of a secret: the file `$CREDENTIALS_DIRECTORY/NAME` (systemd), else the file that `NAME_FILE` names,
 * else the environment variable `NAME`. A file's last line end is not part of the value. undefined when there is none
 * that can be read; never throws, because who asks for one agent's secret must not fail all of them.
 */
export function findSecret(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const found = look(name, env);
  return found.is === 'found' ? found.value : undefined;
}

/** The values of all names; throws `SECRET_MISSING` or `SECRET_UNREADABLE`, which name the first one that is not to be had. */
export function findSecrets(
  agent: string,
  names: string[],
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, given(look(name, env), agent, name)]));
}

function given(found: Found, agent: string, name: string): string {
  switch (found.is) {
    case 'found':
      return found.value;
    case 'unreadable':
      throw new Fault(
        {
          code: 'SECRET_UNREADABLE',
          message: `${agent} needs the secret ${name}, whose file cannot be read: ${found.cause.message}`,
          next: `let the host's user read ${found.file}, or name another file`,
        },
        { cause: found.cause },
      );
    case 'missing':
      throw new Fault({
        code: 'SECRET_MISSING',
        message: `${agent} needs the secret ${name}, which is nowhere to be found`,
        next: `set ${name} in the host's environment, or ${name}_FILE to a file that holds it, or LoadCredential=${name}:… under systemd`,
      });
  }
}

/** A file that is named and cannot be read ends the search: another value than the one that was meant is worse than none. */
function look(name: string, env: NodeJS.ProcessEnv): Found {
  for (const file of [env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, name), env[`${name}_FILE`]]) {
    if (!file) continue;
    try {
      return { is: 'found', value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return { is: 'unreadable', file, cause: cause as Error };
    }
  }
  const value = env[name];
  return value === undefined ? { is: 'missing' } : { is: 'found', value };
}
