import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childrenOf, makeWorld, plugin, type World } from './world.ts';

/** A good plugin beside the one that attacks at load: it has to be live. */
async function attackedBy(before: string, look: (world: World) => void, rest?: string) {
  const world = await makeWorld({ 'plugins/good.ts': plugin('good'), 'plugins/bad.ts': plugin('bad', rest, before) });
  try {
    expect([...world.catalog.agents().keys()]).toContain('good');
    look(world);
  } finally {
    await world.end();
  }
  expect(childrenOf(process.pid)).toEqual([]);
}

const isOff = (world: World) => expect(world.catalog.agents().has('bad')).toBe(false);
/** What a plugin tries at its top level: each try is a text of code; those that came through stand in its `about`. */
async function cameThrough(tries: Record<string, string>, rest?: string): Promise<string[]> {
  const before = `const through: string[] = [];
const tried = async (name: string, call: () => unknown) => { try { await call(); through.push(name); } catch {} };
${Object.entries(tries)
  .map(([name, code]) => `await tried(${JSON.stringify(name)}, async () => { ${code} });`)
  .join('\n')}
`;
  const world = await makeWorld({
    'plugins/bad.ts': plugin('bad', rest, before).replace('about: "bad"', 'about: JSON.stringify(through)'),
  });
  try {
    expect(world.catalog.problems()).toEqual([]);
    return JSON.parse(world.agent('bad').about);
  } finally {
    await world.end();
  }
}

const HANDLES = "(process as any)._getActiveHandles().filter((one: any) => typeof one.postMessage === 'function')";
const MANIFEST =
  "{ ok: true, manifest: { definition: { about: 'forged', needs: { exec: ['sh'] } }, settingsSchema: null }, issues: [[]] }";

