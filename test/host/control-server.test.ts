import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { tokenFile } from '../../src/control/token.ts';
import { type ControlServer, serveControl } from '../../src/host/api/control-server.ts';
import type { OpCall } from '../../src/host/api/handlers.ts';
import type { Audit } from '../../src/host/audit.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createScrubber } from '../../src/kernel/scrub.ts';

let folder: string;
let path: string;
let server: ControlServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-control-'));
  path = join(folder, 'run/control.sock');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** The waits of the server, which a test ends by hand. */
const waits = new Map<number, () => void>();
const clock = {
  after(ms: number, call: () => void) {
    waits.set(ms, call);
    return () => void (waits.get(ms) === call && waits.delete(ms));
  },
};
/** The operations wait for it. */
let hold: Promise<void> | undefined;
const acts: unknown[] = [];
const audit: Pick<Audit, 'of'> = {
  async of(by, act, outcome) {
    acts.push({ ...by(), ...act });
    return outcome;
  },
};
const asked: unknown[] = [];
const roles: string[] = [];
const serve = async (owner = process.geteuid?.()) => {
  asked.length = 0;
  acts.length = 0;
  roles.length = 0;
  const operations = {
    async ask(op: unknown, _args: unknown, { role }: OpCall) {
      asked.push(op);
      await hold;
      roles.push(role);
      return op === 'ping' ? { pid: 1, about: 's3cr3t-value' } : null;
    },
  };
  server = await serveControl(path, {
    operations,
    audit,
    log: silentLog,
    scrub: createScrubber(['s3cr3t-value']),
    owner,
    time: clock,
  });
};
const codeOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
    return 'fine';
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.code : String(thrown);
  }
};
const ping = async (owner?: number) => {
  const client = await connectControl(path, owner);
  try {
    return await client.ask('ping', {});
  } finally {
    client.close();
  }
};

it('knows the user of each client by the kernel, and the kind of client by its own word', async () => {
  await serve();
  for (const via of ['cli', undefined, 'No Kind']) {
    const client = await connectControl(path, undefined, via);
    await client.ask('pauseAll', {});
    client.close();
  }
  const act = { who: userInfo().username, role: 'operator', operation: 'pauseAll', args: {} };
  expect(acts).toEqual([
    { ...act, via: 'cli' },
    { ...act, via: 'socket' },
    { ...act, via: 'socket' },
  ]);
});

describe('the token', () => {
  it('lies beside the socket for its user alone, differs from run to run, and goes with the host', async () => {
    mkdirSync(join(folder, 'run'), { mode: 0o700 });
    writeFileSync(tokenFile(path), 'of a host that was killed', { mode: 0o644 });
    await serve();
    const first = readFileSync(tokenFile(path), 'utf8');
    expect(first.length).toBeGreaterThan(40);
    expect(statSync(tokenFile(path)).mode & 0o777).toBe(0o600);
    await server!.close();
    expect(() => readFileSync(tokenFile(path))).toThrow('ENOENT');
    await serve();
    expect(readFileSync(tokenFile(path), 'utf8')).not.toBe(first);
  });

  it('is carried by each request of a client, and what does not have it is refused and done by nobody', async () => {
    await serve();
    expect(await ping()).toEqual({ pid: 1, about: '[secret]' });
    expect(asked).toEqual(['ping']);
    for (const token of ['', 'guessed', readFileSync(tokenFile(path), 'utf8').slice(0, -1)]) {
      writeFileSync(tokenFile(path), token);
      expect(await codeOf(ping())).toBe('TOKEN_WRONG');
    }
    rmSync(tokenFile(path));
    expect(await codeOf(ping())).toBe('TOKEN_WRONG');
    expect(asked).toEqual(['ping']);
    server!.tokenAgain();
    expect(await codeOf(ping())).toBe('fine');
  });

  it('says the role of a client, and that of a reader does not lead to that of an operator', async () => {
    await serve();
    vi.stubEnv('DARUMA_ROLE', 'reader');
    expect(await codeOf(ping())).toBe('fine');
    vi.unstubAllEnvs();
    expect(await codeOf(ping())).toBe('fine');
    expect(roles).toEqual(['reader', 'operator']);
    const [operator, reader] = [tokenFile(path), tokenFile(path, 'reader')].map((file) => readFileSync(file, 'utf8'));
    expect(statSync(tokenFile(path, 'reader')).mode & 0o777).toBe(0o600);
    expect(reader).not.toContain(operator);
    await server!.close();
    expect(() => readFileSync(tokenFile(path, 'reader'))).toThrow('ENOENT');
  });

  it('is not read from where a link leads', async () => {
    await serve();
    const token = readFileSync(tokenFile(path), 'utf8');
    writeFileSync(join(folder, 'elsewhere'), token);
    rmSync(tokenFile(path));
    symlinkSync(join(folder, 'elsewhere'), tokenFile(path));
    expect(await codeOf(ping())).toBe('TOKEN_WRONG');
  });
});

