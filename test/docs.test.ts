import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionsPage } from '../scripts/options.ts';
import { buildProgram } from '../src/cli/program.ts';
import { COMMANDS } from '../src/control/typed.ts';
import { BOUNDS } from '../src/kernel/bounds.ts';
import { readLength, readSize } from '../src/kernel/units.ts';
import { blocksOf, problemsOf } from './docs-blocks.ts';
import { faultCodes } from './fault-codes.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'plugins/README.md',
  'bench/README.md',
  ...globSync('docs/**/*.md', { cwd: ROOT }),
];
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

const FENCED = /^```.*?^```$/gms;
/** What is typed or quoted: blocks and spans of code. */
const codeOf = (text: string) => [...text.matchAll(FENCED), ...text.replaceAll(FENCED, '').matchAll(/`[^`]+`/g)];

/** The names by which a page's headings are linked to. */
function anchorsOf(page: string): string[] {
  const headings = read(page)
    .replaceAll(FENCED, '')
    .matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  it('links only to what is there', () => {
    const links = [...text.matchAll(/(?:\]\(|<img src=")(?!\w+:)([^)#\s"]*)(?:#([^)\s]+))?[)"]/g)];
    const broken = links.filter(([, target, anchor]) => {
      const file = target === '' ? page : join(dirname(page), target!);
      return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('names only scripts of package.json', () => {
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('has only blocks of code that are what they say they are', async () => {
    const told = await Promise.all(
      blocksOf(text).map(async (block) => {
        const problems = await problemsOf(block);
        return problems.map((problem) => `${page}:${block.line}: ${problem}`);
      }),
    );
    expect(told.flat()).toEqual([]);
    // Nothing between two fences is overlooked.
    expect(text.match(/^```/gm)?.length ?? 0).toBe(2 * blocksOf(text).length);
  });
});

describe('a block that is not what it says', () => {
  it.each([
    ['of no kind', '```\ndaruma status\n```', /of no kind/],
    ['with an option that no command has', '```sh\nnpx daruma jobs --frob\n```', /unknown option/],
    ['with a command that is none', '```console\n$ cd x && daruma statsu\nok\n```', /unknown command/],
    ['with a setting that is none', '```yaml\nlogs: { levl: debug }\n```', /levl/],
    ['with a setting that its plugin does not have', '```yaml\nplugin: backup\nsettings: { kep: 3 }\n```', /kep/],
    ['with a table that no command prints', '```console\n$ daruma jobs\n  JOB  WEATHER\n```', /WEATHER/],
    ['of code from nowhere', '```ts\nexport default 1;\n```', /quote it from a file/],
    [
      'of code that its file does not have',
      '<!-- from plugins/backup.ts -->\n```ts\nexport default 1;\n```',
      /does not/,
    ],
    ['of output without its command', '```text\nall is well\n```', /what printed it/],
    ['of JSON that is none', '<!-- for a test -->\n```json\n{ "a": 1, }\n```', /no JSON/],
    ['of JSON that says not what it is', '```json\n{ "a": 1 }\n```', /say what it is/],
    [
      'of JSON that no command prints',
      '<!-- printed by: daruma next backup --json -->\n```json\n{ "agent": 5, … }\n```',
      /agent: .*string/,
    ],
    [
      'of an event that the host does not have',
      '<!-- an event of the host -->\n```json\n{ "topic": "host.started", "data": {} }\n```',
      /the event has[\s\S]*its data has/,
    ],
    [
      'of a request that is refused',
      '<!-- requests and answers -->\n```json\n{ "id": 1, "op": "next", "args": { "agnet": "backup" } }\n```',
      /agnet|agent/,
    ],
  ])('%s is found', async (_, text, expected) => {
    const [block] = blocksOf(`${text}\n`);
    expect((await problemsOf(block!)).join('\n')).toMatch(expected);
  });
});

