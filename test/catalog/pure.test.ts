import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonSchemas } from '../../scripts/schemas.ts';
import { configModule, settingsPage } from '../../scripts/settings.ts';
import { resolveHostSettings } from '../../src/catalog/files/host-settings.ts';
import { kindOfAgentFile, kindOfPluginPath } from '../../src/catalog/files/names.ts';
import { hostCovers, narrowNeeds, pathCovers } from '../../src/catalog/files/needs.ts';
import { whatIsWrongWithTimes } from '../../src/catalog/files/plugin-manifest.ts';
import type { Fault } from '../../src/kernel/fault.ts';
import { codeFrame, placeInPlugin, placeOfOffset } from '../../src/kernel/source-text.ts';

describe('a code frame', () => {
  it('shows five lines with a caret under the place', () => {
    expect(codeFrame('a\nb\nc\n\tdef\ne\nf\ng\n', 4, 3)).toBe(
      ['  2 | b', '  3 | c', '> 4 | \tdef', '    | \t ^', '  5 | e', '  6 | f'].join('\n'),
    );
  });

  it('shows only the part around the place of a line without end', () => {
    const frame = codeFrame('x'.repeat(100_000), 1, 50_000)!;
    expect(frame.length).toBeLessThan(400);
    expect(frame).toMatch(/\^$/);
  });

  it('never throws, and always shows the line that exists', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.nat(300), (text, offset) => {
        const { line, column } = placeOfOffset(text, Math.min(offset, text.length));
        expect(codeFrame(text.replaceAll('\r', ''), line, column) ?? '>').toContain('>');
      }),
    );
    expect(codeFrame('one', 7)).toBeUndefined();
  });
});

describe('the place of a key in a plugin', () => {
  const text = `import { definePlugin } from 'daruma';
// definePlugin is called below
const limits = { memory: '1GB' };
export default definePlugin<Schema>({
  about: 'limits: { memory }', // limits: no
  /* needs: {} */
  'on': [\`a\${{ limits: 1 }}\`],
  limits: { backoff: { first: '1s' }, memory: '1MB' },
  async run({ needs }) {},
  needs,
});
`;
  it.each([
    [['about'], 5, 3],
    [['on'], 7, 3],
    [['on', 0], 7, 3],
    [['limits', 'memory'], 8, 39],
    [['limits', 'backoff', 'first'], 8, 24],
    [['limits', 'nothing'], 8, 3],
    [['run'], 9, 3],
    [['needs', 'net'], 10, 3],
    [['nothing'], 4, 16],
  ])('finds %j', (path, line, column) => {
    expect(placeInPlugin(text, path)).toEqual({ line, column });
  });

  it('never hangs or throws on any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (rest) => {
        placeInPlugin(`definePlugin({${rest}`, ['a', 'b']);
      }),
    );
  });
});

describe('names', () => {
  it.each([
    ['disk-check.ts', { is: 'plugin', name: 'disk-check' }],
    ['x.tsx', { is: 'plugin', name: 'x' }],
    ['x.test.ts', { is: 'part', quiet: true }],
    ['x.d.ts', { is: 'part', quiet: true }],
    ['_x.ts', { is: 'part', quiet: true }],
    ['lib/x.ts', { is: 'part', quiet: true }],
    ['data.json', { is: 'part' }],
    ['.x.ts.swp', { is: 'ignored' }],
    ['x.ts~', { is: 'ignored' }],
    ['x.ts.tmp', { is: 'ignored' }],
    ['x.ts.tmp.1234', { is: 'ignored' }],
    ['4913', { is: 'ignored' }],
    ['PriceWatch.ts', { is: 'misnamed', name: 'PriceWatch', rename: 'price-watch.ts' }],
    ['-.ts', { is: 'misnamed', name: '-', rename: undefined }],
  ])('of plugins: %s', (path, kind) => expect(kindOfPluginPath(path)).toEqual(kind));

  it('of agent files', () => {
    expect(kindOfAgentFile('a.yaml')).toEqual({ is: 'agent', name: 'a' });
    expect(kindOfAgentFile('a.yml')).toEqual({ is: 'agent', name: 'a' });
    expect(kindOfAgentFile('A b.yml')).toMatchObject({ is: 'misnamed', rename: 'a-b.yml' });
    expect(kindOfAgentFile('notes.md')).toEqual({ is: 'ignored' });
  });
});

