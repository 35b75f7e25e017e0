import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { stop } from 'esbuild';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile } from '../../src/catalog/builder/compile.ts';
import type { CompileAnswer } from '../../src/catalog/builder/messages.ts';
import { parseLoosely, targetsOf } from '../../src/catalog/builder/tsconfig-chain.ts';
import { type Lookup, lookUp, UNSURE } from '../../src/catalog/versions/lookups.ts';

/** What stands at a path: a file's text, or a link to `->`. */
type Step = { path: string; is: string | { link: string } | 'nothing' };

/** Each import, and where what decides about it may lie. */
const DECIDING: Record<string, RegExp> = {
  './u': /plugins\/u/,
  './u.js': /plugins\/u/,
  './d': /plugins\/d|shared/,
  './d/part': /plugins\/d|shared/,
  '../shared/one': /shared/,
  pkg: /modules\/(?:pkg|\.store)|plugins\/node/,
  'pkg/sub': /modules\/(?:pkg|\.store)|plugins\/node/,
  '@s/q': /@s/,
  '@alias/one': /tsconfig|base|shared|pkg-config/,
  '#inner': /^package|shared/,
  bare: /bare|base|tsconfig/,
  './t.txt': /txt/,
  './far/x': /far|pkg/,
};

const code = (name: string) => `export default ${JSON.stringify(name)};`;
const js = (name: string) => `exports.default = ${JSON.stringify(name)};`;
const json = (value: unknown) => JSON.stringify(value);

const STEPS: Step[] = [
  ...['u', 'u.ts', 'u.tsx', 'u.js', 'u.js.ts', 'u.json', 'u/index.ts', 'u/index.js'].map((name) => ({
    path: `plugins/${name}`,
    is: name.endsWith('.json') ? json({ name }) : code(name),
  })),
  { path: 'plugins/u/package.json', is: json({ main: './other.js' }) },
  { path: 'plugins/u/package.json', is: json({ main: '.' }) },
  { path: 'plugins/u/other.js', is: js('u other') },
  { path: 'plugins/d', is: { link: '../shared/d1' } },
  { path: 'plugins/d', is: { link: '../shared/d2' } },
  { path: 'plugins/d', is: 'nothing' },
  ...['d1/index.ts', 'd1/part.ts', 'd1/part.js', 'd2/index.ts', 'd2/part.tsx', 'one.ts', 'one.js', 'one/index.ts'].map(
    (name) => ({ path: `shared/${name}`, is: code(name) }),
  ),
  { path: 'plugins/t.txt', is: 'text one' },
  { path: 'plugins/t.txt', is: 'text two' },
  { path: 'plugins/far', is: { link: '../node_modules/pkg' } },
  { path: 'node_modules/pkg/x.js', is: js('far x') },
  { path: 'node_modules/pkg/x.jsx', is: js('far x jsx') },
  { path: 'node_modules/pkg', is: { link: '.store/pkg@1' } },
  { path: 'node_modules/pkg', is: { link: '.store/pkg@2' } },
  { path: 'node_modules/pkg', is: 'nothing' },
  ...['1', '2'].flatMap((version) => [
    { path: `node_modules/.store/pkg@${version}/index.js`, is: js(`pkg ${version}`) },
    { path: `node_modules/.store/pkg@${version}/sub.js`, is: js(`sub ${version}`) },
  ]),
  { path: 'node_modules/pkg/package.json', is: json({ main: './old.js' }) },
  { path: 'node_modules/pkg/package.json', is: json({ main: './new' }) },
  { path: 'node_modules/pkg/package.json', is: json({ exports: { '.': './new.js', './sub': './old.js' } }) },
  { path: 'node_modules/pkg/package.json', is: json({ main: './new/..' }) },
  { path: 'node_modules/pkg/package.json', is: 'nothing' },
  ...['old.js', 'new.js', 'new/index.js', 'index.js', 'sub.js', 'sub/index.js', 'sub.json'].map((name) => ({
    path: `node_modules/pkg/${name}`,
    is: name.endsWith('.json') ? json({ name }) : js(`pkg ${name}`),
  })),
  { path: 'plugins/node_modules/pkg/index.js', is: js('nearer pkg') },
  { path: 'plugins/node_modules', is: 'nothing' },
  { path: 'node_modules/@s/q/index.js', is: js('scoped') },
  { path: 'node_modules/@s/q/package.json', is: json({ module: './module.js' }) },
  { path: 'node_modules/@s/q/module.js', is: code('scoped module') },
  { path: 'node_modules/bare/index.js', is: js('bare') },
  { path: 'package.json', is: json({ imports: { '#inner': './shared/one.ts' } }) },
  { path: 'package.json', is: json({ imports: { '#inner': './shared/d1/index.ts' }, type: 'module' }) },
  { path: 'package.json', is: 'nothing' },
  { path: 'plugins/package.json', is: json({ type: 'commonjs' }) },
  { path: 'tsconfig.json', is: '{ "extends": "./base", /* all */ }' },
  { path: 'tsconfig.json', is: json({ extends: ['pkg-config', './base.json'] }) },
  { path: 'tsconfig.json', is: 'nothing' },
  { path: 'base.json', is: json({ compilerOptions: { paths: { '@alias/*': ['./shared/d1/*', './shared/*'] } } }) },
  { path: 'base.json', is: json({ compilerOptions: { paths: { '@alias/one': ['./shared/one.js'] } } }) },
  { path: 'base.json', is: json({ compilerOptions: { baseUrl: './shared' } }) },
  { path: 'shared/bare.ts', is: code('bare by its base') },
  {
    path: 'node_modules/pkg-config/tsconfig.json',
    is: json({ compilerOptions: { paths: { '@alias/*': ['./nope/*'] } } }),
  },
  { path: 'plugins/tsconfig.json', is: json({ compilerOptions: { paths: { bare: ['../shared/one.ts'] } } }) },
];

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-asked-')));
  for (const path of ['plugins', 'shared', 'data/versions/.staging'])
    mkdirSync(join(folder, path), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => stop());

