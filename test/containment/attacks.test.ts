import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/control/protocol.ts';
import { isRunning, processesOf } from '../e2e/installation.ts';
import { noSecondIsMissing } from '../e2e/slots.ts';
import { HANGS_MS } from '../hangs.ts';
import { AT_LOAD } from './attack/at-load.ts';
import { BARE } from './attack/at-run.ts';
import { hitsBelow, hitsIn, storedTexts } from './attack/canaries.ts';
import { HARM } from './attack/harm.ts';
import { type AttackedHost, attackedHost, USERS, writeOutside } from './attack/host.ts';
import { WITH_RIGHTS } from './attack/rights.ts';
import { type RunAttack, sourceOfRun, type Targets } from './attack/source.ts';

const RUN: readonly RunAttack[] = [...BARE, ...HARM, ...WITH_RIGHTS];
/** Agents that attack at a time. */
const SIDE_BY_SIDE = 6;
/** 8.5 s were seen where six others shared two processors, 26 s on a slow day. */
const LATE_MS = HANGS_MS;

/** What nobody but its owner may ever hold, and in what form it would be found. */
const CANARY = {
  secret: 'cn-secret-of-the-victim',
  env: 'cn-env-of-the-host',
  file: 'cn-file-of-somebody',
  word: 'cn-word"\\of/pins',
  pin: '907150123',
};
const FORMS = [
  ...Object.values(CANARY),
  JSON.stringify(CANARY.word).slice(1, -1),
  btoa(CANARY.pin),
  btoa(`user:${CANARY.word}`).slice(8, -4),
];

const VICTIM = `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'A victim with a secret and a slot each second.',
  schedule: '* * * * * *', catchUp: 'all', overlap: 'queue',
  limits: { attempts: 5, backoff: { first: '10ms', longest: '50ms' } },
  needs: { secrets: ['VICTIM_SECRET'] }, workers: { min: 1, max: 1 },
  run: async ({ secrets, state, job }) => { await state.set('length', secrets.VICTIM_SECRET!.length); return job.slot; },
});
`;
const SHARED_VICTIM = VICTIM.replace("needs: { secrets: ['VICTIM_SECRET'] }, ", '').replace(
  "await state.set('length', secrets.VICTIM_SECRET!.length);",
  'void secrets; void state;',
);
const OPS = `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'May run any command.', needs: { exec: ['*'] }, workers: { min: 1 }, limits: { timeout: '1h' },
  async run({ beat }) { for (;;) { beat('at work'); await new Promise((done) => setTimeout(done, 500)); } } });
`;
const SINK = `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Takes what is sent.', run: () => null });
`;
const BOMB = [
  'a: &a ["x","x","x","x","x","x","x","x","x"]',
  ...'bcdefg'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[at]}`)}]`),
  `h: [${Array(9).fill('*g')}]`,
  'plugin: victim',
].join('\n');

const FILES = {
  '.env': `VICTIM_SECRET=${CANARY.secret}\nPIN=${CANARY.pin}\nWORD='${CANARY.word}'\n`,
  'config/daruma.yaml': 'cells:\n  idle: 1s\nstate:\n  budget: 16MB\n',
  'config/keys.json': JSON.stringify({ key: CANARY.file }),
  'config/secrets.txt': CANARY.file,
  'own/.keep': '',
  'lite/.keep': '',
  'plugins/victim.ts': VICTIM,
  'plugins/shared-victim.ts': SHARED_VICTIM,
  'plugins/ops.ts': OPS,
  'plugins/sink.ts': SINK,
  'plugins/named.ts': SINK,
  'plugins/l-\u001b[2J.ts': SINK,
  'agents/constructor.yaml': 'plugin: named\n',
  'agents/__proto__.yaml': 'plugin: named\n',
  'agents/bomb.yaml': BOMB,
};