describe('needs', () => {
  it.each([
    ['*', 'any.example', true],
    ['api.shop.example', 'API.shop.example', true],
    ['*.shop.example', 'api.shop.example', true],
    ['*.shop.example', 'a.b.shop.example', true],
    ['*.shop.example', '*.eu.shop.example', true],
    ['*.shop.example', 'shop.example', false],
    ['*.shop.example', 'evilshop.example', false],
    ['*.shop.example', '*', false],
    ['shop.example', '*.shop.example', false],
    ['localhost', 'localhost:8080', true],
    ['localhost:8080', 'localhost', false],
    ['localhost:8080', 'localhost:8081', false],
  ])('%s covers %s: %s', (granted, asked, covers) => expect(hostCovers(granted, asked)).toBe(covers));

  it.each([
    ['data', 'data/x', true],
    ['data/', './data', true],
    ['data', 'database', false],
    ['data', 'data/../secrets', false],
    ['.', 'data', true],
    ['.', '../x', false],
    ['/', '/etc', true],
    ['/var', '/var/../etc', false],
  ])('%s covers the path %s: %s', (granted, asked, covers) => expect(pathCovers(granted, asked)).toBe(covers));

  it('are narrowed by an agent file and never widened', () => {
    const name = fc.constantFrom('a.example', '*.a.example', 'b.a.example', '*', 'c.example:1');
    fc.assert(
      fc.property(fc.array(name), fc.option(fc.array(name), { nil: undefined }), (granted, asked) => {
        const result = narrowNeeds({ net: granted }, asked ? { net: asked } : {});
        if ('needs' in result) {
          expect(result.needs.net).toEqual(asked ?? granted);
          for (const host of result.needs.net) expect(granted.some((one) => hostCovers(one, host))).toBe(true);
        } else expect(asked!.some((host) => !granted.some((one) => hostCovers(one, host)))).toBe(true);
      }),
    );
    expect(narrowNeeds({ fleet: false }, { fleet: true })).toHaveProperty('widened');
    expect(narrowNeeds({ write: ['data'] }, { read: ['data/x'] })).toHaveProperty('needs');
    expect(narrowNeeds({ exec: ['*'] }, { exec: ['git'] })).toMatchObject({ needs: { exec: ['git'] } });
    expect(narrowNeeds({ exec: ['git', 'tar'] }, { exec: ['git'] })).toMatchObject({ needs: { exec: ['git'] } });
    expect(narrowNeeds({ exec: ['git'] }, { exec: ['/usr/bin/git'] })).toHaveProperty('widened');
    expect(narrowNeeds({}, { exec: ['git'] })).toHaveProperty('widened');
    expect(narrowNeeds({ kill: ['*'] }, { kill: ['vite'] })).toMatchObject({ needs: { kill: ['vite'] } });
    expect(narrowNeeds({ kill: ['vite'] }, { kill: ['node'] })).toHaveProperty('widened');
    expect(narrowNeeds({}, { kill: ['vite'] })).toHaveProperty('widened');
    const log = { command: 'git', args: ['log', '*'] };
    expect(narrowNeeds({ exec: ['git'] }, { exec: [log] })).toMatchObject({ needs: { exec: [log] } });
    expect(narrowNeeds({ exec: [log] }, { exec: [{ command: 'git', args: ['log', '--oneline'] }] })).toHaveProperty(
      'needs',
    );
    expect(narrowNeeds({ exec: [log] }, { exec: ['git'] })).toMatchObject({
      widened: { message: expect.stringContaining('asks for git, which the plugin does not need (exec: git log *)') },
    });
    expect(narrowNeeds({ llm: true }, {})).toMatchObject({ needs: { llm: true } });
    expect(narrowNeeds({ llm: {} }, { llm: false })).toMatchObject({ needs: { llm: false } });
    expect(narrowNeeds({ llm: { calls: 9, tokens: '2k' } }, { llm: { calls: 9, money: 0.5 } })).toMatchObject({
      needs: { llm: { calls: 9, tokens: 2_000, money: 0.5 } },
    });
    expect(narrowNeeds({ llm: { tokens: '2k' } }, { llm: { tokens: 2_001 } })).toMatchObject({
      widened: { path: ['needs', 'llm', 'tokens'], message: expect.stringContaining('(llm: { tokens: 2000 })') },
    });
    expect(narrowNeeds({ llm: { calls: 9 } }, { llm: true })).toHaveProperty('widened');
    expect(narrowNeeds({}, { llm: { calls: 1 } })).toHaveProperty('widened');
    for (const args of [['*'], ['push'], ['-c', 'x', 'log'], []])
      expect(narrowNeeds({ exec: [log] }, { exec: [{ command: 'git', args }] }), args.join()).toHaveProperty('widened');
  });
});

