/**
 * A start on a Node that is too old: Daruma runs itself again on the Node that it brought along, or says
 * what it needs. This file, those that it imports and `main.ts` must load on every Node that knows modules: no
 * newer syntax. Each command loads this file, so modules that only a start on an older Node needs are loaded then.
 */
import { majorOf, OLDEST_NODE } from './oldest-node.ts';

/**
 * Undefined on a Node that is new enough; else the exit code of the newer Node that ran the command, or 2 with a
 * sentence on stderr.
 */
export async function olderNode(version: string, argv: string[]): Promise<number | undefined> {
  if (majorOf(version) >= OLDEST_NODE) return undefined;
  const { dirname } = await import('node:path');
  const { fileURLToPath } = await import('node:url');
  const { newerNode, runAgain } = await import('./newer-node.ts');
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
