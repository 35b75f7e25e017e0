import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExecOrder } from '../../src/gateway/exec/ports.ts';
import type { ExecResult } from '../../src/plugin/context.ts';
import { requiredProgram } from '../programs.ts';
import { tempFolder } from './world.ts';

const NOBODY = 65_534;
const USERS: [string, number | undefined][] =
  process.getuid?.() === 0
    ? [
        ['root', undefined],
        ['another user', NOBODY],
      ]
    : [['this user', undefined]];

type Orders = Record<string, Partial<ExecOrder>>;
type Results = { fence?: string; refused?: { code: string; next: string } } & Record<string, ExecResult>;

interface Host {
  fence: 'auto' | 'bwrap' | 'none';
  uid?: number | undefined;
  /** Whether the machine's bubblewrap is taken away. */
  withoutBwrap?: boolean;
}

/** What commands of a host in a process of its own came to; the host has SECRET_OF_HOST in its environment. */
async function resultsOf({ fence, uid, withoutBwrap }: Host, orders: Orders): Promise<Results> {
  const bwrap = requiredProgram('bwrap');
  const script = join(import.meta.dirname, 'fenced-host.ts');
  const words = [
    process.execPath,
    '--no-warnings',
    script,
    JSON.stringify({ folder: tempFolder(), fence, uid, orders }),
  ];
  const hiding = ['--dev-bind', '/', '/', '--ro-bind', '/dev/null', realpathSync(bwrap), '--'];
  const [program, ...args] = withoutBwrap ? [bwrap, ...hiding, ...words] : words;
  const env = { PATH: process.env.PATH, TOKEN: 'SECRET_OF_HOST' };
  const { stdout } = await promisify(execFile)(program!, args, { env, maxBuffer: 8 * 1024 * 1024 });
  return JSON.parse(stdout) as Results;
}

const sh = (script: string, more: Partial<ExecOrder> = {}): Partial<ExecOrder> => ({ args: ['-c', script], ...more });
const js = (script: string, more: Partial<ExecOrder> = {}): Partial<ExecOrder> => {
  return { command: process.execPath, args: ['-e', script], ...more };
};
const ALL = { exec: ['*'], read: [], write: ['.'] };
const connect = (to: string) =>
  `require('net').connect(${to}).on('data', (d) => console.log(String(d))).on('error', (e) => console.log(e.code))`;

/** Attacks: the word SECRET in the output of one is the end of it. */
const ATTACKS: Orders = {
  environ: sh('cat /proc/@HOST@/environ /proc/@BROKER@/environ /proc/$PPID/environ /proc/1/environ'),
  everyEnviron: sh('cat /proc/[0-9]*/environ'),
  memory: sh('cat /proc/@HOST@/maps && echo SECRET; ls /proc/@HOST@/fd /proc/@HOST@/root/ && echo SECRET; true'),
  secrets: sh('cat @FOLDER@/.env @FOLDER@/other/file'),
  secretsOfAll: sh('cat @FOLDER@/.env', { needs: ALL }),
  store: sh('cat @FOLDER@/data/daruma.db', { needs: ALL }),
  token: sh('cat @FOLDER@/data/run/control.sock.token @FOLDER@/data/run/*', { needs: ALL }),
  upAndIn: sh('cat ../../../control.sock.token ../../../../../.env'),
  planted: sh('ln -s @FOLDER@/.env link; cat link; ln @FOLDER@/.env hard; cat hard', { needs: ALL }),
  moved: sh('mv @FOLDER@/data/run @FOLDER@/empty/ && cat @FOLDER@/empty/run/control.sock.token', { needs: ALL }),
  socket: js(connect("'@FOLDER@/data/run/control.sock'")),
  socketOfAll: js(connect("'@FOLDER@/data/run/control.sock'"), { needs: ALL }),
  abstractSocket: js(connect("'\\0daruma-@HOST@'")),
  abstractSocketWithNet: js(connect("'\\0daruma-@HOST@'"), { network: { connect: 'any', listen: [] } }),
  network: js(connect("@PORT@, '127.0.0.1'")),
  signal: sh('kill -0 @HOST@ && echo SECRET; kill -0 @BROKER@ && echo SECRET; true'),
  sight: sh('cat /proc/@HOST@/cmdline /proc/@HOST@/status && echo SECRET; true'),
  temporary: sh(`ls ${tmpdir()} | grep of-the-machine && echo SECRET; true`),
  passwords: sh('cat /etc/shadow && echo SECRET; true'),
  system: sh('for f in /usr /etc /bin; do (echo > $f/daruma-attack) && echo SECRET; done; true'),
  core: sh('ulimit -c | grep -v "^0$" && echo SECRET; true'),
  scratchOfOthers: sh('[ $(ls -d @FOLDER@/data/run/exec/* | wc -l) -gt 1 ] && echo SECRET; true', { job: 'j2' }),
};