/** Does what can be done: a file does not come where a folder is. */
function take({ path, is }: Step) {
  const at = join(folder, path);
  try {
    if (is === 'nothing') return rmSync(at, { recursive: true, force: true });
    mkdirSync(dirname(at), { recursive: true });
    if (typeof is === 'string') return writeFileSync(at, is);
    rmSync(at, { recursive: true, force: true });
    symlinkSync(is.link, at);
  } catch (error) {
    if (!['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOENT'].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
}

/** `startedAt`: by default as if long ago, so that nothing is excused for being young. */
async function compiled(asked: string[] = [], startedAt = Number.POSITIVE_INFINITY): Promise<CompileAnswer> {
  const staging = mkdtempSync(join(folder, 'data/versions/.staging/v-'));
  const daruma = resolve('src/index.ts');
  return compile(
    { ask: 'compile', entry: join(folder, 'plugins/a.ts'), folder, daruma, runtime: 'r', staging, asked },
    startedAt,
  );
}

async function hasChanged({ inputs, lookups }: CompileAnswer): Promise<boolean> {
  for (const { path, hash } of inputs) {
    if (hashOf(resolve(folder, path)) !== hash) return true;
  }
  for (const { ask, path, answer } of lookups) if ((await lookUp(ask, path, folder)) !== answer) return true;
  return false;
}

function hashOf(file: string): string | null {
  const isFile = statSync(file, { throwIfNoEntry: false })?.isFile();
  return isFile ? createHash('sha256').update(readFileSync(file)).digest('hex') : null;
}

const outcomeOf = (answer: CompileAnswer) => (answer.ok ? answer.id : answer.fault.message);

describe('a tsconfig.json', () => {
  it('may have comments and commas too many, and texts that look like them', () => {
    const text = '{ // why\n "extends": "./a//b/*.json", /* , */ "paths": { "@x/*": ["./x, }/*",], }, }';
    expect(parseLoosely(text)).toEqual({ extends: './a//b/*.json', paths: { '@x/*': ['./x, }/*'] } });
    expect(parseLoosely('{ broken')).toBe(undefined);
  });

  it('makes files of an import by its paths and its base', () => {
    const paths = { '@x/*': ['/a/*', '/b/*.gen'], exact: ['/c'] };
    expect(targetsOf('@x/one', [{ file: 't', paths, baseUrl: '/src' }])).toEqual([
      '/a/one',
      '/b/one.gen',
      '/src/@x/one',
    ]);
    expect(targetsOf('exact', [{ file: 't', paths }])).toEqual(['/c']);
    expect(targetsOf('exactly', [{ file: 't', paths }])).toEqual([]);
  });
});

describe('an answer that may have changed while the compiler ran', () => {
  it('counts outside of the installation when it was the same before, and in no case inside', async () => {
    writeFileSync(join(folder, 'plugins/a.ts'), "import { x } from './u';\nimport 'nowhere';\nvoid x;\n");
    writeFileSync(join(folder, 'plugins/u.ts'), 'export const x = 1;\n');
    const isOutside = ({ ask, path }: Lookup) => ask === 'is' && isAbsolute(path);
    // Everything is younger than the beginning of time.
    const first = (await compiled([], 0)).lookups;
    const outside = first.filter(isOutside);
    expect(outside.length).toBeGreaterThan(0);
    expect(new Set(outside.map(({ answer }) => answer))).toEqual(new Set([UNSURE]));
    const { lookups } = await compiled(
      outside.map(({ path }) => path),
      0,
    );
    expect(lookups.filter(isOutside).map(({ path }) => path)).toEqual(outside.map(({ path }) => path));
    expect(lookups.filter((one) => isOutside(one) && one.answer === UNSURE)).toEqual([]);
    const inside = lookups.filter(({ ask, path, answer }) => ask === 'is' && !isAbsolute(path) && answer !== UNSURE);
    expect(inside).toEqual([]);
  });
});

describe('what a version is made of', () => {
  it('is another one whenever the compiler makes something else of the same file', async () => {
    const story = fc.constantFrom(...Object.keys(DECIDING)).chain((one) =>
      fc.record({
        imports: fc.constant([one]),
        before: fc.shuffledSubarray(STEPS, { minLength: 30 }),
        after: fc.array(fc.constantFrom(...STEPS.filter(({ path }) => DECIDING[one]!.test(path))), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
    );
    const seen = { same: 0, other: 0 };
    await fc.assert(
      fc.asyncProperty(story, async ({ imports, before, after }) => {
        rmSync(join(folder, 'plugins'), { recursive: true });
        rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
        for (const path of ['shared', 'tsconfig.json', 'base.json', 'package.json'])
          rmSync(join(folder, path), { recursive: true, force: true });
        for (const step of before) take(step);
        take({ path: 'plugins/a.ts', is: imports.map((one) => `export * from '${one}'; import '${one}';`).join('\n') });
        const first = await compiled();
        for (const step of after) take(step);
        const second = await compiled();
        const isOther = outcomeOf(first) !== outcomeOf(second);
        seen[isOther ? 'other' : 'same']++;
        if (isOther) expect(await hasChanged(first), `${outcomeOf(first)} → ${outcomeOf(second)}`).toBe(true);
      }),
      { numRuns: Number(process.env.RUNS ?? 40) },
    );
    expect(seen.other).toBeGreaterThan(0);
  });
});
