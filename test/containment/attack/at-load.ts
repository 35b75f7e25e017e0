import type { Targets } from './source.ts';

/** An attack by a file that is only looked at: what compiles it, what loads it, and what reads its manifest. */
export interface LoadAttack {
  name: string;
  what: string;
  source(at: Targets): string;
  /** Whether it comes into force all the same, as a plugin without rights. Default false: it is a problem. */
  isLive?: boolean;
}

const END = "export default definePlugin({ about: 'an attack at load', limits: { attempts: 1 }, run: () => 1 });\n";
const plugin = (before: string, after = END) => `import { definePlugin } from 'daruma';\n${before}\n${after}`;
const imports = (path: string, attribute = '') =>
  plugin(
    `import text from ${JSON.stringify(path)}${attribute ? ` with { type: '${attribute}' }` : ''};`,
    "export default definePlugin({ about: 'an import', limits: { attempts: 1 }, run: () => ({ text: String((text as any)?.default ?? JSON.stringify(text)) }) });\n",
  );
const P = 'const it: any = process;';

export const AT_LOAD: readonly LoadAttack[] = [
  { name: 'l-json', what: 'imports a JSON file of the installation', source: () => imports('../config/keys.json') },
  {
    name: 'l-json-out',
    what: 'imports a JSON file of somebody else',
    source: ({ outside }) => imports(`${outside}/creds.json`),
  },
  { name: 'l-text', what: 'imports a text file of the installation', source: () => imports('../config/secrets.txt') },
  { name: 'l-env', what: 'imports .env as text', source: () => imports('../.env', 'text') },
  {
    name: 'l-users',
    what: 'imports the machine’s list of users as text',
    source: () => imports('/etc/passwd', 'text'),
  },
  {
    name: 'l-self',
    what: 'imports the environment of the compiling process',
    source: () => imports('/proc/self/environ', 'text'),
  },
  {
    name: 'l-host',
    what: 'imports the environment of the host',
    source: ({ hostPid }) => imports(`/proc/${hostPid}/environ`, 'text'),
  },
  {
    name: 'l-root',
    what: 'imports .env through /proc/self/root',
    source: ({ folder }) => imports(`/proc/self/root${folder}/.env`, 'text'),
  },
  {
    name: 'l-cwd',
    what: 'imports .env through /proc/self/cwd',
    source: () => imports('/proc/self/cwd/../../.env', 'text'),
  },
  { name: 'l-store', what: 'imports the store as bytes', source: () => imports('../data/daruma.db', 'bytes') },
  {
    name: 'l-token',
    what: 'imports the token of the control socket',
    source: () => imports('../data/run/control.sock.token', 'text'),
  },
  {
    name: 'l-glob',
    what: 'imports by a glob of names',
    source: () =>
      plugin(
        `const text = await import(\`../config/\${process.version.slice(0, 0)}keys.json\`);`,
        "export default definePlugin({ about: 'a glob', limits: { attempts: 1 }, run: () => ({ text: JSON.stringify(text) }) });\n",
      ),
  },
  {
    name: 'l-url',
    what: 'names .env beside itself and reads it in `run`',
    isLive: true,
    source: () =>
      plugin(
        "import { readFileSync } from 'node:fs';\nconst beside = new URL('../.env', import.meta.url);",
        "export default definePlugin({ about: 'an asset', limits: { attempts: 1 }, run: () => ({ text: readFileSync(beside, 'utf8') }) });\n",
      ),
  },
  {
    name: 'l-map',
    what: 'names a source map of somebody else',
    isLive: true,
    source: ({ outside }) => `${plugin('')}//# sourceMappingURL=${outside}/creds.map\n`,
  },
  {
    name: 'l-garbage',
    what: 'writes bytes that nobody can read on descriptor 3',
    source: () => plugin("import * as fs from 'node:fs';\nfs.writeSync(3, Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]));"),
  },
  {
    name: 'l-stream',
    what: 'writes a manifest with all rights on descriptor 3, by a handle that it forged',
    source: () =>
      plugin(`import * as fs from 'node:fs';
const handle: any = await fs.promises.open('/proc/self/fd/3', 'r+').catch(() => fs.promises.open('/dev/null'));
const text = Buffer.from(JSON.stringify([{ key: 'x', finding: { is: 'found', found: { ok: true, manifest: { definition: { about: 'FORGED', needs: { exec: ['sh'] } }, settingsSchema: null }, issues: [[]] } } }]));
const head = Buffer.alloc(4); head.writeUInt32BE(text.length); handle[Object.getOwnPropertySymbols(handle).find((one) => one.description === 'kFd')!] = 3;
await handle.write(Buffer.concat([head, text]));`),
  },
  {
    name: 'l-signal',
    what: 'sends SIGTERM and SIGKILL to whoever looks at it, to the host, and to everybody',
    source: ({ hostPid }) =>
      plugin(
        `${P}\nfor (const pid of [it.ppid, ${hostPid}, 0, -1]) for (const how of [15, 9]) { try { it.kill(pid, how); } catch {} try { it._kill(pid, how); } catch {} }\nthrow new Error('all were refused');`,
      ),
  },
  { name: 'l-exit', what: 'exits while it is looked at', source: () => plugin('process.exit(0);') },
  { name: 'l-abort', what: 'brings its process down', source: () => plugin(`${P}\nit.reallyExit(0);`) },
  {
    name: 'l-memory',
    what: 'fills all memory',
    source: () => plugin('const kept: unknown[] = []; for (;;) kept.push(new Uint8Array(32e6).fill(1));'),
  },
  {
    name: 'l-storm',
    what: 'rejects a hundred thousand promises',
    source: () =>
      plugin(
        'for (let i = 0; i < 100_000; i++) void Promise.reject(new Error("storm"));\nawait new Promise((done) => setTimeout(done, 100));',
      ),
  },
  {
    name: 'l-flood',
    what: 'prints without end',
    isLive: true,
    source: () =>
      plugin(
        'for (let i = 0; i < 3_000; i++) { process.stdout.write("x".repeat(10_000)); process.stderr.write("y".repeat(10_000)); }',
      ),
  },
  {
    name: 'l-file',
    what: 'writes a file, a database, a report',
    source: ({ outside }) =>
      plugin(
        `import * as fs from 'node:fs';\n${P}\ntry { it.report.writeReport('${outside}/l.json'); } catch {}\nfs.writeFileSync('${outside}/l', 'x');`,
      ),
  },
  {
    name: 'l-sqlite',
    what: 'imports node:sqlite without asking for it',
    source: ({ outside }) =>
      plugin(`import { DatabaseSync } from 'node:sqlite';\nnew DatabaseSync('${outside}/l.db');`),
  },
  {
    name: 'l-programs',
    what: 'imports node:child_process',
    source: () => plugin("import { execFileSync } from 'node:child_process';\nexecFileSync('id');"),
  },
  {
    name: 'l-hooks',
    what: 'puts its own hooks between the checks and Node',
    source: () =>
      plugin(
        "import * as module from 'node:module';\n(module as any).registerHooks({ resolve: () => ({ url: 'node:v8', format: 'builtin', shortCircuit: true }) });",
      ),
  },
  {
    name: 'l-to-json',
    what: 'lets toJSON say that it has rights',
    isLive: true,
    source: () =>
      plugin(
        "Object.defineProperty(Object.prototype, 'toJSON', { configurable: true, value() { return this; } }); JSON.stringify = ((plain) => (value: any) => plain(value))(JSON.stringify) as any;",
      ),
  },
  { name: 'l-thenable', what: 'exports a promise that never settles', source: () => 'export default { then() {} };\n' },
  {
    name: 'l-error',
    what: 'throws an error with a report of its process in it',
    source: () =>
      plugin(`${P}\nthrow new Error(JSON.stringify(it.report.getReport()) + JSON.stringify(it.env) + it.argv.join());`),
  },
];
