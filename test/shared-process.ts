import { afterAll } from 'vitest';

/** Files of tests that share a process hand it on as they found it: what a file leaves behind fails that file. */
const env = { ...process.env };
const folder = process.cwd();

afterAll(() => {
  const names = new Set([...Object.keys(env), ...Object.keys(process.env)]);
  const changed = [...names].filter((name) => process.env[name] !== env[name]);
  for (const name of changed) {
    if (env[name] === undefined) delete process.env[name];
    else process.env[name] = env[name];
  }
  if (changed.length > 0) throw new Error(`this file leaves environment variables changed: ${changed.join(', ')}`);
  if (process.cwd() !== folder) throw new Error(`this file leaves the process in ${process.cwd()}`);
});
