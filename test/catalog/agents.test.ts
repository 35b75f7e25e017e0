import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, plugin, type World } from './world.ts';

const HEALTH = plugin(
  'health',
  `schedule: '*/10 * * * *',
  timezone: 'UTC',
  settings: z.strictObject({
    url: z.url().default('http://127.0.0.1/'),
    slowAfter: z.string().default('500ms'),
    targets: z.array(z.strictObject({ name: z.string() })).default([]),
  }),
  limits: { memory: '64MB', timeout: '20m', backoff: { first: '3s' } },
  needs: { net: ['*.shop.example', 'localhost:8080'], secrets: ['TOKEN'], read: ['data'], fleet: true },
  workers: { min: 1, max: 4 },`,
);

describe('agents', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/health.ts': HEALTH,
      'plugins/strict.ts': plugin('strict', 'settings: z.strictObject({ url: z.url() }),'),
      'plugins/idle.ts': plugin('idle', ''),
      'plugins/listens.ts': plugin('listens', "on: ['order.created'], firstRun: true,"),
    });
  });
  afterAll(() => world.end());
  const refused = (path: string) => world.until(`${path} is refused`, () => world.problem(path));

  it('are implied by a plugin with a trigger; one without is idle, with the reason', () => {
    expect(world.listing('health')).toMatchObject({ is: 'live', why: 'runs at "*/10 * * * *" (UTC)', problem: null });
    expect(world.listing('listens')).toMatchObject({
      is: 'live',
      why: 'listens to order.created and runs once when it is new',
    });
    expect(world.listing('strict')).toMatchObject({ is: 'idle', why: expect.stringContaining('needs settings') });
    expect(world.catalog.agents().has('strict')).toBe(false);
    expect(world.listing('idle')).toMatchObject({ is: 'idle', why: expect.stringContaining('no schedule') });
    expect(world.agent('idle')).toMatchObject({ settings: {}, firstRun: false, on: [] });
    expect(world.agent('listens').firstRun).toBe(true);
  });

  it('have the documented defaults where nobody says anything', () => {
    expect(world.agent('idle')).toMatchObject({
      limits: {
        memoryBytes: 128 * 1024 ** 2,
        timeoutMs: 300_000,
        silenceMs: 300_000,
        graceMs: 2_000,
        attempts: 5,
        backoff: { first: 1_000, longest: 300_000 },
      },
      needs: { secrets: [], env: [], net: [], read: [], write: [], exec: [], modules: [], fleet: false, llm: false },
      workers: { min: 0, max: 1 },
      isolation: 'shared',
    });
    expect(world.agent('health').limits).toMatchObject({
      timeoutMs: 1_200_000,
      silenceMs: 900_000,
      backoff: { first: 3_000 },
    });
  });

  it('are told by their files alone once one names the plugin: defaults < plugin < agent file', async () => {
    world.write(
      'agents/shop.yaml',
      `about: The shop.
plugin: health
schedule: "*/5 * * * *"
timezone: Europe/Berlin
catchUp: all
overlap: queue
jitter: 30s
settings: { slowAfter: 1s }
limits: { memory: 96mb, attempts: 2 }
needs: { net: [api.shop.example] }
workers: { max: 2 }
isolation: own
class: critical
`,
    );
    await world.until('it is live', () => world.catalog.agents().has('shop'));
    expect(world.catalog.agents().has('health')).toBe(false);
    expect(world.agent('shop')).toMatchObject({
      about: 'The shop.',
      version: { plugin: 'health' },
      schedule: {
        expression: '*/5 * * * *',
        timezone: 'Europe/Berlin',
        catchUp: 'all',
        overlap: 'queue',
        jitterMs: 30_000,
      },
      settings: { slowAfter: '1s' },
      limits: {
        memoryBytes: 96 * 1024 ** 2,
        timeoutMs: 1_200_000,
        attempts: 2,
        backoff: { first: 3_000, longest: 300_000 },
      },
      needs: { net: ['api.shop.example'], secrets: ['TOKEN'], read: ['data'], fleet: true },
      workers: { min: 1, max: 2 },
      isolation: 'own',
      class: 'critical',
    });
  });

  it('tell where each value was said', () => {
    const origins = new Map(world.catalog.origins('shop')!.map(({ path, value, origin }) => [path, [value, origin]]));
    expect(origins.get('about')).toEqual(['The shop.', 'agents/shop.yaml:1:1']);
    expect(origins.get('limits.memory')).toEqual(['96mb', 'agents/shop.yaml:9:11']);
    expect(origins.get('limits.timeout')).toEqual(['20m', 'plugins/health.ts']);
    expect(origins.get('limits.silence')).toEqual(['15m', 'default']);
    expect(origins.get('class')).toEqual(['critical', 'agents/shop.yaml:13:1']);
    expect(origins.get('settings.slowAfter')).toEqual(['1s', 'agents/shop.yaml:8:13']);
    expect(origins.get('settings.url')).toEqual(['http://127.0.0.1/', 'plugins/health.ts']);
    expect(origins.get('needs.secrets')).toEqual([['TOKEN'], 'plugins/health.ts']);
    expect(world.catalog.origins('nobody')).toBeUndefined();
  });

  it('keep their fingerprint when only the schedule or the class changes', async () => {
    const before = world.agent('shop');
    world.write('agents/shop.yaml', 'plugin: health\nschedule: "@hourly"\nsettings: { slowAfter: 1s }\n');
    await world.until('it is changed', () => world.agent('shop').schedule?.expression === '@hourly');
    expect(world.agent('shop').fingerprint).not.toBe(before.fingerprint);
    const between = world.agent('shop').fingerprint;
    world.write(
      'agents/shop.yaml',
      'plugin: health\nschedule: "@daily"\nclass: background\nsettings: { slowAfter: 1s }\n',
    );
    await world.until('it is changed', () => world.agent('shop').schedule?.expression === '@daily');
    expect(world.agent('shop')).toMatchObject({ class: 'background', fingerprint: between });
  });

  it('have another fingerprint as critical agents: those share their cell with nobody', async () => {
    world.write('agents/shop.yaml', 'plugin: health\nschedule: "@hourly"\nsettings: { slowAfter: 1s }\n');
    await world.until('it is changed', () => world.agent('shop').class === undefined);
    const { fingerprint } = world.agent('shop');
    world.write(
      'agents/shop.yaml',
      'plugin: health\nschedule: "@hourly"\nclass: critical\nsettings: { slowAfter: 1s }\n',
    );
    await world.until('it is critical', () => world.agent('shop').class === 'critical');
    expect(world.agent('shop').fingerprint).not.toBe(fingerprint);
  });

  it('are switched off and on by their file', async () => {
    world.write('agents/shop.yaml', 'plugin: health\nenabled: false\n');
    await world.until('it is off', () => world.listing('shop')?.is === 'off');
    expect(world.catalog.agents().has('shop')).toBe(false);
    expect(world.catalog.agents().has('health')).toBe(false);
    expect(world.listing('shop')?.why).toBe('switched off in agents/shop.yaml:2');
    expect(await world.catalog.switchedOff('shop')).toMatchObject({ name: 'shop', version: { plugin: 'health' } });
    world.write('agents/shop.yaml', 'plugin: health\n');
    await world.until('it is on', () => world.listing('shop')?.is === 'live');
  });

  const refusals: [string, string, Record<string, unknown>][] = [
    [
      'no YAML',
      'plugin: health\n\tabout: x\n',
      { code: 'AGENT_FILE_SYNTAX', line: 2, column: 1, next: 'indent with spaces' },
    ],
    [
      'an unknown key',
      'plugin: health\nscedule: "@daily"\n',
      { code: 'AGENT_FILE_INVALID', line: 2, column: 1, message: 'scedule is unknown, did you mean schedule?' },
    ],
    [
      'a missing plugin',
      'about: x\n',
      { code: 'AGENT_FILE_INVALID', message: expect.stringContaining('plugin is missing') },
    ],
    [
      'a bad unit',
      'plugin: health\nlimits:\n  memory: 64 mib\n',
      { line: 3, column: 11, message: 'limits.memory "64 mib": expected a size such as 64MB, 512KB or 1.5GB' },
    ],
    ['a bare number', 'plugin: health\nlimits:\n  timeout: 10\n', { line: 3, column: 12, code: 'AGENT_FILE_INVALID' }],
    ['a bad zone', 'plugin: health\ntimezone: Mars/Base\n', { line: 2, column: 11 }],
    [
      'a bad schedule',
      'plugin: health\nschedule: "0 0 31 2 *"\n',
      {
        code: 'SCHEDULE_INVALID',
        line: 2,
        column: 11,
        message: expect.stringContaining('never comes due'),
        next: expect.stringContaining('write for example'),
      },
    ],
    [
      'an unknown plugin',
      'plugin: heatlh\n',
      {
        code: 'PLUGIN_UNKNOWN',
        line: 1,
        column: 9,
        message: 'plugin "heatlh": there is no plugins/heatlh.ts, did you mean health?',
        next: 'write `plugin: health`',
      },
    ],
    [
      'a misspelt setting',
      'plugin: health\nsettings:\n  slowAftr: 1s\n',
      {
        code: 'SETTINGS_INVALID',
        line: 3,
        column: 3,
        message: 'settings.slowAftr is unknown, did you mean slowAfter?',
      },
    ],
    [
      'a wrong setting, deep',
      'plugin: health\nsettings:\n  targets:\n    - name: a\n    - name: 7\n',
      {
        code: 'SETTINGS_INVALID',
        line: 5,
        column: 13,
        message: 'settings.targets[1].name: expected string, received number',
      },
    ],
    [
      'settings for a plugin that takes none',
      'plugin: idle\nsettings: { a: 1 }\n',
      { code: 'SETTINGS_INVALID', line: 2, column: 13 },
    ],
    [
      'a wider need',
      'plugin: health\nneeds:\n  net: [api.shop.example, evil.example]\n',
      { code: 'NEEDS_WIDENED', line: 3, column: 27 },
    ],
    ['a wider path', 'plugin: health\nneeds:\n  read: [data/../..]\n', { code: 'NEEDS_WIDENED', line: 3, column: 10 }],
    ...['0', '-1', '1.5', '101', 'many'].map((value): (typeof refusals)[number] => [
      `a concurrency of ${value}`,
      `plugin: health\nconcurrency: ${value}\n`,
      { code: 'AGENT_FILE_INVALID', line: 2, column: 14 },
    ]),
    [
      'more jobs at a time than its plugin is made for',
      'plugin: health\nconcurrency: 2\n',
      { code: 'CONCURRENCY_WIDENED', line: 2, column: 14 },
    ],
    ['crossed bounds', 'plugin: health\nworkers: { min: 5 }\n', { code: 'WORKERS_INVALID', line: 2, column: 17 }],
  ];
  for (const [what, text, fault] of refusals) {
    it(`refuse ${what} with the place, and go on as they were`, async () => {
      const before = world.agent('shop');
      world.write('agents/shop.yaml', text);
      await refused('agents/shop.yaml');
      const problem = world.problem('agents/shop.yaml')!;
      expect(problem).toMatchObject({ file: 'agents/shop.yaml', ...fault });
      expect(problem.frame).toMatch(new RegExp(`^> +${problem.line} \\|`, 'm'));
      expect(world.agent('shop')).toEqual(before);
      expect(world.listing('shop')).toMatchObject({ is: 'live', problem: { code: problem.code } });
      world.write('agents/shop.yaml', 'plugin: health\n');
      await world.until('it is mended', () => world.catalog.problems().length === 0);
    });
  }

  it('keep the last good state of a broken file over a restart, and still take the plugin’s next version', async () => {
    const before = world.agent('shop');
    world.write('agents/shop.yaml', 'plugin: [');
    await refused('agents/shop.yaml');
    await world.restart();
    expect(world.agent('shop')).toEqual(before);
    world.write('plugins/health.ts', HEALTH.replace('"health"', '"healthier"'));
    await world.until('the new version is in', () => world.agent('shop').about === 'healthier');
    expect(world.problem('agents/shop.yaml')?.code).toBe('AGENT_FILE_SYNTAX');
    world.write('agents/shop.yaml', 'plugin: health\nsettings: { slowAfter: 1s }\n');
    await world.until('it is mended', () => world.catalog.problems().length === 0);
  });

  it('keep the old version when the new one does not take their settings', async () => {
    const before = world.agent('shop');
    world.write('plugins/health.ts', HEALTH.replaceAll('slowAfter', 'slow'));
    await refused('agents/shop.yaml');
    expect(world.problem('agents/shop.yaml')).toMatchObject({ code: 'SETTINGS_INVALID', line: 2, column: 13 });
    expect(world.agent('shop')).toEqual(before);
    await world.restart();
    expect(world.agent('shop')).toEqual(before);
    world.write('plugins/health.ts', HEALTH);
    await world.until('it is mended', () => world.catalog.problems().length === 0);
  });

  it('are told only what is wrong with the present content of a file, not with the one before', async () => {
    const problems = (file: string) => world.catalog.problems().filter((problem) => problem.file === file);
    const codes = (file: string) => problems(file).map(({ code }) => code);
    // The last content that can be read has unknown settings; the present one is no YAML.
    world.write('agents/shop.yaml', 'plugin: health\nsettings: { a: 1 }\n');
    await refused('agents/shop.yaml');
    world.write('agents/shop.yaml', 'plugin: [');
    await world.until('the present content is told', () => codes('agents/shop.yaml').includes('AGENT_FILE_SYNTAX'));
    expect(codes('agents/shop.yaml')).toEqual(['AGENT_FILE_SYNTAX']);
    expect(world.listing('shop')?.problem?.code).toBe('AGENT_FILE_SYNTAX');
    world.write('agents/shop.yaml', 'plugin: health\n');
    await world.until('it is mended', () => world.catalog.problems().length === 0);

    // The last version that can be loaded wants settings; the present content wants a package that is not there.
    world.write('plugins/wants.ts', plugin('wants', "schedule: '@daily', settings: z.object({ a: z.string() }),"));
    await refused('plugins/wants.ts');
    world.write('plugins/wants.ts', "import 'not-there';\n");
    await world.until('the present content is told', () =>
      codes('plugins/wants.ts').includes('PLUGIN_IMPORT_UNRESOLVED'),
    );
    expect(codes('plugins/wants.ts')).toEqual(['PLUGIN_IMPORT_UNRESOLVED']);
    expect(world.listing('wants')?.problem?.code).toBe('PLUGIN_IMPORT_UNRESOLVED');
    world.remove('plugins/wants.ts');
    await world.until('it is over', () => world.catalog.problems().length === 0);
  });

  it('are several of one plugin, and two files never share a name', async () => {
    world.write('agents/strict-a.yaml', 'plugin: strict\nsettings: { url: "http://a.example" }\n');
    world.write('agents/strict-b.yml', 'plugin: strict\nsettings: { url: "http://b.example" }\n');
    await world.until(
      'both are there',
      () => world.listing('strict-a')?.is === 'idle' && world.listing('strict-b')?.is === 'idle',
    );
    expect(world.listing('strict')).toBeUndefined();
    const before = world.agent('strict-a');
    world.write('agents/strict-a.yml', 'plugin: idle\n');
    await world.until('the clash is seen', () => world.problem('agents/strict-a.yaml')?.code === 'NAME_CLASH');
    expect(world.agent('strict-a')).toEqual(before);
    world.remove('agents/strict-a.yml');
    await world.until('it is over', () => world.catalog.problems().length === 0);
  });

  it('do not lose the plugin’s own agent to a file that is rejected', async () => {
    world.write('agents/broken.yaml', 'plugin: listens\nsettings: { a: 1 }\n');
    await refused('agents/broken.yaml');
    expect(world.catalog.agents().has('listens')).toBe(true);
    world.remove('agents/broken.yaml');
    await world.until('it is over', () => world.catalog.problems().length === 0);
  });

  it('are implied again when the last file that named the plugin goes', async () => {
    world.remove('agents/shop.yaml');
    await world.until('it is gone', () => !world.catalog.agents().has('shop') && world.catalog.agents().has('health'));
  });

  it('end with their plugin', async () => {
    world.remove('plugins/strict.ts');
    await world.until('they are gone', () => !world.catalog.agents().has('strict-a'));
    expect(world.listing('strict-a')).toMatchObject({ is: 'rejected', problem: { code: 'PLUGIN_UNKNOWN', line: 1 } });
  });
});
