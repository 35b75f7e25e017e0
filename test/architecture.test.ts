import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionLengths, isTooLong, LONGEST_FACTORY, LONGEST_FUNCTION } from './function-lengths.ts';
import { isPure, NAMED_FILES } from './pure-files.ts';
import { LONG_FILES, SHARED_PROCESS } from './shared-process.ts';

const SRC = join(import.meta.dirname, '../src');

/** What each room may import of ours (docs: CONTRIBUTING.md). `ports` means: only files that hold interfaces and types. */
const MAY: Record<string, string[]> = {
  plugin: [],
  kernel: [],
  jobs: ['kernel', 'plugin'],
  schedule: ['jobs', 'kernel', 'plugin'],
  catalog: ['fence', 'jobs', 'kernel', 'plugin'],
  // Fences of the kernel, for every process in which foreign code runs.
  fence: [],
  workers: ['fence', 'jobs', 'kernel', 'plugin'],
  sandbox: ['workers', 'jobs', 'kernel', 'plugin'],
  healing: ['workers', 'jobs', 'schedule', 'catalog', 'telemetry', 'kernel', 'plugin'],
  telemetry: ['kernel', 'plugin'],
  // The broker and its commands wear the kernel's fences.
  gateway: ['fence', 'kernel', 'plugin'],
  store: [
    'jobs/ports',
    'jobs/model',
    // The law of items of batches is one function, asked by every store.
    'jobs/batch',
    // The event of a pause is written with it, alike by every store.
    'jobs/pause-events',
    'schedule/ports',
    // The law of slots is one function, asked by every store: docs/decisions/0005.
    'schedule/slot-state',
    // The event of a slot that got no job is written with it, alike by every store.
    'schedule/slot-events',
    'healing/ports',
    // The event of an incident is written with it, alike by every store.
    'healing/incident-reports',
    'telemetry/ports',
    'telemetry/alerts/ports',
    'telemetry/meter/ports',
    'catalog/ports',
    // What models cost is kept as the gateway's ledger has it.
    'gateway/models/spend',
    'kernel',
  ],
  operations: ['kernel'],
  control: ['operations', 'kernel'],
  // `host/api/offline`: what the store says while no host answers, as the command line reads it.
  web: ['control', 'fence', 'kernel', 'operations', 'host/api/offline', 'mcp/ports', 'mcp/serve'],
  // The tools of assistants, for the command line and the web process.
  mcp: ['control', 'kernel', 'operations'],
  cli: ['drills', 'control', 'kernel', 'mcp/ports', 'mcp/serve'],
  // Clients of a running host, and of hosts of their own: docs/decisions/0030.
  drills: ['control', 'kernel'],
  guardian: ['fence', 'kernel'],
  host: [
    // The host pings outside itself where no guardian does.
    'guardian/dead-man',
    'fence',
    'plugin',
    'kernel',
    'jobs',
    'schedule',
    'catalog',
    'workers',
    'healing',
    'telemetry',
    'gateway',
    'sandbox',
    'store/open',
    'store/ports',
    'control',
    'operations',
  ],
  // A composition root of its own, for tests of plugins: docs/decisions/0007, 0029.
  testing: ['sandbox', 'workers', 'catalog', 'jobs', 'telemetry', 'kernel', 'plugin'],
  main: ['cli', 'host', 'control', 'kernel', 'guardian'],
  index: ['plugin'],
};

const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bprocess\.(env|hrtime|cwd)|from 'node:(fs|net|child_process|worker_threads|sqlite|http|dgram)|\bset(Timeout|Interval|Immediate)\(|\bfetch\(/;
const LONGEST_FILE = 300;

interface SourceFile {
  path: string;
  text: string;
  code: string;
  imports: string[];
}

function sources(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
    .map((path) => {
      const text = readFileSync(join(SRC, path), 'utf8');
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
      const imports = [...code.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
        relative(SRC, join(SRC, dirname(path), match[1]!)),
      );
      return { path, text, code, imports };
    });
}

