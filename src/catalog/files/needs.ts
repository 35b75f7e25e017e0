import { posix } from 'node:path';
import { type CommandGrant, grantCovers, grantText } from '../../kernel/command-grant.ts';
import type { Needs } from '../../plugin/define.ts';

/** The needs of a plugin that needs nothing. */
const NO_NEEDS: Required<Needs> = {
  secrets: [],
  env: [],
  net: [],
  read: [],
  write: [],
  exec: [],
  modules: [],
  fleet: false,
};

/** A need of an agent file beyond those of its plugin. */
interface Widened {
  path: (string | number)[];
  message: string;
}

const isSame = (granted: string, asked: string) => granted === asked;

/**
 * Tells when an entry of the plugin's needs covers an entry of the agent file; entries without a rule here have to be
 * the same.
 */
const COVERS: Partial<Record<keyof Needs, (granted: never, asked: never) => boolean>> = {
  net: hostCovers,
  read: pathCovers,
  write: pathCovers,
  exec: grantCovers,
};

/** The plugin's needs, narrowed by those of the agent file; a key that the file leaves out stays as the plugin says. */
export function narrowNeeds(
  plugin: Needs | undefined,
  file: Needs | undefined,
): { needs: Required<Needs> } | { widened: Widened } {
  const all: Required<Needs> = { ...NO_NEEDS, ...withoutUndefined(plugin) };
  const narrowed = { ...all, ...withoutUndefined(file) };
  if (file?.fleet && !all.fleet) return widened(['fleet'], 'true', 'false');
  for (const key of ['secrets', 'env', 'modules', 'net', 'read', 'write', 'exec'] as const) {
    // An agent that may write a path may read it.
    const granted: readonly CommandGrant[] = key === 'read' ? [...all.read, ...all.write] : all[key];
    const covers = COVERS[key] ?? isSame;
    for (const [index, asked] of (file?.[key] ?? []).entries()) {
      const isInside = granted.some((one) => covers(one as never, asked as never));
      if (!isInside) return widened([key, index], grantText(asked), all[key].map(grantText).join(', ') || 'none');
    }
  }
  return { needs: narrowed };
}

/** Whether the host `granted` covers the host `asked`: `*.shop.example` covers `api.shop.example`. */
export function hostCovers(granted: string, asked: string): boolean {
  if (granted === '*') return true;
  const [host, port] = splitPort(granted.toLowerCase());
  const [askedHost, askedPort] = splitPort(asked.toLowerCase());
  if (port !== undefined && port !== askedPort) return false;
  if (host === askedHost) return true;
  // `*.shop.example` is every host below shop.example, not shop.example itself.
  return host.startsWith('*.') && askedHost.endsWith(host.slice(1)) && askedHost.length > host.length - 1;
}

/** Whether `asked` is `granted` or lies below it. Relative paths are inside the installation; `..` is resolved first. */
export function pathCovers(granted: string, asked: string): boolean {
  const outer = plainPath(granted);
  const inner = plainPath(asked);
  if (outer === inner || outer === '/') return outer === '/' ? inner.startsWith('/') : true;
  if (outer === '.') return !inner.startsWith('/') && inner !== '..' && !inner.startsWith('../');
  return inner.startsWith(`${outer}/`);
}

function plainPath(path: string): string {
  const plain = posix.normalize(path.replaceAll('\\', '/'));
  return plain.length > 1 ? plain.replace(/\/$/, '') : plain;
}

function splitPort(host: string): [string, string | undefined] {
  const match = /^(.*?)(?::(\d+))?$/.exec(host);
  return host.startsWith('[') && !host.includes(']:') ? [host, undefined] : [match![1]!, match![2]];
}

function widened(path: (string | number)[], asked: string, granted: string): { widened: Widened } {
  return {
    widened: {
      path: ['needs', ...path],
      message: `asks for ${asked}, which the plugin does not need (${path[0]}: ${granted}); an agent file may only narrow`,
    },
  };
}

function withoutUndefined(needs: Needs | undefined): Partial<Needs> {
  return Object.fromEntries(Object.entries(needs ?? {}).filter(([, value]) => value !== undefined));
}