describe('a place that another user controls', () => {
  const isRoot = process.geteuid?.() === 0;
  const NOBODY = 65_534;

  it.runIf(isRoot)('is no place for a host to listen, nor for a client to ask', async () => {
    mkdirSync(join(folder, 'run'), { mode: 0o700 });
    chownSync(join(folder, 'run'), NOBODY, NOBODY);
    expect(await codeOf(serve(0))).toBe('SOCKET_FOREIGN');
    expect(await codeOf(connectControl(path))).toBe('HOST_DOWN');
    chownSync(join(folder, 'run'), 0, 0);
    await serve(0);
    chownSync(join(folder, 'run'), NOBODY, NOBODY);
    expect(await codeOf(ping())).toBe('SOCKET_FOREIGN');
    chownSync(join(folder, 'run'), 0, 0);
    chownSync(path, NOBODY, NOBODY);
    expect(await codeOf(ping())).toBe('SOCKET_FOREIGN');
    // Root may ask the host of the user whose the installation is.
    expect(await codeOf(ping(NOBODY))).toBe('fine');
  });

  it('is refused when others may write into it, or when it is a link', async () => {
    mkdirSync(join(folder, 'run'));
    chmodSync(join(folder, 'run'), 0o777);
    expect(await codeOf(serve())).toBe('SOCKET_FOREIGN');
    chmodSync(join(folder, 'run'), 0o1777);
    await serve();
    chmodSync(join(folder, 'run'), 0o777);
    expect(await codeOf(ping())).toBe('SOCKET_FOREIGN');
    chmodSync(join(folder, 'run'), 0o1777);
    expect(await codeOf(ping())).toBe('fine');
    symlinkSync(join(folder, 'run'), join(folder, 'link'));
    expect(await codeOf(connectControl(join(folder, 'link/control.sock')))).toBe('SOCKET_FOREIGN');
    symlinkSync(path, join(folder, 'run/other.sock'));
    expect(await codeOf(connectControl(join(folder, 'run/other.sock')))).toBe('SOCKET_FOREIGN');
  });

  it('is left to the system where nobody is there, or may look', async () => {
    expect(await codeOf(connectControl(path))).toBe('HOST_DOWN');
  });
});

it('takes no socket from a process that listens there, and leaves its token alone', async () => {
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(path, resolve));
  writeFileSync(tokenFile(path), 'its token');
  expect(await codeOf(serve())).toBe('SOCKET_TAKEN');
  expect(readFileSync(tokenFile(path), 'utf8')).toBe('its token');
  await new Promise((resolve) => other.close(resolve));
});

describe('a client that', () => {
  /** A client of its own words. */
  async function stranger(words: string) {
    const socket = connect(path);
    await once(socket, 'connect');
    const answers: string[] = [];
    socket.setEncoding('utf8').on('data', (text) => answers.push(String(text)));
    socket.on('error', () => {});
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(words);
    return { socket, answers, gone, answer: () => vi.waitFor(() => expect(answers.join('')).toContain('\n')) };
  }
  const request = (id: number) => `${JSON.stringify({ id, op: 'ping', args: {}, token: token() })}\n`;
  const token = () => readFileSync(tokenFile(path), 'utf8');

  it.each([
    ['nested', `{"id":1,"args":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'nested more than'],
    ['of many values', `{"id":1,"args":[${'0,'.repeat(600_000)}0]}`, 'more than 500000 values'],
    ['of nothing', '\u0000\u0001 garbage', 'is no request'],
    ['of another kind', '[1,2]', 'is no request'],
  ])('sends a line %s hears why, and a neighbour is answered', async (_, line, why) => {
    await serve();
    const bad = await stranger(`${line}\n`);
    await bad.answer();
    expect(JSON.parse(bad.answers.join(''))).toMatchObject({ ok: false, error: { code: 'REQUEST_INVALID' } });
    expect(bad.answers.join('')).toContain(why);
    expect(asked).toEqual([]);
    await expect(ping()).resolves.toMatchObject({ pid: 1 });
    bad.socket.destroy();
  });

  it('sends a line without an end loses its connection', async () => {
    await serve();
    const bad = await stranger('x'.repeat(8 * 1024 * 1024 + 1));
    await bad.gone;
    await expect(ping()).resolves.toMatchObject({ pid: 1 });
  });

  /** The time of a deadline, and of the look at what has come by then. */
  async function isLate(ms: number) {
    waits.get(ms)!();
    await vi.waitFor(() => expect(waits.has(100)).toBe(true));
    waits.get(100)!();
  }

  it('is silent, or slow in a line, loses its connection; once it has said who it is, it may be silent', async () => {
    await serve();
    const silent = await stranger('');
    await vi.waitFor(() => expect(waits.has(10_000)).toBe(true));
    await isLate(10_000);
    await silent.gone;
    const slow = await stranger(`${request(1)}{"id":`);
    await slow.answer();
    await vi.waitFor(() => expect(waits.has(30_000)).toBe(true));
    expect(waits.has(10_000)).toBe(false);
    await isLate(30_000);
    await slow.gone;
    await expect(ping()).resolves.toMatchObject({ pid: 1 });
  });

  it('is heard when its words came in time, and the host had no processor to read them', async () => {
    await serve();
    const late = await stranger('');
    await vi.waitFor(() => expect(waits.has(10_000)).toBe(true));
    waits.get(10_000)!();
    expect(waits.has(100)).toBe(true);
    late.socket.write(request(1));
    await late.answer();
    expect(waits.has(100)).toBe(false);
    late.socket.destroy();
  });

  it('has 1,024 requests under way is refused more', async () => {
    await serve();
    const held = Promise.withResolvers<void>();
    hold = held.promise;
    const busy = await stranger(Array.from({ length: 1_025 }, (_, index) => request(index + 1)).join(''));
    await busy.answer();
    expect(JSON.parse(busy.answers.join('').split('\n')[0]!)).toMatchObject({
      id: 1025,
      error: { code: 'TOO_MANY_REQUESTS' },
    });
    hold = undefined;
    held.resolve();
    await vi.waitFor(() => expect(busy.answers.join('').trim().split('\n')).toHaveLength(1_025));
    busy.socket.destroy();
  });
});