const roomOf = (path: string) => (path.includes('/') ? path.split('/')[0]! : path.replace(/\.tsx?$/, ''));

function offences(files: SourceFile[]): string[] {
  return files.flatMap(({ path, imports }) => {
    const room = roomOf(path);
    const allowed = MAY[room];
    if (!allowed) return [`${path}: the room ${room} is not in the table`];
    return imports
      .filter((target) => roomOf(target) !== room)
      .filter(
        (target) =>
          !allowed.some((one) => (one.includes('/') ? target.replace(/\.tsx?$/, '') === one : roomOf(target) === one)),
      )
      .map((target) => `${path} imports ${target}`);
  });
}

function cycles(files: SourceFile[]): string[] {
  const of = new Map(files.map((file) => [file.path, file.imports]));
  const state = new Map<string, 'open' | 'closed'>();
  const found: string[] = [];
  const visit = (path: string, trail: string[]) => {
    if (state.get(path) === 'closed') return;
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    for (const target of of.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, 'closed');
  };
  for (const { path } of files) visit(path, []);
  return found;
}

const impurities = (files: SourceFile[]) =>
  files
    .filter(({ path }) => isPure(path))
    .flatMap(({ path, code }) => {
      const match = IMPURE.exec(code);
      return match ? [`${path}: ${match[0]}`] : [];
    });

const tooLong = (files: SourceFile[]) =>
  files
    .filter(({ text }) => text.split('\n').length > LONGEST_FILE + 1)
    .map(({ path, text }) => `${path}: ${text.split('\n').length}`);

/** As `file function`, sorted. */
const longFunctions = (files: Pick<SourceFile, 'path' | 'text'>[]) =>
  files
    .flatMap(({ path, text }) =>
      functionLengths(path, text)
        .filter(isTooLong)
        .map(({ name }) => `${path} ${name}`),
    )
    .sort();

const file = (path: string, imports: string[], text = '') => ({ path, imports, text, code: text });

const files = sources();

describe('the house', () => {
  it('is read as a whole', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files.find(({ path }) => path === 'main.ts')).toBeDefined();
  });

  it('keeps to the import table', () => expect(offences(files)).toEqual([]));
  it('has no import cycle', () => expect(cycles(files)).toEqual([]));
  it('decides without clock, chance and I/O', () => expect(impurities(files)).toEqual([]));
  it('has each file that the list of pure files names', () => {
    const paths = new Set(files.map(({ path }) => path));
    expect(NAMED_FILES.filter((path) => !paths.has(path))).toEqual([]);
  });
  it('has each file of tests that the lists of their processes and of their order name', () => {
    const named = [...SHARED_PROCESS, ...LONG_FILES].filter((path) => !path.includes('*'));
    expect(named.filter((path) => !existsSync(join(SRC, '..', path)))).toEqual([]);
  });
  it(`has no file longer than ${LONGEST_FILE} lines`, () => expect(tooLong(files)).toEqual([]));
  it(`has no factory over ${LONGEST_FACTORY} lines of code and no other function over ${LONGEST_FUNCTION}`, () => {
    expect(longFunctions(files)).toEqual([]);
  });
});

