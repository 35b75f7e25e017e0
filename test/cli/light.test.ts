import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

function filesOf(folder: string): string[] {
  const names = readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(SRC, folder, name));
}

/** What a file loads; types are erased. */
function importsOf(file: string): string[] {
  // Only real statements: templates of plugins, tests and guides hold imports of their own.
  const code = readFileSync(file, 'utf8').replace(/`(?:\\[\s\S]|[^`\\])*`/g, '``');
  const statements = code.matchAll(/^(?:import|export)\s(?!type\s)[^'`]*?from '([^']+)';$/gm);
  return [...statements].map((match) => match[1]!);
}

/** The packages that the files load, by themselves or by files of any other room. */
function packagesOf(files: string[]): Set<string> {
  const packages = new Set<string>();
  const seen = new Set(files);
  for (const file of seen) {
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) seen.add(join(dirname(file), name));
      else if (!name.startsWith('node:')) packages.add(name);
    }
  }
  return packages;
}

test('a client command loads nothing heavier than commander: status has to be there in the blink of an eye', () => {
  const own = [...filesOf('cli'), ...filesOf('control')];
  const packages = new Set(own.flatMap(importsOf).filter((name) => !/^(\.|node:)/.test(name)));
  expect([...packages].sort()).toEqual(['commander', 'diff']);
  // Compared is only by a command of its own.
  expect(own.filter((file) => importsOf(file).includes('diff'))).toEqual([join(SRC, 'control/source-diff.ts')]);
  const comparing = own.filter((file) => importsOf(file).some((name) => name.endsWith('/source-diff.ts')));
  expect(comparing).toEqual([join(SRC, 'cli/commands/diff.ts')]);
  // By way of other rooms: `new` checks a schedule before it writes the plugin.
  expect([...packagesOf(own)].sort()).toEqual(['commander', 'cron', 'diff']);
});

test('the table of operations loads zod: clients know its types only', () => {
  expect([...packagesOf([join(SRC, 'operations/table.ts')])]).toEqual(['zod']);
});

/** The compiled files that a compiled file loads at once, itself among them. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(file, 'utf8');
  const loaded = code.matchAll(/(?:^|[;\n])(?:import|export)(?:[\s{*][^'"();]*?from)?\s?"(\.[^"]+)"/g);
  for (const [, path] of loaded) loadedBy(join(dirname(file), path!), seen);
  return seen;
}

/** The libraries in a compiled file and in all that it loads at once, by their source maps. */
function librariesIn(file: string): string[] {
  return [...loadedBy(file)].flatMap((path) => {
    const { sources } = JSON.parse(readFileSync(`${path}.map`, 'utf8')) as { sources: string[] };
    return sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []);
  });
}

test.each(['status', 'incidents', 'jobs', 'logs', 'run', 'why'])(
  'the compiled %s loads no library but commander',
  (name) => {
    const files = ['main', 'cli/run', `cli/commands/${name}`].map((path) => join(DIST, `${path}.js`));
    expect([...new Set(files.flatMap((file) => librariesIn(file)))]).toEqual(['commander']);
  },
);

test('status as it is mostly typed loads one compiled file more, no library, and no module that starts processes', () => {
  const files = ['main', 'cli/quick-status'].map((path) => join(DIST, `${path}.js`));
  expect(files.flatMap((file) => librariesIn(file))).toEqual([]);
  const code = readFileSync(files[1]!, 'utf8');
  expect([...code.matchAll(/^(?:import|export) ?(?:[^'"]*? from )?"(.+)";$|import\("(.+)"\)/gm)]).toEqual([]);
  // Each of them takes longer to load than the host takes to answer.
  for (const name of ['child_process', 'crypto', 'worker_threads'])
    expect(code).not.toContain(`lean-modules:node:${name}`);
});

test('the guardian is one compiled file without libraries', () => {
  const code = readFileSync(join(DIST, 'guardian/guardian.js'), 'utf8');
  expect([...code.matchAll(/^\/\/ node_modules|from "\./gm)]).toEqual([]);
});
