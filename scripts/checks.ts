/**
 * Builds, lints and checks types, the three beside each other. Each prints what it says when it ends; any that fails fails the whole.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const CHECKS = ['build', 'lint', 'types'];

const codes = await Promise.all(CHECKS.map(check));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

/** Runs a script of package.json and resolves with its exit code. */
async function check(name: string): Promise<number | null> {
  const began = performance.now();
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [said, complained, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  process.stdout.write(
    `${code === 0 ? '✓' : '✗'} ${name} in ${((performance.now() - began) / 1000).toFixed(1)} s\n${said}${complained}`,
  );
  return code as number | null;
}
