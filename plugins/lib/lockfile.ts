import { z } from 'daruma';

/** A package as it is installed from a registry. */
export interface Locked {
  name: string;
  version: string;
  /** true: the one that the installation itself imports; other versions may lie below packages. */
  isTop: boolean;
}

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), resolved: z.string().optional(), link: z.boolean().optional() }),
  ),
});
const specs = z.record(z.string(), z.string()).default({});
const manifest = z.object({ dependencies: specs, devDependencies: specs, optionalDependencies: specs });

/** Packages of a registry in a package-lock.json (version 2 or 3), each version once. Files, folders and links are none. */
export function lockedIn(lock: unknown): Locked[] {
  const found = new Map<string, Locked>();
  for (const [path, { version, resolved, link }] of Object.entries(lockfile.parse(lock).packages)) {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || version === undefined || link || /^(?:file|git|link)\b/.test(resolved ?? '')) continue;
    const isTop = path === `node_modules/${name}` || found.get(`${name} ${version}`)?.isTop === true;
    found.set(`${name} ${version}`, { name, version, isTop });
  }
  return [...found.values()];
}

/** Those that package.json names itself and that come from a registry. */
export function directIn(pack: unknown, locked: readonly Locked[]): Locked[] {
  const { dependencies, devDependencies, optionalDependencies } = manifest.parse(pack);
  const named = { ...devDependencies, ...optionalDependencies, ...dependencies };
  const fromRegistry = new Set(
    Object.keys(named).filter((name) => /^(?:[\d^~<>=*vx]|latest|next|$)/i.test(named[name]!)),
  );
  return locked.filter(({ name, isTop }) => isTop && fromRegistry.has(name));
}
