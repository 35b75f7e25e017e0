import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WorkerEnd } from '../../src/workers/ports.ts';
import { createWorld, runs, type World } from './world.ts';

const MB = 1024 * 1024;

describe('before a worker is killed', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  const tight = { limits: { timeoutMs: 300, graceMs: 50 } };

  async function endOf(agent: string, body: string, change: object, more?: string): Promise<WorkerEnd> {
    await world.agent(agent, more ? `${more}\n${runs(body)}` : runs(body), change);
    await world.run(agent);
    return world.until(`the end of ${agent}`, () => world.ends.find((end) => end.agent === agent));
  }

  test('for spinning, the line that spins is found', async () => {
    const { evidence, because } = await endOf(
      'spins',
      `log.info('first'); log.warn('second'); beat('row 7'); return search(3);`,
      tight,
      `function search(x: number) {
  let found = x;
  for (;;) {
    found = Math.sqrt(found * 7919) % 1000;
  }
}`,
    );
    expect(because.code).toBe('TIMEOUT');
    expect(evidence).toMatchObject({
      thread: 'spins in JavaScript and lets nothing else run',
      lastBeat: 'row 7',
      lines: [
        { level: 'info', message: 'first' },
        { level: 'warn', message: 'second' },
      ],
      memory: { limitBytes: 128 * MB, childrenBytes: 0 },
    });
    const [hot] = evidence!.hot!;
    // V8 builds the small function into its caller, whose name it then tells.
    expect(hot).toMatchObject({ name: expect.stringMatching(/search|run/), file: 'plugins/spins.ts' });
    expect([3, 4, 12]).toContain(hot!.line);
    expect(hot!.share).toBeGreaterThan(0.5);
    expect(evidence!.tookMs).toBeLessThan(20_000);
  });

  test('of a second time, the exact line is known, because its code is recorded from its start', async () => {
    await world.agent(
      'again',
      `function inner(x: number) {
  return Math.sqrt(x * 7919) % 1000;
}
${runs(`let x = 1;
    while (true) {
      x = inner(x) + 1;
    }`)}`,
      tight,
    );
    for (let times = 1; times <= 2; times++) await world.run('again');
    const ends = await world.until('two ends', () => {
      const own = world.ends.filter(({ agent }) => agent === 'again');
      return own.length === 2 && own;
    });
    expect(ends[0]!.evidence!.hot![0]).toMatchObject({ file: 'plugins/again.ts' });
    const [hot] = ends[1]!.evidence!.hot!;
    expect(hot!.file).toBe('plugins/again.ts');
    expect([2, 10, 11, 12]).toContain(hot!.line);
  });

  test('for an await that never settles, that is said, and no line is blamed', async () => {
    const { evidence } = await endOf('awaits', 'await new Promise(() => {});', {
      limits: { silenceMs: 200, graceMs: 50 },
    });
    expect(evidence!.thread).toBe('waits for a timer, a reply or a promise: its event loop is idle');
    expect(evidence!.hot).toBeUndefined();
  });

  test('for sleep in JavaScript, the line that sleeps is found', async () => {
    const { evidence } = await endOf('sleeps', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);', tight);
    expect(evidence!.thread).toMatch(/^sleeps in JavaScript and lets nothing else run \(futex/);
    expect(evidence!.hot?.[0]).toMatchObject({ file: 'plugins/sleeps.ts', line: 6 });
  });

  test('for native code, it is said that nothing can be asked', async () => {
    const own = { isolation: 'own' as const };
    const pipe = join(world.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const waits = await endOf('reads', `const fs = await import('node:fs'); fs.readFileSync('${pipe}');`, {
      ...tight,
      ...own,
      needs: { read: [pipe] },
    });
    expect(waits.evidence!.thread).toMatch(/^seems to wait in native code.*: it has not answered for \d+ ms$/);
    const computes = await endOf(
      'hashes',
      `const { pbkdf2Sync } = await import('node:crypto'); pbkdf2Sync('x', 'y', 20_000_000, 64, 'sha512');`,
      { ...tight, ...own },
    );
    expect(computes.evidence!.thread).toMatch(/^seems to compute in native code: it has not/);
    expect(computes.evidence!.tookMs).toBeLessThan(20_000);
  });

  test('for memory, the function that holds it is found', async () => {
    const { evidence, because } = await endOf(
      'keeps',
      `for (;;) { for (let i = 0; i < 3_000; i++) remember(i); await new Promise((done) => setTimeout(done, 10)); }`,
      { limits: { memoryBytes: 64 * MB } },
      `const kept: unknown[] = [];
function remember(i: number) {
  kept.push({ i, words: ['a' + i, 'b' + i], at: [i, i + 1, i + 2] });
}`,
    );
    expect(because.code).toBe('OVER_LIMIT');
    const [most] = evidence!.heap!;
    expect(most!.file).toBe('plugins/keeps.ts');
    expect([`remember:2`, `run:8`]).toContain(`${most!.name}:${most!.line}`);
    expect(most!.bytes).toBeGreaterThan(MB);
    expect(evidence!.memory!.heapBytes).toBeGreaterThan(50 * MB);
  });

  test('for buffers at 20 MB a second, it is dead before it is far above the limit', async () => {
    const limit = 60 * MB;
    const end = await endOf(
      'buffers',
      `const kept = []; for (;;) { kept.push(Buffer.alloc(1e6, 1)); beat(String(kept.length)); await new Promise((done) => setTimeout(done, 50)); }`,
      { limits: { memoryBytes: limit } },
    );
    const { heapBytes } = end.evidence!.memory!;
    expect(world.outcomes.at(-1)!.outcome).toMatchObject({ fault: { code: 'OVER_LIMIT' } });
    expect(heapBytes + Number(end.evidence!.lastBeat) * 1e6).toBeLessThan(limit * 1.15);
  });

  test('secrets are blotted out, and all of it stays below 16 KB', async () => {
    const other = await createWorld({ secrets: async () => ({ TOKEN: 'hunter2hunter2' }) });
    await other.agent(
      'tells',
      runs(`for (let i = 0; i < 40; i++) log.info(secrets.TOKEN + ' ü'.repeat(3000));
      beat('with ' + secrets.TOKEN); await new Promise(() => {});`),
      { ...tight, needs: { secrets: ['TOKEN'] } },
    );
    await other.run('tells');
    const { evidence } = await other.until('its end', () => other.ends[0]);
    expect(evidence!.lastBeat).toBe('with [secret]');
    expect(JSON.stringify(evidence)).not.toContain('hunter2');
    expect(evidence!.lines!.length).toBeGreaterThan(5);
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThanOrEqual(16 * 1024);
    await other.close();
  });

  test('nothing delays an end that somebody asked for', async () => {
    await world.agent('wanted', runs(`log.info('begun'); for (;;);`), { limits: { graceMs: 20 } });
    const [given] = world.dispatch('wanted');
    await world.begun('wanted');
    world.workers.abort(given!, { code: 'CANCELLED', message: 'a person cancelled it' });
    await world.outcomeOf(given!);
    expect(world.ends.at(-1)!.evidence).toMatchObject({ tookMs: 0 });
  });
});

describe('of a cell that dies', () => {
  test('the last look at each of its workers is kept', async () => {
    const world = await createWorld();
    await world.agent('victim', runs(`beat('page 9'); log.info('begun'); await new Promise(() => {});`));
    world.dispatch('victim');
    await world.begun('victim');
    await world.until('a look', () => world.readings.some(({ lastBeat }) => lastBeat === 'page 9'));
    process.kill(world.cells()[0]!, 'SIGKILL');
    const { evidence } = await world.until('its end', () => world.ends[0]);
    expect(evidence).toMatchObject({
      lastBeat: 'page 9',
      memory: { heapBytes: expect.any(Number) },
      lines: [{ message: 'begun' }],
    });
    await world.close();
  });
});

describe('processes that an agent owns', () => {
  test('count with its own memory, in readings, against its limit and in the evidence', async () => {
    let job = '';
    const rssBytes = () => (job ? 90 * MB : 10 * MB);
    const world = await createWorld({
      children: () => [{ job: 'j1', attempt: 1, pid: 4242, command: 'convert', rssBytes: rssBytes() }],
    });
    await world.agent('owner', runs(`log.info('begun'); await new Promise(() => {});`), {
      limits: { memoryBytes: 64 * MB },
      needs: { exec: ['convert'] },
    });
    const [given] = world.dispatch('owner');
    await world.begun('owner');
    const reading = await world.until('a reading', () => world.readings.at(-1));
    expect(reading).toMatchObject({ childrenBytes: 10 * MB, job: given!.job, quietMs: expect.any(Number) });
    job = given!.job;
    expect(await world.outcomeOf(given!)).toMatchObject({
      fault: {
        code: 'OVER_LIMIT',
        message: expect.stringContaining('the worker and its processes (90 MB) held'),
        data: { children: 90 * MB },
      },
    });
    const { evidence } = await world.until('its end', () => world.ends[0]);
    expect(evidence).toMatchObject({
      children: [{ pid: 4242, command: 'convert', rssBytes: 90 * MB }],
      memory: { childrenBytes: 90 * MB },
    });
    await world.close();
  });
});
