import { relative, sep } from 'node:path';
import type { PlainFault } from './fault.ts';

const VERSION = /^data\/versions\/(?:[^/]+\/[^/]+\/(?:source\/)?)?(.+)$/;
/** Where `data` is a link, the folder of versions has another path. */
const ELSEWHERE = /\/versions\/[^/]+\/[0-9a-f]{12}\/(?:source\/)?(.+)$/;
const NOT_THERE = new Set(['ENOENT', 'ERR_ACCESS_DENIED', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND']);

/**
 * A file that a source looks for beside itself and that was not kept with its version; undefined for any other error.
 * The path in the version's folder says nothing to anybody, and no right to read would bring the file there.
 */
export function notKeptOf(error: { message: string; code?: unknown }, folder: string): PlainFault | undefined {
  const { code, path, resource } = error as { code?: unknown; path?: string; resource?: string };
  if (!NOT_THERE.has(String(code))) return undefined;
  const named = path ?? resource ?? /'(\/[^']+)'/.exec(error.message)?.[1];
  if (!named) return undefined;
  const inside = VERSION.exec(relative(folder, named).split(sep).join('/'))?.[1] ?? ELSEWHERE.exec(named)?.[1];
  if (!inside) return undefined;
  const next =
    'beside a source lies only what it names itself, by a path in quotes; read other files where they are: ' +
    "readFile(join(folder, 'plugins', …)) with `folder` of the context, and the path in needs.read";
  return { code: 'NOT_KEPT', message: `${inside} was not kept with this version of the plugin`, next };
}