it('docs/security.md names only tests that are there', () => {
  const named = [...read('docs/security.md').matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

it('docs/options.md is what the types and the schema of agent files say: npm run options', () => {
  expect(read('docs/options.md')).toBe(optionsPage());
});

it('docs/README.md leads to every page of the guide', () => {
  const pages = globSync('docs/*.md', { cwd: ROOT }).filter((page) => page !== 'docs/README.md');
  const index = read('docs/README.md');
  expect(pages.filter((page) => !index.includes(`](${page.slice('docs/'.length)})`))).toEqual([]);
});

it('docs/troubleshooting.md has a row for every code of a fault in src, one row for each, and no other', () => {
  const rows = [...read('docs/troubleshooting.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code!);
  const codes = faultCodes();
  const missing = [...codes].filter(([code]) => !rows.includes(code));
  expect(missing.map(([code, file]) => `${code} of ${file}: say what it means and what to do`)).toEqual([]);
  expect(rows.filter((code, n) => !codes.has(code) || rows.indexOf(code) !== n)).toEqual([]);
});

it('the guide and README.md name only commands of the command line', () => {
  const commands = buildProgram(async () => {}).commands.map((command) => command.name());
  const pages = PAGES.filter((page) => !page.startsWith('docs/decisions/'));
  const named = pages.flatMap((page) =>
    codeOf(read(page)).flatMap(([code]) =>
      [...code.matchAll(/(?<!docker .*)\bdaruma ([a-z][\w-]*)/g)].map(([, name]) => ({ page, name: name! })),
    ),
  );
  expect(named.length).toBeGreaterThan(200);
  const wrong = named.filter(({ name }) => !commands.includes(name));
  // The mistake that the page about the command line shows.
  expect(wrong).toEqual([{ page: 'docs/cli.md', name: 'statsu' }]);
});

it('docs/reliability.md quotes no figure that the result file beside it does not have', () => {
  const quotes = read('docs/reliability.md').matchAll(
    /([^|\]]+)\[[\w-]+\.json\]\(\.\.\/(bench\/results\/[\w-]+\.json)\)/g,
  );
  const invented = [...quotes].flatMap(([, text, file]) => {
    const there = new Set(read(file!).match(/\d+(\.\d+)?/g));
    const quoted = text!.replaceAll(/p\d\d|`[^`]*`/g, '').match(/\d[\d,.]*\d|\d/g) ?? [];
    return quoted.filter((figure) => !there.has(figure.replaceAll(',', ''))).map((figure) => `${figure}: ${file}`);
  });
  expect(invented).toEqual([]);
});

it('src/control/typed.ts knows every command of the command line, so that hints can be pasted', () => {
  const { '--help': _, ...known } = COMMANDS;
  const { commands } = buildProgram(async () => {});
  const names = (command: (typeof commands)[number]) => command.commands.map((one) => one.name()).sort();
  const inProgram = Object.fromEntries(commands.map((command) => [command.name(), names(command)]));
  const sorted = Object.entries(known).map(([name, second]) => [name, [...second].sort()]);
  expect(Object.fromEntries(sorted)).toEqual(inProgram);
});

it('package.json ships every file of plugins/, agents/, config/ and drills/ that git knows, by its name, and no other', () => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  const ofFolders = (path: string) => /^(plugins|agents|config|drills)\//.test(path);
  const everything = () => globSync('{plugins,agents,config,drills}/**/*.{ts,md,yaml,json}', { cwd: ROOT });
  const tracked = existsSync(join(ROOT, '.git'))
    ? execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n').filter(ofFolders)
    : everything();
  expect(files.filter(ofFolders).sort()).toEqual(tracked.sort());
});

it('docs/values.md has the bounds of src/kernel/bounds.ts, all of them and in their order', () => {
  const all = { least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER };
  const valueOfText = (text: string) => {
    const read = [readLength(text, all), readSize(text, all), Number(text)].find((one) => typeof one === 'number');
    return read as number;
  };
  const rows = read('docs/values.md').matchAll(/^\| [^|]+ \| (-?\d+\w*) \| (-?\d+\w*) \|/gm);
  const told = [...rows].map(([, least, most]) => ({ least: valueOfText(least!), most: valueOfText(most!) }));
  expect(told).toEqual(Object.values(BOUNDS));
});

it('README and every page that ships link only to what ships', () => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  const shipped = (path: string) =>
    files.some((one) => one === path || path.startsWith(`${one}/`) || `${one}/` === path || one.startsWith(`${path}/`));
  const pages = PAGES.filter(shipped);
  expect(pages).toEqual(
    expect.arrayContaining(['README.md', 'plugins/README.md', 'docs/plugins.md', 'docs/restore.md']),
  );
  // What is attacked by which test, and why the house is built so, is for those who have the sources.
  const forAuthors = pages.filter((page) => !/^(docs\/(decisions\/|reliability\.md)|CONTRIBUTING)/.test(page));
  const dead = forAuthors.flatMap((page) => {
    const links = [...read(page).matchAll(/\]\((?!\w+:)([^)#\s]+)/g)].map(([, target]) => join(dirname(page), target!));
    return links.filter((path) => !shipped(path.replace(/\/$/, ''))).map((path) => `${page}: ${path}`);
  });
  expect(dead).toEqual([]);
});

it('no command in a text of the program has a part that cannot be pasted', () => {
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).filter(
    (file) => !/^src\/cli\/(agent|host)-commands\.ts$/.test(file),
  );
  const unpasteable = sources.flatMap((file) => {
    const code = read(file).replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    const found = [...code.matchAll(/(?<!npx )\bdaruma ([a-z]+)[^'"`\n;,·]*<[a-z]+[^'"`\n]*/g)];
    return found.filter(([, name]) => Object.hasOwn(COMMANDS, name!)).map(([hint]) => `${file}: ${hint}`);
  });
  expect(unpasteable).toEqual([]);
});