describe.each(USERS)('on a host of %s, with all attackers at once', (_name, uid) => {
  let host: AttackedHost;
  let at: Targets;
  let guardian: number;
  let outside: Record<string, string>;
  const arrived: string[] = [];
  const servers: Server[] = [];
  const jobs = new Map<string, JobView[]>();
  /** What the host said, on all its ways. */
  const said: Record<string, string> = {};

  async function listening(arrives?: () => void) {
    const server = createServer((socket) => {
      arrives?.();
      socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood');
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as { port: number }).port;
  }

  const filesOutside = () =>
    Object.fromEntries(readdirSync(host.outside).map((name) => [name, readFileSync(join(host.outside, name), 'utf8')]));

  async function attack({ name, jobs: hows = [''] }: RunAttack) {
    const ended: JobView[] = [];
    for (const how of hows) {
      const { id } = await host.ask('run', { agent: name, input: { at, how } as never });
      ended.push(await host.ask('job', { id, wait: true }));
    }
    jobs.set(name, ended);
  }

  beforeAll(async () => {
    host = attackedHost({ uid, env: { UNDECLARED_TOKEN: CANARY.env }, files: FILES });
    const { place } = host;
    const { folder } = place;
    const map = { version: 3, sources: ['x.ts'], sourcesContent: [CANARY.file], names: [], mappings: 'AAAA' };
    writeOutside(host, { 'creds.json': JSON.stringify({ key: CANARY.file }), 'creds.map': JSON.stringify(map) });
    const links = {
      'own/link': `${host.outside}/creds.json`,
      'own/linked': host.outside,
      'lite/link.db': `${folder}/data/daruma.db`,
      'plugins/rootdir': '/',
    };
    for (const [path, to] of Object.entries(links)) symlinkSync(to, join(folder, path));
    await host.start();
    guardian = place.started()!.pid!;
    outside = filesOutside();
    at = {
      ...{ folder, outside: host.outside, hostPid: place.host()!.pid, socket: join(folder, 'data/run/control.sock') },
      ...{ port: await listening(), otherPort: await listening(() => arrived.push('a connection')) },
    };
    await place.until(
      () => host.ask('jobs', { agent: 'victim', limit: 1 }),
      ([job]) => job?.state === 'done',
    );
    await host.ask('run', { agent: 'ops' });
    for (const one of RUN) place.write(`plugins/${one.name}.ts`, sourceOfRun(one, at));
    for (const one of AT_LOAD) place.write(`plugins/${one.name}.ts`, one.source(at));
    await place.until(
      async () => {
        const { agents } = await host.ask('status', {});
        const isLive = (name: string) => agents.some((agent) => agent.name === name && agent.version !== null);
        return [
          ...agents.flatMap(({ name, problem }) =>
            problem && !AT_LOAD.some((one) => one.name === name) ? problem : [],
          ),
          ...RUN.filter(({ name }) => !isLive(name)).map(({ name }) => name),
        ];
      },
      (missing) => missing.every((one) => typeof one !== 'string'),
    );
    const waiting = [...RUN];
    const lane = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await attack(next);
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await host?.leave();
  });

  it.each(RUN.map((one) => [one.what, one] as const))(
    'a plugin that %s gets nothing',
    (_what, { name, jobs: hows = [''] }) => {
      const ended = jobs.get(name)!;
      expect(ended.map(({ state }) => state === 'done' || state === 'dead')).toEqual(hows.map(() => true));
      const got = ended.map(({ result }) => (result as { got?: Record<string, string> } | null)?.got ?? {});
      expect(got).toEqual(hows.map(() => ({})));
    },
  );

  it('files that attack when they are compiled or loaded are problems, or plugins without rights', async () => {
    const isTold = ({ version, problem }: { version: string | null; problem: unknown }) =>
      version !== null || problem !== null;
    const find = async () => {
      const { agents } = await host.ask('status', {});
      return AT_LOAD.map(({ name }) => {
        const found = agents.find((agent) => agent.name === name);
        return { name, is: !found || !isTold(found) ? 'missing' : found.version === null ? 'a problem' : 'live' };
      });
    };
    const found = await host.place.until(find, (all) => all.every(({ is }) => is !== 'missing'));
    expect(found).toEqual(AT_LOAD.map(({ name, isLive }) => ({ name, is: isLive ? 'live' : 'a problem' })));
    for (const { name, isLive } of AT_LOAD) if (isLive) await attack({ name, what: '', body: '' });
  });

  it('its victims missed no slot, and nobody else’s end was forged', async () => {
    const now = Date.now();
    for (const name of ['victim', 'shared-victim']) {
      await noSecondIsMissing(host.place, name, now);
      for (const { state, slot, startedAt, result } of await host.ask('jobs', { agent: name, limit: 500 })) {
        if (state !== 'done') continue;
        expect(result).toBe(slot);
        expect(Date.parse(startedAt!) - Date.parse(slot!)).toBeLessThan(LATE_MS);
      }
    }
    expect(await host.ask('jobs', { agent: 'ops' })).toMatchObject([{ state: 'running' }]);
    const sunk = await host.ask('jobs', { agent: 'sink', limit: 500 });
    expect(sunk.filter(({ state, result }) => state === 'done' && result !== null)).toEqual([]);
  });

  it('it is the host that it was, and nothing arrived or was left outside', async () => {
    expect(host.place.host()).toEqual({ pid: at.hostPid });
    expect(isRunning(guardian)).toBe(true);
    expect(host.place.said().stderr).toBe('');
    expect(arrived).toEqual([]);
    expect(filesOutside()).toEqual(outside);
  });

  it('no answer, file or row has what belongs to somebody else', async () => {
    const { place, ask } = host;
    const { folder } = place;
    said.status = JSON.stringify(await ask('status', {}));
    for (const { id } of await ask('incidents', { limit: 500 }))
      said[id] = JSON.stringify(await ask('incident', { id }));
    for (const { name } of [...RUN, ...AT_LOAD])
      for (const { id } of jobs.has(name) ? jobs.get(name)! : []) said[id] = JSON.stringify(await ask('job', { id }));
    for (const args of [
      ['status'],
      ['status', '--json'],
      ['logs', '-n', '5000'],
      ['logs', '-n', '5000', '--json'],
      ['incidents'],
      ['dlq', '--json'],
      ['agents'],
    ]) {
      const { stdout, stderr } = await place.daruma(...args);
      said[args.join(' ')] = stdout + stderr;
    }
    expect(said.status).toContain('forges-names');
    expect(Object.entries(said).flatMap(([where, text]) => hitsIn(where, text, FORMS))).toEqual([]);
    for (const args of ['status', 'logs -n 5000', 'agents']) expect(said[args]).not.toContain('\u001b[2J');
    const lines = JSON.parse(said['logs -n 5000 --json']!) as { agent?: string; msg?: string }[];
    const forged = lines.filter(({ msg }) => msg?.includes('FORGED'));
    expect(forged.map(({ agent }) => agent)).toEqual(forged.map(() => 'forges-names'));

    const rows = storedTexts(join(folder, 'data/daruma.db'), new Set());
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.flatMap((text) => hitsIn('store', text, FORMS))).toEqual([]);
    expect(hitsBelow(folder, FORMS, /^(?:\.env$|config\/|data\/daruma\.db)/)).toEqual([]);
  });

  it('a file that loops when it is loaded ends with host and builder, which are killed at the same time', async () => {
    const { place } = host;
    place.write('plugins/loops.ts', 'for (;;);\n');
    const pidsOf = (part: string) =>
      processesOf(place.folder).flatMap((line) => (line.includes(part) ? Number.parseInt(line, 10) : []));
    const [loops] = await place.until(
      async () => pidsOf('builder/loader.js').filter((pid) => cpuMs(pid) > 400),
      ({ length }) => length > 0,
    );
    for (const pid of [guardian, at.hostPid, ...pidsOf('builder/process.js')]) process.kill(pid, 'SIGKILL');
    await place.until(
      async () => processesOf(place.folder).filter((line) => !/^\d+ [ZX]/.test(line)),
      ({ length }) => length === 0,
    );
    expect(isRunning(loops!)).toBe(false);
  });
});

/** CPU time of a process; 0 when it is gone. */
function cpuMs(pid: number): number {
  try {
    const [, user, system] = /\) \S+(?: \S+){10} (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
    return 10 * (Number(user) + Number(system));
  } catch {
    return 0;
  }
}