describe('CONTRIBUTING.md', () => {
  const page = readFileSync(join(SRC, '../CONTRIBUTING.md'), 'utf8');

  it('has each room, with what it may import where that is a plain list', () => {
    const rows = [...page.matchAll(/^\| `src\/(\w+)\/` \| .* \| ([^|]*) \|$/gm)];
    const rooms = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rows.map(([, room]) => room).sort()).toEqual(rooms.map(({ name }) => name).sort());
    const plain = rows.filter(([, , may]) => /^(–|[a-z]+(, [a-z]+)*)$/.test(may!));
    expect(plain.length).toBeGreaterThan(12);
    const said = Object.fromEntries(plain.map(([, room, may]) => [room!, may === '–' ? [] : may!.split(', ').sort()]));
    expect(said).toEqual(Object.fromEntries(plain.map(([, room]) => [room!, [...MAY[room!]!].sort()])));
  });

  it('walks through files that are there, as many as it says', () => {
    const walks = [...page.matchAll(/^\*\*A [^*]+\*\*: (\d+) files;[\s\S]*?\n\n([\s\S]*?)\n\n(?!\d)/gm)];
    expect(walks).toHaveLength(3);
    for (const [, count, steps] of walks) {
      const named = new Set([...steps!.matchAll(/`([a-z]+\/[\w/-]+)`/g)].map(([, file]) => file!));
      expect([...named].filter((file) => !files.some(({ path }) => path === `${file}.ts`))).toEqual([]);
      expect(named.size).toBe(Number(count));
    }
  });
});

describe('the guards of the house', () => {
  it('tell a forbidden import', () => {
    expect(offences([file('kernel/a.ts', ['jobs/jobs.ts'])])).toEqual(['kernel/a.ts imports jobs/jobs.ts']);
    expect(offences([file('store/a.ts', ['jobs/jobs.ts'])])).toHaveLength(1);
    expect(offences([file('store/a.ts', ['jobs/ports.ts'])])).toEqual([]);
    expect(offences([file('attic/a.ts', [])])).toHaveLength(1);
  });
  it('tell a cycle', () => {
    expect(cycles([file('jobs/a.ts', ['jobs/b.ts']), file('jobs/b.ts', ['jobs/a.ts'])])).toEqual([
      'jobs/a.ts → jobs/b.ts → jobs/a.ts',
    ]);
  });
  it('tell a clock in a decision', () => {
    expect(impurities([file('kernel/a.ts', [], 'const at = Date.now();')])).toHaveLength(1);
    expect(impurities([file('jobs/settle.ts', [], "import { readFileSync } from 'node:fs';")])).toHaveLength(1);
  });
  it('tell a long file', () => {
    expect(tooLong([file('jobs/a.ts', [], '\n'.repeat(LONGEST_FILE + 1))])).toHaveLength(1);
  });
  it('tell a long function, and count neither comments nor blank lines', () => {
    const body = (lines: number) => 'call();\n'.repeat(lines);
    const lengths = (text: string) => functionLengths('jobs/a.ts', text);
    expect(lengths(`function turn() {\n${body(38)}\n\n// why\n/* one\n two */\n}`)).toEqual([
      { name: 'turn', lines: 40, isFactory: false },
    ]);
    expect(longFunctions([file('jobs/a.ts', [], `const turn = () => {\n${body(39)}};`)])).toEqual(['jobs/a.ts turn']);
    expect(longFunctions([file('jobs/a.ts', [], `export const all = { async turn() {\n${body(39)}} };`)])).toEqual([
      'jobs/a.ts turn',
    ]);
  });
  it('let a factory be longer, and no function in it', () => {
    const factory = (inside: string) =>
      `export function openThing() {\n function run() {\n${inside}}\n${'call();\n'.repeat(60)} return { run };\n}`;
    expect(longFunctions([file('jobs/a.ts', [], factory(''))])).toEqual([]);
    expect(longFunctions([file('jobs/a.ts', [], factory('').replace('{\n', '{\nconst { time } = needs;\n'))])).toEqual(
      [],
    );
    expect(longFunctions([file('jobs/a.ts', [], factory('call();\n'.repeat(40)))])).toEqual(['jobs/a.ts run']);
    const endless = `function createThing() {\n${'call();\n'.repeat(119)}}`;
    expect(longFunctions([file('jobs/a.ts', [], endless)])).toEqual(['jobs/a.ts createThing']);
    expect(() => functionLengths('jobs/a.ts', 'function {')).toThrow('jobs/a.ts');
  });
});
