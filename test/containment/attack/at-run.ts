import type { RunAttack } from './source.ts';

const FS = `const fs: any = await builtin('fs');`;
const NUMBERS = 'Array.from({ length: 60 }, (_, index) => index + 3)';

/** Attacks by plugins that were granted nothing; they share a cell. */
export const BARE: readonly RunAttack[] = [
  {
    name: 'steals',
    what: 'reads the channel of its cell for as long as it may, by each function that takes a number',
    body: `${FS} const net: any = await builtin('net'); const tty: any = await builtin('tty');
    const into = () => Buffer.alloc(65_536);
    await tried('stream', () => new Promise((done, fail) => fs.createReadStream('', { fd: 3, autoClose: false }).on('data', done).on('error', fail)));
    await tried('socket', () => new Promise((done, fail) => new net.Socket({ fd: 3, readable: true }).on('data', done).on('error', fail)));
    await tried('terminal', () => new Promise((done, fail) => new tty.ReadStream(3).on('data', done).on('error', fail)));
    await tried('readFile', () => fs.readFileSync(3)); await tried('readv', () => { const one = into(); return fs.readvSync(3, [one]) && one; });
    await tried('read', () => new Promise((done, fail) => fs.read(3, into(), 0, 65_536, null, (error: any, _n: number, bytes: any) => (error ? fail(error) : done(bytes)))));
    await tried('proc', () => fs.readFileSync('/proc/self/fd/3')); await tried('dev', () => fs.readFileSync('/dev/fd/3'));
    for (const until = Date.now() + 1_000; Date.now() < until; ) { const bytes = into(); let n = 0; try { n = fs.readSync(3, bytes, 0, bytes.length, null); } catch (error: any) { if (error.code !== 'EAGAIN') break; } if (n > 0) got['readSync'] = bytes.subarray(0, n).toString('latin1'); }`,
  },
  {
    name: 'orders',
    what: 'writes orders, ends and lines in the name of all other workers to the channel of its cell',
    body: `${FS} const net: any = await builtin('net');
    const frame = (value: unknown) => { const text = Buffer.from(JSON.stringify(value)); const head = Buffer.alloc(4); head.writeUInt32BE(text.length); return Buffer.concat([head, text]); };
    const command = 'id >> ' + at.outside + '/pwned; cat /proc/' + at.hostPid + '/environ >> ' + at.outside + '/pwned';
    const messages: unknown[] = [];
    for (let worker = 1; worker < 60; worker++) messages.push(
      { say: 'call', worker, seq: 1, id: 1e6 + worker, call: { ask: 'exec', command: 'sh', args: ['-c', command], call: 7, timeoutMs: 5_000 } },
      { say: 'ended', worker, seq: 1, startedAt: 1, durationMs: 1, end: { is: 'done', result: '"FORGED"' } },
      { say: 'lines', worker, lines: [{ at: 1, level: 'error', job: '', message: 'FORGED', data: null }] });
    for (const fd of [3, 4]) for (const bytes of [frame(messages), Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]), Buffer.alloc(64, 255)]) {
      await tried('writeSync ' + fd, () => fs.writeSync(fd, bytes)); await tried('writev ' + fd, () => fs.writevSync(fd, [bytes]));
      await tried('stream ' + fd, () => new Promise((done, fail) => fs.createWriteStream('', { fd, autoClose: false }).on('error', fail).write(bytes, (error: any) => (error ? fail(error) : done(1)))));
      await tried('socket ' + fd, () => new net.Socket({ fd, writable: true }).write(bytes)); await tried('append ' + fd, () => fs.appendFileSync(fd, bytes)); await tried('writeFile ' + fd, () => fs.writeFileSync(fd, bytes));
      await tried('utf8 ' + fd, () => { const stream = new fs.Utf8Stream({ fd, sync: true }); stream.write(bytes.toString('latin1')); stream.flushSync(); });
    }`,
  },
  {
    name: 'scans',
    what: 'uses every number for a descriptor: reads, writes, closes, locks up',
    body: `${FS} for (const fd of ${NUMBERS}) { await tried('read ' + fd, () => { const bytes = Buffer.alloc(4_096); return fs.readSync(fd, bytes, 0, 4_096, 0) && bytes; }); await tried('write ' + fd, () => fs.writeSync(fd, 'OVERWRITTEN'));
      await tried('stat ' + fd, () => fs.fstatSync(fd)); await tried('truncate ' + fd, () => fs.ftruncateSync(fd, 0)); await tried('close ' + fd, () => fs.closeSync(fd)); await tried('mode ' + fd, () => fs.fchmodSync(fd, 0o777)); }`,
  },
  {
    name: 'reads',
    what: 'reads what is not its own: files, environments, memory, folders, by names in many spellings',
    body: `${FS} const { pathToFileURL } = await builtin('url');
    const paths = [folder + '/.env', folder + '/config/keys.json', folder + '/data/daruma.db', folder + '/data/run/host.json', folder + '/data/run/control.sock.token', at.outside + '/creds.json', '/etc/passwd', '/proc/self/environ', '/proc/' + process.ppid + '/environ', '/proc/' + at.hostPid + '/environ', '/proc/' + at.hostPid + '/cmdline', '/proc/' + at.hostPid + '/maps', '/proc/self/task/' + process.pid + '/environ', '/proc/thread-self/environ'];
    for (const path of paths) {
      const spelled: [string, any][] = [['plain', path], ['root', '/proc/self/root' + path], ['up', folder + '/plugins/../../' + folder.split('/').at(-1) + '/..' + '/..'.repeat(9) + path], ['url', pathToFileURL(path)], ['bytes', Buffer.from(path)], ['slashes', path.replaceAll('/', '//')], ['cwd', '/proc/self/cwd/' + '../'.repeat(12) + path.slice(1)]];
      for (const [how_, one] of spelled) { const name = how_ + ' ' + path; await tried('readFileSync ' + name, () => fs.readFileSync(one)); await tried('promise ' + name, () => fs.promises.readFile(one)); await tried('open ' + name, () => fs.openSync(one)); }
      await tried('stream ' + path, () => new Promise((done, fail) => fs.createReadStream(path).on('data', done).on('error', fail))); await tried('blob ' + path, async () => (await fs.openAsBlob(path)).text()); await tried('copy ' + path, () => fs.copyFileSync(path, '/dev/null')); await tried('cp ' + path, () => fs.cpSync(path, at.outside + '/copied'));
      await tried('watch ' + path, () => fs.watch(path)); await tried('watchFile ' + path, () => fs.watchFile(path, () => {})); await tried('json ' + path, async () => (await import(pathToFileURL(path).href, { with: { type: 'json' } })).default); await tried('text ' + path, async () => (await import(pathToFileURL(path).href, { with: { type: 'text' } })).default);
      await tried('module ' + path, () => import(pathToFileURL(path).href)); await tried('require ' + path, async () => (await builtin('module')).createRequire('/x.js')(path)); await tried('env ' + path, () => { process.loadEnvFile(path); return JSON.stringify(process.env); }); await tried('fetch ' + path, async () => (await fetch(pathToFileURL(path))).text()); await tried('context.fetch ' + path, async () => (await context.fetch(pathToFileURL(path))).text());
      await tried('stat ' + path, () => fs.statSync(path).size); await tried('readlink ' + path, () => fs.readlinkSync(path)); await tried('realpath ' + path, () => fs.realpathSync.native(path));
    }
    for (const path of ['/', '/etc', '/proc', '/proc/self/fd', folder, folder + '/plugins', folder + '/data/versions', at.outside, '/tmp']) { await tried('list ' + path, () => fs.readdirSync(path)); await tried('opendir ' + path, () => fs.opendirSync(path).readSync().name); await tried('glob ' + path, () => { const found = fs.globSync(path + '/*'); if (found.length === 0) throw new Error('none'); return found; }); }`,
  },
  {
    name: 'writes',
    what: 'leaves something outside: files, folders, links, reports, snapshots, caches, databases',
    body: `${FS} const there = (name: string) => at.outside + '/' + name; const module: any = await builtin('module');
    await tried('writeFile', () => fs.writeFileSync(there('w'), 'x')); await tried('append', () => fs.appendFileSync(folder + '/.env', 'X=1')); await tried('mkdir', () => fs.mkdirSync(there('d'))); await tried('mkdtemp', () => fs.mkdtempSync(there('t'))); await tried('tmp', () => fs.writeFileSync('/tmp/daruma-left-behind', 'x')); await tried('cwd', () => fs.writeFileSync('left', 'x'));
    await tried('symlink', () => fs.symlinkSync('/etc', there('l'))); await tried('link', () => fs.linkSync(folder + '/.env', there('h'))); await tried('rename', () => fs.renameSync(folder + '/.env', there('r'))); await tried('rm', () => fs.rmSync(folder + '/data', { recursive: true })); await tried('chmod', () => fs.chmodSync(folder + '/.env', 0o777)); await tried('chown', () => fs.chownSync(folder, 1, 1)); await tried('utimes', () => fs.utimesSync(folder, 1, 1)); await tried('truncate', () => fs.truncateSync(folder + '/config/keys.json'));
    await tried('report', () => process.report.writeReport(there('report.json'))); await tried('report of a folder', () => { process.report.directory = at.outside; return process.report.writeReport(); }); await tried('cache', () => { module.enableCompileCache(there('cache')); module.flushCompileCache(); if (!fs.existsSync(there('cache'))) throw new Error('none'); }); await tried('storage', () => (globalThis as any).localStorage.setItem('a', 'b')); await tried('chdir', () => process.chdir(at.outside)); await tried('umask', () => process.umask(0));
    await tried('plugin', () => fs.writeFileSync(folder + '/plugins/made.ts', 'x')); await tried('agent file', () => fs.writeFileSync(folder + '/agents/made.yaml', 'x')); await tried('score', () => fs.writeFileSync('/proc/self/oom_score_adj', '-999')); await tried('memory', () => fs.openSync('/proc/self/mem', 'r+')); await tried('fifo', async () => (await builtin('child_process')).execFileSync('mkfifo', [there('f')]));`,
  },
  {
    name: 'signals',
    what: 'sends signals, changes identities, looks for handles and bindings of the process',
    body: `const it: any = process;
    for (const pid of [at.hostPid, process.ppid, process.pid, 1, 0, -1, -at.hostPid]) for (const signal of [0, 15, 'SIGKILL', 'SIGSTOP', 'SIGUSR1']) { await tried('kill ' + pid + signal, () => it.kill(pid, signal)); await tried('_kill ' + pid + signal, () => { if (it._kill(pid, signal === 15 ? 15 : 0) !== 0) throw new Error('refused'); }); await tried('applied ' + pid + signal, () => Reflect.apply(it.constructor.prototype.kill ?? it.kill, it, [pid, signal])); }
    for (const name of ['_debugProcess', '_debugEnd', 'dlopen', 'execve', 'setuid', 'seteuid', 'setgid', 'setgroups', 'initgroups', 'abort', '_getActiveHandles', '_getActiveRequests', 'binding', '_linkedBinding', 'chdir']) await tried(name, () => { if (typeof it[name] !== 'function') throw new Error('none'); return it[name](name === 'execve' ? '/bin/true' : 'fs', ['x'], {}); });
    for (const name of ['spawn_sync', 'process_wrap', 'fs', 'tcp_wrap', 'pipe_wrap', 'udp_wrap', 'worker', 'inspector', 'v8', 'contextify']) await tried('binding ' + name, () => it.binding(name));
    await tried('redefined', () => { Object.defineProperty(it, 'kill', { value: 1 }); }); await tried('deleted', () => { if (!delete it.kill) throw new Error('kept'); }); await tried('channel', () => it.send({})); await tried('priority', async () => (await builtin('os')).setPriority(0, 5));
    await tried('test runner', async () => { const { run } = await builtin('test'); return new Promise((done, fail) => run({ files: [at.outside + '/x.mjs'] }).on('test:pass', done).on('test:fail', (event: any) => fail(event.details.error.cause ?? event.details.error))); });
    await tried('engine', async () => (await builtin('crypto')).setEngine(at.outside + '/x.so')); await tried('addon', async () => (await builtin('module')).createRequire('/x.js')(at.outside + '/x.node'));`,
  },
  {
    name: 'imports',
    what: 'asks for modules that reach beyond its worker in every way that an import can be written',
    body: `const names = ['child_process', 'cluster', 'ffi', 'inspector', 'inspector/promises', 'repl', 'sqlite', 'trace_events', 'v8', 'wasi', 'worker_threads'];
    const module: any = await builtin('module'); const vm: any = await builtin('vm'); const required = module.createRequire('/x.js');
    Set.prototype.has = () => false; (Map.prototype as any).get = () => undefined; (Array.prototype as any).includes = () => false; (String.prototype as any).startsWith = () => false; Object.defineProperty(Object.prototype, 'worker_threads', { value: true, configurable: true }); Reflect.get = () => undefined as any;
    for (const name of names) for (const spelled of ['node:' + name, name, 'NODE:' + name, ' node:' + name, 'node:' + name + '?x', 'node:' + name + '#x']) {
      await tried('import ' + spelled, async () => { const found = await import(String(spelled)); return Object.keys(found); }); await tried('require ' + spelled, () => { const found = required(spelled); return Object.keys(found); }); await tried('builtin ' + spelled, () => Object.keys((process as any).getBuiltinModule(spelled) ?? (() => { throw new Error('none'); })()));
      await tried('load ' + spelled, () => Object.keys(module._load(spelled))); await tried('data ' + spelled, async () => Object.keys(await import('data:text/javascript,export * from ' + encodeURIComponent(JSON.stringify(spelled))))); await tried('lying text ' + spelled, () => { let asked = 0; return Object.keys(required({ toString: () => (asked++ < 2 ? 'path' : spelled) })); });
      await tried('vm ' + spelled, async () => Object.keys(await new vm.Script('import(' + JSON.stringify(spelled) + ')', { importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }).runInThisContext()));
    }
    await tried('hooks', () => module.registerHooks({ resolve: () => ({ url: 'node:v8', format: 'builtin', shortCircuit: true }) })); await tried('thread of hooks', () => module.register('data:text/javascript,'));
    await tried('cached', () => { required.cache['/y.js'] = { exports: 1 } as any; module._extensions['.js'] = (own: any) => { own.exports = (process as any).binding('fs'); }; module._resolveFilename = () => 'node:v8'; return Object.keys(required('/y.js')); }); await tried('main', () => Object.keys((process as any).mainModule.require('child_process')));`,
  },
];
