import { existsSync, readFileSync } from 'node:fs';
import { afterAll } from 'vitest';

const STATUS = '/proc/self/status';
/** What no file can take back: fences that the process has put up around itself, and rights that it has dropped. */
const rights = () =>
  existsSync(STATUS) ? readFileSync(STATUS, 'utf8').match(/^(Uid|NoNewPrivs|Seccomp\w*|CapEff|CapBnd):.*$/gm)! : [];

const env = { ...process.env };
const before = [`folder: ${process.cwd()}`, ...rights()];

/** Files that share a process find it as it began: a file that leaves something behind fails. */
afterAll(() => {
  const changed = Object.keys({ ...env, ...process.env }).filter((name) => process.env[name] !== env[name]);
  for (const name of changed) {
    if (env[name] === undefined) delete process.env[name];
    else process.env[name] = env[name];
  }
  const after = [`folder: ${process.cwd()}`, ...rights()].filter((line, i) => line !== before[i]);
  const left = [...changed.map((name) => `variable: ${name}`), ...after];
  if (left.length > 0) throw new Error(`a file of tests leaves its process changed: ${left.join(', ')}`);
});
