import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { isPure } from '../../test/pure-files.ts';

const ROOT = join(import.meta.dirname, '../..');
const FEW_TESTS = 6;
/** Their hosts run the compiled code, in which nothing is mutated. */
const OF_PROCESSES = /^test\/(e2e|containment|hooks|drills)\//;

/** The end of the mutants of one file. */
export interface Score {
  file: string;
  /** A test failed. */
  killed: number;
  /** The tests did not come to an end: noticed, too. */
  endless: number;
  mutants: number;
  survivors: Survivor[];
  tests: string[];
}

export interface Survivor {
  line: number;
  was: string;
  is: string;
  /** No test of `tests` runs this code. */
  isUnreached: boolean;
}

/** Pure files of `src/` whose path contains `word`, without those that hold only types. */
export function pureFiles(word: string): string[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && isPure(path))
    .map((path) => `src/${path}`)
    .filter((path) => path.includes(word) && hasCode(readFileSync(join(ROOT, path), 'utf8')))
    .sort();
}

/** Whether a file declares more than types, of which nothing is left to mutate. */
function hasCode(text: string): boolean {
  return /^(export )?(async )?(const|let|function|class) /m.test(text);
}

/**
 * The nearest tests of `file`: those of its own room that reach it over the fewest imports, or over one more while they
 * are few, and, while they are few, those of other rooms that import it themselves. When no test of its room reaches it:
 * the nearest of all. A file that many tests of its room import has the test of its own name, if there is one: the others use it in
 * passing, and may take minutes.
 */
export function testsOf(file: string): string[] {
  const imports = importsIn(['src', 'test', 'plugins']);
  const room = `test/${file.split('/')[1]}/`;
  const steps = [...imports.keys()]
    .filter((path) => path.endsWith('.test.ts'))
    .map((test) => ({ test, isOwn: test.startsWith(room), count: stepsTo(imports, test, file) }))
    .filter(({ count }) => count !== Number.POSITIVE_INFINITY);
  const inside = steps.filter(({ test }) => !OF_PROCESSES.test(test));
  const own = inside.filter(({ isOwn }) => isOwn);
  const candidates = [own, inside, steps].find((tests) => tests.length > 0) ?? [];
  const fewest = Math.min(...candidates.map(({ count }) => count));
  const within = (most: number) => candidates.filter(({ count }) => count <= most);
  const near = within(fewest + 1).length <= FEW_TESTS ? within(fewest + 1) : within(fewest);
  const named = within(1).filter(({ test }) => basename(test) === `${basename(file, '.ts')}.test.ts`);
  if (near.length >= FEW_TESTS && named.length > 0) return named.map(({ test }) => test);
  const others = inside.filter(({ isOwn, count }) => !isOwn && count === 1);
  const direct = others.length <= FEW_TESTS ? others : [];
  return [...new Set([...near, ...direct].map(({ test }) => test))].sort();
}

/**
 * Lets Stryker mutate `file` in a copy of the tree, one mutant at a time, and runs `tests` (default: `testsOf(file)`)
 * on each. A mutant may take half as long again as the plain run, and 30 s.
 */
export async function score(file: string, tests: readonly string[] = testsOf(file)): Promise<Score> {
  if (tests.length === 0) return { file, killed: 0, endless: 0, mutants: 0, survivors: [], tests: [] };
  process.env.MUTATE_TESTS = tests.join(',');
  const results = await new Stryker({
    mutate: [file],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'scripts/mutations/vitest.config.ts', related: false },
    // TypeScript 7 has no JavaScript API, and Stryker would rewrite the file by it; vitest does not read it.
    tsconfigFile: 'none',
    // A line that Stryker adds to files would be found by tests that read our sources.
    disableTypeChecks: false,
    concurrency: 1,
    timeoutMS: 30_000,
    // Tests of the builder and of workers start processes.
    dryRunTimeoutMinutes: 20,
    reporters: [],
    logLevel: 'error',
    tempDirName: '.stryker-tmp',
    ignorePatterns: ['bench', 'data', 'logs'],
  } as never).runMutationTest();
  const counted = results.filter(({ status }) => status !== 'Ignored' && status !== 'CompileError');
  const endless = counted.filter(({ status }) => status === 'Timeout').length;
  const alive = counted.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  return {
    file,
    killed: counted.length - alive.length - endless,
    endless,
    mutants: counted.length,
    tests: [...tests],
    survivors: alive.map(({ location: { start, end }, replacement, status }) => ({
      line: start.line,
      was: textBetween(lines, start, end),
      is: replacement ?? '',
      isUnreached: status === 'NoCoverage',
    })),
  };
}

function textBetween(lines: readonly string[], start: Point, end: Point): string {
  const inside = lines.slice(start.line - 1, end.line);
  if (inside.length === 0) return '';
  inside[inside.length - 1] = inside.at(-1)!.slice(0, end.column - 1);
  inside[0] = inside[0]!.slice(start.column - 1);
  return inside.map((line) => line.trim()).join(' ');
}

interface Point {
  line: number;
  column: number;
}

type Imports = ReadonlyMap<string, ReadonlySet<string>>;

/** The imports of ours of each file, by path from the root. Types alone are no import. */
function importsIn(folders: readonly string[]): Imports {
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(folder, path)),
  );
  return new Map(
    files.map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8').replace(/^(import|export) type [^;]*;/gm, '');
      const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, target]) =>
        relative(ROOT, join(ROOT, dirname(path), target!)),
      );
      return [path, new Set(targets)];
    }),
  );
}

/** How many imports lie between `test` and `file`; imports of helpers beside tests are free. */
function stepsTo(imports: Imports, test: string, file: string): number {
  let level = [test];
  const seen = new Set(level);
  for (let steps = 1; level.length > 0; steps++) {
    const next: string[] = [];
    for (const path of level) {
      for (const target of imports.get(path) ?? []) {
        if (target === file) return steps;
        if (seen.has(target)) continue;
        seen.add(target);
        // A helper belongs to the test: what it imports is as near as what the test imports.
        (target.startsWith('test/') ? level : next).push(target);
      }
    }
    level = next;
  }
  return Number.POSITIVE_INFINITY;
}