describe('a schedule', () => {
  const now = Date.UTC(2026, 10, 22, 12);
  it.each([
    ['*/10 * * * *', undefined],
    ['30 */10 * * * *', undefined],
    ['@weekly', undefined],
    ['0 0 29 2 *', undefined],
    ['0 9 * * mon-fri', undefined],
    ['0 9 * * MON#1', undefined],
    ['@minutely', undefined],
    ['@every 90m', undefined],
    ['0 0 31 2 *', 'never comes due: none of its months has such a day'],
    ['* * *', 'has 3 fields instead of five or six'],
    ['', 'is empty'],
    ['@never', 'is no known alias'],
    ['61 * * * *', '61 is out of range in the field of the minute: 0 to 59'],
    [
      '*/65 * * * *',
      'the step of "*/65" is greater than the field of the minute holds (60), so it means the first value alone',
    ],
  ])('"%s": %s', (schedule, wrong) => {
    expect(whatIsWrongWithTimes({ schedule }, { timezone: 'Europe/Berlin', now })?.message).toBe(wrong);
  });

  it.each([
    [{ schedule: '@daily', at: '2026-12-24T18:00' }, 'at', 'stands beside a schedule'],
    [{ at: '2026-12-24T18:00Z' }, 'at', 'has an offset of its own'],
    [{ at: '2026-12-24T18:00', except: ['2026-12-24'] }, 'at', '`except` says something about many'],
    [{ until: '2027-02-30' }, 'until', 'is on no calendar'],
    [
      { schedule: '0 9 25 12 *', from: '2027-01-01', until: '2027-02-01' },
      'schedule',
      'between its beginning and its end',
    ],
  ])('%j is refused at %s', (said, key, message) => {
    const wrong = whatIsWrongWithTimes(said, { timezone: 'Europe/Berlin', now });
    expect(wrong).toMatchObject({ code: 'SCHEDULE_INVALID', path: [key], message: expect.stringContaining(message) });
  });

  it.each([[{ at: '2020-01-01T00:00' }], [{ schedule: '@daily', until: '2026-11-01' }], [{ until: '2026-11-01' }]])(
    '%j has ended, and is no fault',
    (said) => expect(whatIsWrongWithTimes(said, { timezone: 'UTC', now })).toBeUndefined(),
  );
});

