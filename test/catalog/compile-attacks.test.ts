import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, makeWorld, type World } from './world.ts';

const CANARY = 'canary-7f3a91';
const head = "import { definePlugin } from 'daruma';\n";
const tail = "export default definePlugin({ about: 'x', run: () => JSON.stringify(it) });\n";

/** One import each, of what no bundle may hold. OUT: a folder outside of the installation, with files and a pipe. */
const IMPORTS: Record<string, string> = {
  'json-of-config': "import it from '../config/keys.json';",
  'json-outside': "import it from 'OUT/creds.json';",
  'text-outside': "import it from 'OUT/note.txt' with { type: 'text' };",
  'text-without-a-word': "import it from '../config/secrets.txt';",
  'env-as-text': "import it from '../.env' with { type: 'text' };",
  'env-as-bytes': "import it from '../.env' with { type: 'bytes' };",
  'env-as-json': "import it from '../.env' with { type: 'json' };",
  'own-environ': "import it from '/proc/self/environ' with { type: 'text' };",
  'host-environ': `import it from '/proc/${process.pid}/environ' with { type: 'text' };`,
  'environ-by-its-root': `import it from '/proc/self/root/proc/${process.pid}/environ' with { type: 'bytes' };`,
  users: "import it from '/etc/passwd' with { type: 'text' };",
  log: "import it from '../logs/daruma.1.log' with { type: 'text' };",
  'agent-file': "import it from '../agents/other.yaml' with { type: 'text' };",
  'store-as-bytes': "import it from '../data/daruma.db' with { type: 'bytes' };",
  'code-of-config': "import it from '../config/code.ts';",
  'a-pipe': "import it from 'OUT/pipe' with { type: 'text' };",
  zeros: "import it from '/dev/zero' with { type: 'bytes' };",
  require: "const it = require('../config/keys.json');",
  'import-later': "const it = await import('../config/keys.json');",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the plugin's
  'a-wildcard': 'const it = await import(`../config/${process.argv[1]}.json`);',
  'by-a-link-in-a-folder': "import it from './lib/out/creds.json';",
  css: "import '../config/style.css';\nconst it = 1;",
  'css-that-imports': "import './style.css';\nconst it = 1;",
  'dots-in-between': "import it from './lib/../../config/../.env' with { type: 'text' };",
  'a-file-url': "import it from 'file://OUT/creds.json';",
};

describe('a plugin that declares nothing', () => {
  let world: World;
  let outside = '';
  /** That of a style sheet has its own place. */
  const problemOf = (name: string) =>
    world.problem(`plugins/${name}.ts`) ??
    (name === 'css-that-imports' ? world.problem('plugins/style.css') : undefined);

  beforeAll(async () => {
    outside = mkdtempSync(join(tmpdir(), 'daruma-outside-'));
    writeFileSync(join(outside, 'creds.json'), JSON.stringify({ canary: CANARY }));
    writeFileSync(join(outside, 'note.txt'), CANARY);
    execFileSync('mkfifo', [join(outside, 'pipe')]);
    process.env.COMPILE_CANARY = CANARY;
    const files: Record<string, string> = {
      '.env': `TOKEN=${CANARY}`,
      'config/keys.json': JSON.stringify({ canary: CANARY }),
      'config/secrets.txt': CANARY,
      'config/code.ts': `export default '${CANARY}';`,
      'config/style.css': `a::before { content: '${CANARY}' }`,
      'logs/daruma.1.log': CANARY,
      'data/daruma.db': CANARY,
      'agents/other.yaml': 'plugin: good\n',
      'plugins/style.css': "@import '../config/style.css';",
      'plugins/lib/part.ts': 'export const part = 1;',
      'plugins/good.ts': `${head}const it = 1;\n${tail}`,
    };
    for (const [name, line] of Object.entries(IMPORTS))
      files[`plugins/${name}.ts`] = `${head}${line.replaceAll('OUT', outside)}\n${tail}`;
    world = await makeWorld({ 'plugins/good.ts': files['plugins/good.ts']! }, { settleMs: 50 });
    symlinkSync(outside, join(world.folder, 'plugins', 'lib-out'));
    for (const [path, text] of Object.entries(files)) world.write(path, text);
    symlinkSync(outside, join(world.folder, 'plugins/lib/out'));
    await world.catalog.rescan();
    await world.until('all are judged', () => Object.keys(IMPORTS).every((name) => problemOf(name)));
  });
  afterAll(async () => {
    await world.end();
    rmSync(outside, { recursive: true, force: true });
    delete process.env.COMPILE_CANARY;
    expect(childrenOf(process.pid)).toEqual([]);
  });

  it.each(Object.keys(IMPORTS))('brings in nothing from outside: %s', (name) => {
    const problem = problemOf(name);
    expect(world.catalog.agents().has(name)).toBe(false);
    expect(problem).toMatchObject({ code: expect.stringMatching(/^PLUGIN_/), next: expect.any(String) });
    expect(JSON.stringify(problem)).not.toContain(CANARY);
  });

  it.each(['env-as-text', 'env-as-bytes'])('is pointed to needs.secrets: %s', (name) => {
    expect(problemOf(name)).toMatchObject({
      code: 'PLUGIN_IMPORT_OUTSIDE',
      next: expect.stringContaining('needs.secrets'),
    });
  });

  it('leaves nothing of it on disk, in no version and no staging folder', () => {
    const found: string[] = [];
    for (const entry of readdirSync(join(world.folder, 'data/versions'), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && readFileSync(path, 'latin1').includes(CANARY)) found.push(path);
    }
    expect(found).toEqual([]);
    expect([...world.catalog.agents().keys()].sort()).toEqual(['other']);
  });

  it('asks for no other kind of file, and is told its line', async () => {
    world.write('plugins/kind.ts', `${head}import it from './lib/part.ts' with { type: 'file' };\n${tail}`);
    await world.until('it is judged', () => world.problem('plugins/kind.ts'));
    expect(world.problem('plugins/kind.ts')).toMatchObject({
      line: 2,
      code: 'PLUGIN_IMPORT_KIND',
      next: expect.stringContaining("with { type: 'json' }"),
    });
    world.remove('plugins/kind.ts');
  });

  it('makes the compiler read no file of its own accord: source maps, bases of a tsconfig.json', async () => {
    for (const [name, map] of [
      ['map-of-zeros', '/dev/zero'],
      ['map-of-a-pipe', `${outside}/pipe`],
    ]) {
      world.write(`plugins/${name}.ts`, `${head}const it = 1;\n${tail}//# sourceMappingURL=${map}\n`);
      await world.until('it is live', () => world.catalog.agents().has(name!));
    }
    for (const base of [`${outside}/pipe`, '/dev/zero', `/proc/${process.pid}/environ`]) {
      world.write('plugins/tsconfig.json', JSON.stringify({ extends: base }));
      world.write('plugins/based.ts', `${head}const it = ${JSON.stringify(base)};\n${tail}`);
      await world.until('it is refused', () => world.problem('plugins/based.ts')?.code === 'PLUGIN_IMPORT_OUTSIDE');
      world.remove('plugins/based.ts');
      await world.until('it is gone', () => !world.problem('plugins/based.ts'));
    }
    world.remove('plugins/tsconfig.json');
  });
});
