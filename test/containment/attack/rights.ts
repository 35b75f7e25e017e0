import type { RunAttack, Targets } from './source.ts';

const FS = `const fs: any = await builtin('fs');`;
const DONE = (where: string) =>
  `new Promise((done, fail) => { const one: any = ${where}; one.on('error', fail).on('data', (data: any) => (/good$/.test(String(data)) ? fail(new Error('what is granted')) : done(String(data)))).on('listening', () => done('listens')).on('connect', () => one.write?.(order)); })`;

/** Attacks by plugins that were granted something, and want more than that. */
export const WITH_RIGHTS: readonly RunAttack[] = [
  {
    name: 'calls-home',
    what: 'has one host among its needs, and gives the host orders by its control socket, or reaches other ports',
    options: ({ port }: Targets) => `needs: { net: ['127.0.0.1:${port}'] },`,
    body: `const net: any = await builtin('net'); const http: any = await builtin('http'); const tls: any = await builtin('tls'); const dgram: any = await builtin('dgram'); const dns: any = await builtin('dns'); const order = JSON.stringify({ id: 1, op: 'pause', args: { agent: 'victim' } }) + '\\n'; let asked = 0; const lies = (first: unknown, then: unknown, times = 1) => (asked++ < times ? first : then);
    for (const times of [0, 1, 2, 3]) { asked = 0; await tried('path by a getter ' + times, () => ${DONE("new net.Socket().connect({ get path() { return lies(undefined, at.socket, times); }, host: '127.0.0.1', port: at.port })")}); asked = 0; await tried('port by a getter ' + times, () => ${DONE("net.connect({ host: '127.0.0.1', get port() { return lies(at.port, at.otherPort, times); } })")}); asked = 0; await tried('port by a text ' + times, () => ${DONE("net.connect({ host: '127.0.0.1', port: { toString: () => String(lies(at.port, at.otherPort, times)), valueOf: () => lies(at.port, at.otherPort, times) } })")}); asked = 0; await tried('proxy ' + times, () => ${DONE("net.connect(new Proxy({ port: at.port, host: '127.0.0.1' }, { get: (own: any, name) => (name === 'path' ? lies(undefined, at.socket, times) : own[name]) }))")}); }
    await tried('path', () => ${DONE('net.connect(at.socket)')}); await tried('abstract', () => ${DONE("net.connect('\\0daruma')")}); await tried('http', () => ${DONE("http.get({ socketPath: at.socket, path: '/' })")}); await tried('tls', () => ${DONE('tls.connect({ path: at.socket })')}); await tried('port', () => ${DONE("net.connect(at.otherPort, '127.0.0.1')")}); await tried('mapped', () => ${DONE("net.connect(at.otherPort, '::ffff:127.0.0.1')")});
    await tried('lookup', () => ${DONE("net.connect({ port: at.otherPort, host: 'x.test', lookup: (...all: any[]) => all.at(-1)(null, [{ address: '127.0.0.1', family: 4 }]) })")}); await tried('fetch', async () => (await fetch('http://127.0.0.1:' + at.otherPort)).text()); await tried('fetch by a user', async () => (await fetch('http://127.0.0.1:' + at.port + '@127.0.0.1:' + at.otherPort)).text()); await tried('websocket', () => new Promise((done, fail) => { const one = new WebSocket('ws://127.0.0.1:' + at.otherPort); one.onopen = done; one.onerror = () => fail(new Error('no')); }));
    await tried('agent of http', () => { const own = new http.Agent(); own.createConnection = () => net.connect(at.socket); return ${DONE("http.get({ host: '127.0.0.1', port: at.port, agent: own })")}; }); await tried('raw', () => { const first = net.connect(at.port, '127.0.0.1').on('error', () => {}); const code = new first._handle.constructor(0).connect({ oncomplete() {} }, '127.0.0.1', at.otherPort); first.destroy(); if (code !== 0) throw new Error('refused'); return 'connects'; });
    await tried('listens', () => ${DONE("net.createServer().listen(0, '127.0.0.1')")}); await tried('listens on a file', () => ${DONE("net.createServer().listen(folder + '/x.sock')")}); await tried('datagram', () => new Promise((done, fail) => dgram.createSocket('udp4').send('x', at.otherPort, '127.0.0.1', (error: any) => (error ? fail(error) : done('sent'))))); await tried('name server', () => { dns.setServers(['127.0.0.1:' + at.otherPort]); }); await tried('bound', () => ${DONE('net.createServer().listen({ fd: 3 })')});`,
  },
  {
    name: 'narrow-files',
    what: 'has a folder of its own, and a link in it that somebody else has put there',
    options: () => "needs: { write: ['own'] },",
    body: `${FS} const own = folder + '/own'; const out = at.outside;
    await tried('through the link', () => fs.readFileSync(own + '/link')); await tried('write through the link', () => fs.writeFileSync(own + '/link', 'OVERWRITTEN')); await tried('copy of the link', () => { fs.cpSync(own + '/link', own + '/copied', { dereference: true }); return fs.readFileSync(own + '/copied'); }); await tried('folder by the link', () => fs.readdirSync(own + '/linked')); await tried('file by the linked folder', () => fs.readFileSync(own + '/linked/creds.json')); await tried('stream by the link', () => new Promise((done, fail) => fs.createReadStream(own + '/link').on('data', done).on('error', fail)));
    for (const [name, to] of [['up', '../.env'], ['whole', folder + '/.env'], ['out', out + '/creds.json'], ['environment', '/proc/self/environ'], ['host', '/proc/' + at.hostPid + '/environ']] as const) { await tried('symlink ' + name, () => { fs.symlinkSync(to, own + '/s-' + name); return fs.readFileSync(own + '/s-' + name); }); await tried('hard link ' + name, () => { fs.linkSync(to, own + '/h-' + name); return fs.readFileSync(own + '/h-' + name); }); await tried('rename ' + name, () => fs.renameSync(to, own + '/r-' + name)); await tried('copy ' + name, () => fs.copyFileSync(to, own + '/c-' + name)); }
    for (const path of ['../.env', './../.env', 'x/../../.env', '..//.env', '%2e%2e/.env', '\\0/../.env', '../own/../.env', '../ownx', '../OWN/x']) { await tried('read ' + path, () => fs.readFileSync(own + '/' + path)); await tried('write ' + path, () => fs.writeFileSync(own + '/' + path, 'x')); }
    await tried('race', async () => { fs.mkdirSync(own + '/race'); fs.writeFileSync(own + '/race/.env', 'mine'); for (const until = Date.now() + 300; Date.now() < until; ) { fs.renameSync(own + '/race', own + '/race2'); fs.promises.rename(own + '/race2', own + '/race').catch(() => {}); const text = await fs.promises.readFile(own + '/race/../../.env', 'utf8').catch(() => 'mine'); if (text !== 'mine') return text; if (!fs.existsSync(own + '/race')) await new Promise((done) => setTimeout(done, 2)); } throw new Error('never'); });
    await tried('set id', () => fs.writeFileSync(own + '/set', '#!/bin/sh', { mode: 0o4755 })); await tried('set id later', () => { fs.writeFileSync(own + '/later', '#!/bin/sh'); fs.chmodSync(own + '/later', 0o6755); }); await tried('owner', () => { fs.writeFileSync(own + '/theirs', ''); fs.chownSync(own + '/theirs', 1, 1); }); await tried('runs it', async () => (await builtin('child_process')).execFileSync(own + '/later'));
    for (const name of ['\\u001b[2J', 'a\\nb', '-rf', '__proto__']) fs.writeFileSync(own + '/' + name, 'x'); await tried('exec', () => context.exec('sh', ['-c', 'id'])); await tried('secret', () => secrets.VICTIM_SECRET); await tried('fleet', () => context.fleet.report()); await tried('watch', () => { const raw = fs.watch(own); const one = new raw._handle.constructor(); raw.close(); const code = one.start(out, true, false, 'utf8'); if (code !== 0) throw new Error('refused'); return 'watches'; });`,
  },
  {
    name: 'opens-stores',
    what: 'has node:sqlite among its needs, and opens the host’s store and files of others with it',
    options: () => "needs: { modules: ['node:sqlite'], write: ['lite'] },",
    body: `const { DatabaseSync, backup }: any = await builtin('sqlite'); const open = (path: any, options = {}) => new DatabaseSync(path, options); const own = () => open(folder + '/lite/own.db'); const all = (db: any) => db.prepare('select group_concat(name) n from sqlite_master').get();
    for (const path of [folder + '/data/daruma.db', at.outside + '/made.db', 'file:' + folder + '/data/daruma.db?mode=ro', new URL('file://' + folder + '/data/daruma.db'), folder + '/lite/../data/daruma.db', '/proc/self/root' + folder + '/data/daruma.db']) { await tried('open ' + path, () => all(open(path))); await tried('read only ' + path, () => all(open(path, { readOnly: true }))); await tried('attach ' + path, () => { const db = own(); db.prepare('attach ? as a').run(String(path)); return db.prepare('select group_concat(name) n from a.sqlite_master').get(); }); await tried('vacuum into ' + path, () => own().prepare('vacuum into ?').run(String(path) + '.copy')); await tried('backup ' + path, () => backup(own(), String(path) + '.copy')); }
    await tried('extension', () => { const db = open(':memory:', { allowExtension: true }); db.loadExtension(at.outside + '/x.so'); }); await tried('readfile', () => own().prepare("select readfile('/etc/passwd') r").get()); await tried('temporary', () => own().exec("pragma temp_store_directory = '" + at.outside + "'; create temp table t(x); insert into t values (1)") ?? (() => { throw new Error('ignored'); })());`,
  },
  {
    name: 'tells-a-pin',
    what: 'tells a secret of digits as a number and as a text, as it is and in base64, in lines, keys, names and errors',
    options: () => "needs: { secrets: ['PIN', 'WORD'] },",
    jobs: ['fine', 'fails'],
    body: `const { PIN, WORD } = secrets; const number = Number(PIN); log.info('order', { id: number, pin: PIN, [PIN]: number, list: [number, { deep: number }] }); log.info('pin ' + PIN + ' ' + btoa(PIN) + ' ' + btoa('user:' + WORD)); console.log({ number, WORD }); beat('beat ' + PIN); context.summary('PIN ' + PIN + ' ' + WORD);
    if (how === 'fails') throw Object.assign(new Error('failed ' + PIN + ' ' + WORD), { code: WORD, pin: number, cause: new Error('because ' + PIN) }); return { pin: PIN, number, word: WORD };`,
  },
  {
    name: 'runs-more',
    what: 'has one command with one argument among its needs, and runs others by it',
    options: () => "needs: { exec: [{ command: 'git', args: ['--version'] }] },",
    body: `for (const [command, args] of [['sh', ['-c', 'id']], ['/bin/sh', ['-c', 'id']], ['git', ['-c', 'alias.x=!id', 'x']], ['git', ['--version', '--exec-path']], ['git', []], ['../../bin/sh', ['-c', 'id']], ['git\\0', ['--version']], ['env', ['git', '--version']]] as [string, string[]][]) await tried(command + args, async () => (await context.exec(command, args)).stdout);
    await tried('lying', async () => { let asked = 0; return (await context.exec({ toString: () => (asked++ < 1 ? 'git' : 'sh') } as any, ['--version'])).stdout; }); await tried('list that changes', async () => { let asked = 0; const args: any = new Proxy(['--version'], { get: (own: any, name) => (name === '0' && asked++ > 0 ? '--exec-path' : own[name]) }); const { stdout } = await context.exec('git', args); if (/git version/.test(stdout)) throw new Error('version only'); return stdout; });
    await tried('folder', async () => (await context.exec('git', ['--version'], { cwd: at.outside })).stdout);`,
  },
];