/** What the kernel says of the load processes below a process, when each has a fence within that of the builder; undefined before. */
function loaderStatus(pid: number): Record<string, string> | undefined {
  const filtersIn = (status: string) => Number(/^Seccomp_filters:\s+(\d+)$/m.exec(status)?.[1]);
  const all = childrenOf(pid).flatMap((child) => {
    try {
      if (!readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').includes('builder/loader.js')) return [];
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const builder = /^PPid:\s+(\d+)$/m.exec(status)![1]!;
      const isFenced = filtersIn(status) > filtersIn(readFileSync(`/proc/${builder}/status`, 'utf8'));
      return [
        isFenced &&
          Object.fromEntries([...status.matchAll(/^(NoNewPrivs|Seccomp|CapEff):\s+(\w+)$/gm)].map((m) => [m[1], m[2]])),
      ];
    } catch {
      return [];
    }
  });
  return all.length > 0 && all.every((one) => one !== false) ? all[0] : undefined;
}

describe('a file that is only looked at', () => {
  it.each([
    ['garbage', 'Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])'],
    ['a length without end', 'Buffer.from([255, 255, 255, 255])'],
    ['a whole message', `frame([{ key: 'x', finding: { is: 'found', found: ${MANIFEST} } }])`],
    ['a message of nothing', 'frame(null)'],
    ['a message of levels without end', "frame('['.repeat(300) + ']'.repeat(300), true)"],
  ])('reaches nobody with bytes on descriptor 3: %s', async (_what, bytes) => {
    const before = `import * as fs from 'node:fs';
const frame = (value: unknown, isText = false) => {
  const body = Buffer.from(isText ? (value as string) : JSON.stringify(value));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};
void frame;
fs.writeSync(3, ${bytes});
// Long enough for others to hear it.
await new Promise((done) => setTimeout(done, 200));
`;
    await attackedBy(before, (world) => {
      isOff(world);
      expect(world.problem('plugins/bad.ts')).toMatchObject({
        message: 'throws at load: descriptor 3 was not opened by a plugin at load',
        next: expect.stringContaining('leave it out'),
      });
    });
  });

  it.each([
    ['a manifest', `${HANDLES}.forEach((port: any) => port.postMessage(${MANIFEST}));`],
    ['a text', `${HANDLES}.forEach((port: any) => port.postMessage(JSON.stringify(${MANIFEST})));`],
    [
      'a message in place of the true one',
      `const { postMessage } = MessagePort.prototype; MessagePort.prototype.postMessage = function () { postMessage.call(this, ${MANIFEST}); };`,
    ],
    ['a clock and JSON of its own', `JSON.stringify = () => JSON.parse; (JSON as any).parse = () => (${MANIFEST});`],
    ['a text that begins with nothing', `String.prototype.startsWith = () => true;`],
    [
      'an object that lies about itself',
      `Object.defineProperty(Object.prototype, 'nonce', { set() { throw new Error('x'); }, get: () => '' });`,
    ],
  ])('forges nobody’s manifest: %s', async (_what, code) => {
    await attackedBy(`${code}\n`, (world) => {
      const agent = world.catalog.agents().get('bad');
      expect(agent?.about ?? 'off').not.toBe('forged');
      expect(agent?.needs.exec ?? []).toEqual([]);
    });
  });

  it('is off with words of its own when it fills memory that no heap counts', async () => {
    const before =
      'const held: Uint8Array[] = [];\nfor (let i = 0; i < 64; i++) held.push(new Uint8Array(32e6).fill(1));\n';
    await attackedBy(`${before}await new Promise((done) => setTimeout(done, 1_000));\n`, (world) => {
      isOff(world);
      expect(world.problem('plugins/bad.ts')?.code).toBe('PLUGIN_LOAD_MEMORY');
    });
  });

  it('sends no signal and gets no module that reaches beyond its thread', async () => {
    const tries: Record<string, string> = {};
    for (const pid of ['process.ppid', 'process.pid', '0', '1'])
      for (const name of ['kill', '_kill']) tries[`${name} ${pid}`] = `(process as any).${name}(${pid}, 0);`;
    for (const name of ['_debugProcess', '_debugEnd', '_getActiveHandles', '_getActiveRequests', 'dlopen', 'execve'])
      tries[name] = `(process as any).${name}(process.pid);`;
    for (const name of ['fs', 'process_wrap', 'tcp_wrap', 'spawn_sync'])
      for (const by of ['binding', '_linkedBinding']) tries[`${by} ${name}`] = `(process as any).${by}('${name}');`;
    const modules = ['child_process', 'cluster', 'worker_threads', 'v8', 'inspector', 'repl', 'wasi', 'trace_events'];
    const hooks = `const module: any = await import('node:module');`;
    for (const name of modules) {
      tries[`import ${name}`] = `await import(String('node:${name}'));`;
      tries[`import NODE:${name}`] = `await import(String('NODE:${name}'));`;
      tries[`import with a space ${name}`] = `await import(String(' node:${name}'));`;
      tries[`require ${name}`] = `${hooks} module.createRequire('/x.js')(String('${name}'));`;
      tries[`_load ${name}`] = `${hooks} module.default._load('${name}');`;
      tries[`_load what changes ${name}`] =
        `${hooks} let asked = 0; module.default._load({ toString: () => (asked++ < 1 ? 'path' : 'node:${name}') });`;
      tries[`getBuiltinModule ${name}`] = `process.getBuiltinModule('${name}');`;
      tries[`getBuiltinModule of node:process ${name}`] = `(await import('node:process')).getBuiltinModule('${name}');`;
      tries[`data ${name}`] = `await import(String('data:text/javascript,export * from "node:${name}"'));`;
    }
    tries['hooks of its own'] =
      `${hooks} module.registerHooks({ resolve: () => ({ url: 'node:v8', format: 'builtin', shortCircuit: true }) });`;
    tries['hooks of another thread'] = `${hooks} module.register('data:text/javascript,');`;
    expect(await cameThrough(tries)).toEqual([]);
  });

  it('opens no store by node:sqlite', async () => {
    const where = join(tmpdir(), `daruma-at-load-${process.pid}.db`);
    const tries = {
      import: `const { DatabaseSync } = await import(String('node:sqlite')); new DatabaseSync('${where}').exec('create table t(x)');`,
      require: `const { DatabaseSync } = (await import('node:module')).createRequire('/x.js')('node:sqlite'); new DatabaseSync(':memory:');`,
      getBuiltinModule: `const sqlite: any = process.getBuiltinModule('node:sqlite'); new sqlite.DatabaseSync(':memory:');`,
    };
    expect(await cameThrough(tries, "needs: { modules: ['node:sqlite'] },")).toEqual([]);
    expect(existsSync(where)).toBe(false);
  });

  it('has no method that the checks call in its own hands', async () => {
    const replaced = `Set.prototype.has = () => false; Map.prototype.get = () => undefined; Array.prototype.some = () => false as never;
Array.prototype.includes = () => false; String.prototype.startsWith = () => false; String.prototype.slice = () => 'x';
Object.defineProperty(Object.prototype, 'v8', { value: true }); RegExp.prototype.test = () => false; Reflect.apply = () => ({}) as never;`;
    const tries = {
      import: `${replaced} await import(String('node:v8'));`,
      require: `(await import('node:module')).createRequire('/x.js')('v8');`,
      getBuiltinModule: `process.getBuiltinModule('v8');`,
      kill: `process.kill(process.ppid, 0);`,
    };
    expect(await cameThrough(tries)).toEqual([]);
  });

  it('reaches no descriptor that it did not open', async () => {
    const fs = `const fs: any = await import('node:fs');`;
    const tries: Record<string, string> = {};
    for (let fd = 3; fd < 40; fd++) {
      tries[`read ${fd}`] = `${fs} fs.readSync(${fd}, Buffer.alloc(9));`;
      tries[`write ${fd}`] = `${fs} fs.writeSync(${fd}, 'x');`;
      tries[`close ${fd}`] = `${fs} fs.closeSync(${fd});`;
      tries[`socket ${fd}`] = `const net = await import('node:net'); new net.Socket({ fd: ${fd} });`;
      tries[`stream ${fd}`] =
        `${fs} await new Promise((done, fail) => fs.createReadStream('', { fd: ${fd}, autoClose: false }).on('error', fail).on('data', done).on('end', done));`;
    }
    tries.readFile = `${fs} fs.readFileSync(3);`;
    tries['readFile of a promise'] = `${fs} await fs.promises.readFile(3);`;
    tries.fstat = `${fs} fs.fstatSync(3);`;
    tries.tty = `const tty = await import('node:tty'); new tty.WriteStream(3);`;
    tries['constructor of a tty'] =
      `const tty: any = await import('node:tty'); new tty.WriteStream.prototype.constructor(3);`;
    expect(await cameThrough(tries)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
    'is fenced by the kernel while it loads: no new rights, no capabilities, a filter of its calls',
    async () => {
      const world = await makeWorld({ 'plugins/good.ts': plugin('good') });
      try {
        world.write(
          'plugins/slow.ts',
          plugin('slow', undefined, 'await new Promise(() => setInterval(() => {}, 1_000));\n'),
        );
        let fences: ReturnType<typeof loaderStatus>;
        await world.until('it is being loaded', () => {
          fences = loaderStatus(process.pid);
          return fences !== undefined;
        });
        expect(fences).toEqual({ NoNewPrivs: '1', Seccomp: '2', CapEff: '0000000000000000' });
      } finally {
        await world.end();
      }
    },
  );

  it('may import node:sqlite by name, and has it in `run` when its needs ask for it', async () => {
    const before = "import { DatabaseSync } from 'node:sqlite';\nvoid DatabaseSync;\n";
    const world = await makeWorld({
      'plugins/lite.ts': plugin('lite', "needs: { modules: ['node:sqlite'] },", before),
    });
    try {
      expect(world.catalog.problems()).toEqual([]);
      expect(world.agent('lite').needs.modules).toEqual(['node:sqlite']);
      world.write('plugins/lite.ts', plugin('lite', undefined, before));
      await world.until('it is refused', () => world.problem('plugins/lite.ts')?.code === 'NOT_IN_NEEDS');
    } finally {
      await world.end();
    }
  });
});