describe('the host’s own settings', () => {
  const faultOf = (text: string) => {
    try {
      resolveHostSettings(text, 'config/daruma.yaml');
    } catch (error) {
      return (error as Fault).plain;
    }
    return undefined;
  };

  it('have defaults, and tell where each value was said', () => {
    const { settings, origins } = resolveHostSettings('timezone: UTC\nlogs:\n  maxFile: 10mb\n', 'config/daruma.yaml');
    expect(settings).toEqual({
      timezone: 'UTC',
      store: { file: 'data/daruma.db' },
      logs: { folder: 'logs', level: 'info', maxFileBytes: 10 * 1024 ** 2, budgetBytes: 2 * 1024 ** 3 },
      workers: {},
      cells: { size: 50, idleMs: 60_000 },
      exec: { fence: 'auto' },
      retention: { jobsMs: 30 * 86_400_000, slotsMs: 90 * 86_400_000, eventsMs: 90 * 86_400_000 },
      versions: { budgetBytes: 256 * 1024 ** 2 },
      pressure: { memoryFree: 15, memoryStall: 5, cpuThrottled: 25, ioStall: 60, reliefMs: 30_000 },
      origins: {},
      state: { budgetBytes: 64 * 1024 ** 2 },
      links: { folders: [] },
      jobChains: { depth: 32, perMinute: 20_000 },
      models: {
        enabled: true,
        chain: [
          expect.objectContaining({
            name: 'groq',
            kind: 'openai',
            key: 'GROQ_API_KEY',
            timeoutMs: 8_000,
            context: null,
          }),
          expect.objectContaining({ name: 'cerebras', free: false, idleMs: 20_000 }),
          expect.objectContaining({ name: 'ollama', kind: 'ollama', key: null, free: true, timeoutMs: 60_000 }),
        ],
        prices: [expect.objectContaining({ rung: 'groq', input: 0.15 }), expect.objectContaining({ rung: 'cerebras' })],
        budget: { calls: 2_000, tokens: 2_000_000, money: 5 },
        diagnose: { autonomy: 'suggest', perDay: 5 },
        drills: { fallback: '10 4 * * *', diagnosis: '40 4 * * SUN' },
      },
      web: { enabled: true, port: 7070, host: '127.0.0.1', origin: undefined, behindTls: false, metrics: 'loopback' },
      alerts: {
        ...{ open: [], warning: [], healed: [], digest: [], digestAt: '0 8 * * *', windows: [] },
        file: 'data/alerts.log',
      },
      control: {},
      fence: 'best',
    });
    expect(origins).toContainEqual({ path: 'logs.maxFile', value: '10mb', origin: 'config/daruma.yaml:3:3' });
    expect(origins).toContainEqual({ path: 'logs.budget', value: '2GB', origin: 'default' });
    expect(resolveHostSettings('# nothing\n', 'x').settings.store.file).toBe('data/daruma.db');
  });

  it('show no path of the dead man, and show two of them differently', () => {
    const shown = (path: string) => {
      const text = `alerts: { deadman: { url: "https://hc.example/ping/${path}", every: 30s } }`;
      const { settings, origins } = resolveHostSettings(text, 'x');
      expect(settings.alerts.deadman).toEqual({ url: `https://hc.example/ping/${path}`, everyMs: 30_000 });
      return JSON.stringify(origins.find((one) => one.path === 'alerts.deadman'));
    };
    expect(shown('s3cr3t')).toContain('https://hc.example/(hidden');
    expect(shown('s3cr3t')).not.toContain('s3cr3t');
    expect(shown('s3cr3t')).not.toBe(shown('other'));
  });

  it.each([
    ['logs:\n  levl: info\n', { line: 2, column: 3, message: 'logs.levl is unknown, did you mean level?' }],
    ['logs:\n  level: inf\n', { line: 2, column: 10, next: 'write `info`' }],
    ['logs:\n  budget: 1mb\n', { line: 2, column: 11, message: expect.stringContaining('the least is 10MB') }],
    ['timezone: Europe/Berln\n', { line: 1, column: 11 }],
    ['retention: { jobs: 30 }\n', { line: 1, column: 20 }],
    ['cells: { size: 0 }\n', { line: 1, column: 16 }],
    ['- a\n', { line: 1, column: 1, code: 'YAML_SYNTAX' }],
    ['a: 1\na: 2\n', { line: 2, code: 'YAML_SYNTAX', next: 'remove one of them' }],
    ['a: */5 * * * *\n', { line: 1, column: 4, next: 'write a: "*/5 * * * *"' }],
    ['a: @daily\n', { line: 1, column: 4, next: 'write a: "@daily"' }],
    ['models: { chain: [{ name: auto, url: "https://a.example", models: [m] }] }\n', { line: 1 }],
    ['models: { chain: [{ name: a, url: "https://u:p@a.example", models: [m] }] }\n', { line: 1 }],
    ['models: { budget: { tokens: 2 MB } }\n', { message: expect.stringContaining('500k or 2M') }],
    ['models: { drills: { fallback: "61 * * * *" } }\n', { line: 1 }],
    ['alerts: { open: post-email }\n', { message: expect.stringContaining('a list of agents') }],
    ['alerts: { windows: [{ cron: "0 3 * * SUN", for: 2 }] }\n', { line: 1 }],
    ['alerts: { deadman: { url: "hc.example/ping" } }\n', { message: expect.stringContaining('an address such as') }],
    [
      'timezone: UTC\nprobation: { rehearse: 5 }\n',
      { line: 2, message: expect.stringContaining('no setting any more'), next: expect.stringContaining('remove it') },
    ],
  ])('refuse %j with its place', (text, fault) => {
    expect(faultOf(text)).toMatchObject({ file: 'config/daruma.yaml', ...fault });
  });
});

it('settings of models: tokens as people write them, off in short, and a drill that never runs', () => {
  const modelsOf = (text: string) => resolveHostSettings(text, 'config/daruma.yaml').settings.models;
  expect(modelsOf('models: false\n').enabled).toBe(false);
  const said =
    'models: { budget: { tokens: 1.5k }, drills: { fallback: false }, chain: [{ name: a, url: "http://a:1/v1/", models: [m], idle: 5s }] }';
  expect(modelsOf(said)).toMatchObject({
    budget: { tokens: 1_500 },
    drills: { fallback: null, diagnosis: '40 4 * * SUN' },
    chain: [{ url: 'http://a:1/v1', idleMs: 5_000, key: null }],
  });
});

it('docs/settings.md is what the table of settings says: npm run settings', () => {
  expect(readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')).toBe(settingsPage());
});

it('the config file of a new installation is what the table of settings says: npm run settings', () => {
  expect(readFileSync(new URL('../../src/cli/init/config-text.ts', import.meta.url), 'utf8')).toBe(configModule());
});

describe('the JSON schemas in config/', () => {
  it.each(Object.entries(jsonSchemas()))('%s is what the code says: npm run schemas', (file, schema) => {
    const written = readFileSync(new URL(`../../config/${file}`, import.meta.url), 'utf8');
    expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(schema)));
    expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', additionalProperties: false });
  });
});
