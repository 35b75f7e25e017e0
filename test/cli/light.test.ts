import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

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
  expect([...packages]).toEqual(['commander']);
  // By way of other rooms: `new` checks a schedule before it writes the plugin.
  expect([...packagesOf(own)].sort()).toEqual(['commander', 'cron']);
});

test('the table of operations loads zod: clients know its types only', () => {
  expect([...packagesOf([join(SRC, 'operations/table.ts')])]).toEqual(['zod']);
});
