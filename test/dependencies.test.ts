import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
}

type Versions = Record<string, string>;

const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
const { dependencies, optionalDependencies, devDependencies, allowScripts } = JSON.parse(read('package.json')) as {
  dependencies: Versions;
  optionalDependencies: Versions;
  devDependencies: Versions;
  allowScripts: Record<string, boolean>;
};
const direct = { ...dependencies, ...optionalDependencies, ...devDependencies };

describe('the lockfile', () => {
  it('holds the checksum of each package, so that npm installs nothing else under its name', () => {
    expect(locked.length).toBeGreaterThan(100);
    const bare = locked.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''));
    expect(bare.map(([path]) => path)).toEqual([]);
  });

  it('names no place to load a package from but the registry that npm is set to', () => {
    const elsewhere = locked.filter(([, { resolved, link }]) => resolved !== undefined || link);
    expect(elsewhere.map(([path]) => path)).toEqual([]);
  });

  it('has a script that runs at installation only where package.json allows it', () => {
    const scripts = locked.filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = scripts.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect([...new Set(names)].sort()).toEqual(Object.keys(allowScripts).sort());
  });
});

describe('a direct dependency', () => {
  it('is written with its exact version, the one that is locked', () => {
    const locks = (name: string) => lock.packages[`node_modules/${name}`]?.version;
    for (const [name, version] of Object.entries(direct)) expect([name, version]).toEqual([name, locks(name)]);
  });

  it('is a decision: a page says why this one and what it costs', () => {
    const [page] = globSync('docs/decisions/*-dependencies.md', { cwd: ROOT });
    const rows = read(page!).matchAll(/^\| `([^`]+)`/gm);
    expect([...rows].map(([, name]) => name).sort()).toEqual(Object.keys(direct).sort());
  });
});
