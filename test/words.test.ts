import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/**
 * Private words that once stood where the field has a term (docs/words.md). A name is split at its capitals: `tellFault`
 * and `Wards` are found, `stellar` is not.
 */
const BANNED = new Set(
  (
    'afresh alarms appeal appeals astray autopsy bearings beginning beginnings bench board ' +
    'boards breath calm calmed cases census concern concerns course courses crew disturbance disturbances door ' +
    'doors excuse excuses eyes grave ground grounds hasten hear hears herd herds house houses judge judged ' +
    'judgement judges keeper lately lates lift lifts looks misfit nap naps news pace patient poison poisoned ' +
    'quickly roomy roster shed sheds shelf shelved shelves shower sight sightings sights sooner standing ' +
    'standings stay stories story stray strays strike struck stubborn surely tell teller tells told ' +
    'unheard untold unwarmed upheld vital ward wards weighed welcome witness witnesses wordy workforce workshop'
  ).split(' '),
);

interface Declared {
  name: string;
  file: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }))
  .map(({ file, text }) => ({ file, text, code: withoutText(text) }));

/** Code without comments and without what stands in quotes. */
function withoutText(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

function exportedNames(): Declared[] {
  const found: Declared[] = [];
  for (const { file, code } of files) {
    const declared =
      /^export (?:default )?(?:abstract |async )*(?:function\*?|interface|type|const|let|class|enum) (\w+)/gm;
    const names = new Set([...code.matchAll(declared)].map((match) => match[1]!));
    for (const name of names) found.push({ name, file });
  }
  return found;
}

function twice(declared: readonly Declared[]): string[] {
  const byName = new Map<string, string[]>();
  for (const { name, file } of declared) byName.set(name, [...(byName.get(name) ?? []), file]);
  return [...byName].filter(([, at]) => at.length > 1).map(([name, at]) => `${name}: ${at.join(', ')}`);
}

/** Files that other code reads by their shape, or that people's code imports: the public API, results by name. */
const READ_BY_SHAPE = /^(index|main|testing\/index|plugin\/.*|operations\/.*)\.ts$/;

/** Types that other files infer and do not write: the compiler needs their names for declarations. */
const INFERRED = new Set(['UnscheduledWatch', 'LeakWatch', 'OriginWatch', 'IncidentFilter', 'StoreHealth']);

/** Exported names that no other file of the project mentions. */
function exportedForNobody(): string[] {
  const root = join(SRC, '..');
  const mentions = new Map<string, Set<string>>();
  for (const folder of ['src', 'test', 'scripts', 'bench'])
    for (const path of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
      if (/\.tsx?$/.test(path))
        for (const [word] of readFileSync(join(root, folder, path), 'utf8').matchAll(/\b[A-Za-z_]\w*/g))
          mentions.set(word, (mentions.get(word) ?? new Set()).add(`${folder}/${path}`));
  return exportedNames()
    .filter(({ name, file }) => !READ_BY_SHAPE.test(file) && !INFERRED.has(name) && (mentions.get(name)?.size ?? 0) < 2)
    .map(({ name, file }) => `${file}: ${name}`);
}

const wordsOf = (name: string) => name.split(/(?<=[a-z0-9])(?=[A-Z])|[_-]/).map((word) => word.toLowerCase());

const banned = (names: Iterable<string>) => [...names].filter((name) => wordsOf(name).some((word) => BANNED.has(word)));

/** Names that a file declares: functions, variables, types, members of interfaces, and parameters. */
function declaredIn(code: string): Set<string> {
  const declarations = /\b(?:function|interface|type|const|let|class) (\w+)/g;
  const members = /^\s+(?:readonly )?(\w+)\??(?:\(.*\))?: /gm;
  const parameters = /[(,] ?(\w+)\??: /g;
  return new Set(
    [declarations, members, parameters].flatMap((kind) => [...code.matchAll(kind)].map(([, name]) => name!)),
  );
}

/** The comments of a source, each as one line of text. */
function commentsOf(source: string): string[] {
  const blocks = [...source.matchAll(/\/\*\*?([\s\S]*?)\*\//g)].map(([, text]) => text!.replace(/^\s*\* ?/gm, ''));
  const lines = [...source.matchAll(/(?:^[ \t]*\/\/[^\n]*\n?)+/gm)].map(([text]) => text.replace(/^\s*\/\/ ?/gm, ''));
  // An empty line, and an item of a list, begin a sentence.
  return [...blocks, ...lines]
    .flatMap((text) => text.split(/\n\s*\n|\n(?=- )/))
    .map((text) => text.replace(/\s*\n\s*/g, ' ').trim());
}

/** Sentences that begin with a word which names nobody. */
function namelessSentences(source: string): string[] {
  return commentsOf(source)
    .flatMap((text) => text.split(/(?<=[.!?]) +(?=[A-Z])/))
    .filter((sentence) => /^(One|It|Its|What|Whatever|Who|Whoever)\b/.test(sentence));
}

describe('comments', () => {
  it('say who does what: no sentence begins with one, it, what or whoever', () => {
    const found = files.flatMap(({ file, text }) => namelessSentences(text).map((sentence) => `${file}: ${sentence}`));
    expect(found).toEqual([]);
  });

  it('would be found out', () => {
    const comments = '/** Counts. It is\n * pure. */\n// Whoever calls\n// waits.\nconst a = `It`; /* a. b */';
    expect(namelessSentences(comments)).toEqual(['It is pure.', 'Whoever calls waits.']);
  });
});

describe('names', () => {
  it('are unique where they are exported: one name means one thing in all of src/', () => {
    const declared = exportedNames();
    expect(declared.length).toBeGreaterThan(500);
    expect(twice(declared)).toEqual([]);
  });

  it('are exported for somebody: a name that one file alone uses is its own', () => {
    expect(exportedForNobody()).toEqual([]);
  });

  it('are terms of the field: no private word comes back', () => {
    const found = files.flatMap(({ file, code }) =>
      banned([basename(file).replace(/\.tsx?$/, ''), ...declaredIn(code)]).map((name) => `${file}: ${name}`),
    );
    expect(found).toEqual([]);
  });

  it('would be found out', () => {
    expect(
      twice([
        { name: 'Case', file: 'a.ts' },
        { name: 'Case', file: 'b.ts' },
      ]),
    ).toEqual(['Case: a.ts, b.ts']);
    expect(banned(['Wards', 'tellFault', 'plugin-shelf', 'stellar', 'STANDINGS_BOOK'])).toEqual([
      'Wards',
      'tellFault',
      'plugin-shelf',
      'STANDINGS_BOOK',
    ]);
    expect([...declaredIn('export function tell(a: string) {}\ninterface A {\n  told(news: B): void;\n}')]).toEqual(
      expect.arrayContaining(['tell', 'A', 'told', 'news']),
    );
  });
});
