import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createCatalog } from '../../src/catalog/catalog.ts';
import type { Catalog, CatalogChange, CatalogOptions, Listing } from '../../src/catalog/ports.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';
import type { Log } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { HANGS_MS } from '../hangs.ts';

/** An installation in a temporary folder, with a real catalog on it. */
export interface World {
  folder: string;
  catalog: Catalog;
  lines: { level: string; message: string }[];
  changes: CatalogChange[];
  write(path: string, text: string): void;
  remove(path: string): void;
  /** Stops the catalog and starts another one on the same folder. */
  restart(options?: Partial<CatalogOptions>): Promise<void>;
  agent(name: string): Agent;
  listing(name: string): Listing | undefined;
  problem(file: string): PlainFault | undefined;
  /** Waits until it holds; fails after 15 s with what the catalog says instead. */
  until(what: string, holds: () => unknown): Promise<void>;
  end(): Promise<void>;
}

export async function makeWorld(
  files: Record<string, string> = {},
  options: Partial<CatalogOptions> = {},
): Promise<World> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-catalog-')));
  const lines: World['lines'] = [];
  const changes: CatalogChange[] = [];
  const line = (level: string) => (message: string) => void lines.push({ level, message });
  const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  mkdirSync(join(folder, 'plugins'));
  mkdirSync(join(folder, 'agents'));
  for (const [path, text] of Object.entries(files)) write(path, text);

  const make = (more: Partial<CatalogOptions>) => {
    const catalog = createCatalog(
      { time: machineTime, log, hostTimezone: () => 'Europe/Berlin' },
      { folder, versionsFolder: join(folder, 'data/versions'), goneMs: 400, ...options, ...more },
    );
    catalog.onChange((change) => changes.push(change));
    return catalog;
  };
  const world: World = {
    folder,
    catalog: make({}),
    lines,
    changes,
    write,
    remove: (path) => rmSync(join(folder, path), { recursive: true }),
    async restart(more = {}) {
      await world.catalog.stop();
      world.catalog = make(more);
      await world.catalog.start();
      await world.catalog.rescan();
    },
    agent(name) {
      const agent = world.catalog.agents().get(name);
      if (!agent) throw new Error(`no agent ${name}: ${JSON.stringify(world.catalog.listings())}`);
      return agent;
    },
    listing: (name) => world.catalog.listings().find((one) => one.name === name),
    problem: (file) => world.catalog.problems().find((one) => one.file === file),
    async until(what, holds) {
      const deadline = performance.now() + HANGS_MS;
      while (!holds()) {
        if (performance.now() > deadline) {
          const said = {
            listings: world.catalog.listings(),
            problems: world.catalog.problems(),
            lines: lines.slice(-10),
          };
          throw new Error(`waited in vain until ${what}: ${JSON.stringify(said, null, 1)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async end() {
      await world.catalog.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await world.catalog.start();
  // A start does not wait for ever on a busy machine.
  await world.catalog.rescan();
  return world;
}

/** A plugin's source: `run` and what else is said. */
export function plugin(about: string, rest = "schedule: '*/10 * * * *',", before = ''): string {
  return `import { definePlugin, z } from 'daruma';
${before}
export default definePlugin({
  about: ${JSON.stringify(about)},
  ${rest}
  run() {
    return ${JSON.stringify(about)};
  },
});
void z;
`;
}

/** The processes that this one has started and that still are, zombies included. Linux only; empty elsewhere. */
export function childrenOf(pid: number): { pid: number; name: string }[] {
  const found: { pid: number; name: string }[] = [];
  let all: string[] = [];
  try {
    all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return found;
  }
  for (const one of all) {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, 'utf8');
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(stat)!;
      if (Number(parent) !== pid) continue;
      found.push({ pid: Number(one), name: name! }, ...childrenOf(Number(one)));
    } catch {
      // It ended while it was looked at.
    }
  }
  return found;
}