const GRANTED: Orders = {
  read: sh('cat @FOLDER@/site/page; echo changed > @FOLDER@/site/page || echo kept'),
  write: sh('echo new > @FOLDER@/empty/file && cat @FOLDER@/empty/file'),
  cwd: sh('pwd; echo scratch > note && cat note', {}),
  temporary: sh('f=$(mktemp) && echo $TMPDIR > $f && [ "$(cat $f)" = "$TMPDIR" ] && echo done'),
  home: sh('[ -w "$HOME" ] && echo done'),
  program: js("console.log('a program of its own')"),
  network: js(connect("@PORT@, '127.0.0.1'"), { network: { connect: 'any', listen: [] } }),
  pipe: sh('yes | head -n 1; cat /dev/null; echo x > /dev/null; head -c 3 /dev/zero | wc -c'),
};

const ENDS: readonly [string, Partial<ExecResult>][] = [
  ['exit 0', { code: 0, signal: null }],
  ['exit 3', { code: 3, signal: null }],
  ['exit 126', { code: 126, signal: null }],
  ['exit 129', { code: 129, signal: null }],
  ['exit 137', { code: 137, signal: null }],
  ['exit 255', { code: 255, signal: null }],
  ['kill -9 $$', { code: null, signal: 'SIGKILL' }],
  ['kill -TERM $$', { code: null, signal: 'SIGTERM' }],
  ['kill -INT $$', { code: null, signal: 'SIGINT' }],
  ['kill -PIPE $$', { code: null, signal: 'SIGPIPE' }],
  ['kill -SEGV $$', { code: null, signal: 'SIGSEGV' }],
  ['echo out; echo err >&2; exit 1', { code: 1, stdout: 'out\n', stderr: 'err\n' }],
];

describe.each(USERS)('a command of a host that runs as %s', (_, uid) => {
  it.each([
    ['bubblewrap', 'bwrap', false],
    ["the kernel's own fences, without bubblewrap,", 'kernel', true],
  ])(
    'behind %s reads no secret, reaches no socket and sees no other process; what is granted works',
    async (_, fence, withoutBwrap) => {
      const ends = Object.fromEntries(ENDS.map(([script]) => [script, sh(script)]));
      const granted = Object.fromEntries(Object.entries(GRANTED).map(([name, order]) => [`may ${name}`, order]));
      const results = await resultsOf({ fence: 'auto', uid, withoutBwrap }, { ...ATTACKS, ...granted, ...ends });
      expect(results.fence).toBe(fence);
      for (const name of Object.keys(ATTACKS)) {
        expect(results[name], name).toMatchObject({ stdout: expect.any(String) });
        expect(`${results[name]!.stdout}${results[name]!.stderr}`, name).not.toMatch(/SECRET|from the network/);
      }
      const outputs = Object.fromEntries(Object.keys(granted).map((name) => [name, results[name]?.stdout]));
      expect(outputs).toEqual({
        ...{
          'may read': 'a page' + 'kept\n',
          'may write': 'new\n',
          'may cwd': expect.stringMatching(/\/work\nscratch\n$/),
        },
        ...{ 'may temporary': 'done\n', 'may home': 'done\n', 'may program': 'a program of its own\n' },
        ...{ 'may network': 'from the network\n', 'may pipe': 'y\n3\n' },
      });
      for (const [script, end] of ENDS) expect(results[script], script).toMatchObject(end);
    },
    60_000,
  );

  it('without a fence does what its user may: the attacks are attacks', async () => {
    // But those whose success takes the others' aim away, or harms the machine.
    const { moved: _moved, system: _system, ...attacks } = ATTACKS;
    const { fence, ...results } = await resultsOf({ fence: 'none', uid }, attacks);
    expect(fence).toBe('none');
    const done = Object.keys(results).filter((name) => /SECRET|from the network/.test(results[name]!.stdout));
    expect(done).toEqual(
      expect.arrayContaining(['secretsOfAll', 'store', 'token', 'socket', 'network', 'signal', 'sight']),
    );
    // A host that is no root keeps its environment to itself.
    if (uid === undefined && process.getuid?.() === 0) expect(done).toContain('environ');
    else expect(done).not.toContain('environ');
  });
});

it('a host that is told to use bubblewrap does not start without it, and says what to install', async () => {
  const { refused } = await resultsOf({ fence: 'bwrap', withoutBwrap: true }, {});
  expect(refused).toMatchObject({
    code: 'EXEC_FENCE_MISSING',
    next: expect.stringContaining('apt-get install bubblewrap'),
  });
});

beforeAll(() => {
  // A file of the machine's own /tmp that no command is to see.
  const folder = mkdtempSync(join(tmpdir(), 'of-the-machine-'));
  writeFileSync(join(folder, 'file'), '');
  return () => rmSync(folder, { recursive: true });
});
