import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

describe('an attempt', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  test('ends done with its result as JSON text, its times and its summary', async () => {
    await world.agent('adds', runs('summary("# sum"); return { sum: job.input.a + job.input.b, of: job.id };'));
    const before = Date.now();
    const outcome = await world.run('adds', { a: 2, b: 3 });
    expect(outcome).toMatchObject({ is: 'done', attempt: 1, summary: '# sum' });
    expect(JSON.parse((outcome as { result: string }).result)).toEqual({ sum: 5, of: outcome.job });
    expect(outcome.startedAt).toBeGreaterThanOrEqual(before);
    expect(outcome.finishedAt).toBeGreaterThanOrEqual(outcome.startedAt);
  });

  test('that returns nothing ends done with null; text and numbers come through as they are', async () => {
    await world.agent('echo', runs('return job.input === null ? undefined : job.input;'));
    expect(await world.run('echo')).toMatchObject({ is: 'done', result: null });
    expect(await world.run('echo', 'grüß 🎎 Gott')).toMatchObject({ result: '"grüß 🎎 Gott"' });
    expect(await world.run('echo', 'x'.repeat(200_000))).toMatchObject({ result: JSON.stringify('x'.repeat(200_000)) });
  });

  test('that throws has failed, at the author’s own line', async () => {
    await world.agent('throws', runs('const need = 3;\n    throw new RangeError("only " + need + " left");'));
    const outcome = await world.run('throws');
    expect(outcome).toMatchObject({ is: 'failed', retry: true });
    const { fault } = outcome as unknown as { fault: Record<string, string> };
    expect(fault).toMatchObject({ code: 'RangeError', message: 'only 3 left', file: 'plugins/throws.ts', line: 7 });
    expect(fault.frame).toMatch(/> 7 \| {5}throw new RangeError/);
    expect(fault.stack).toContain('plugins/throws.ts:7:');
    expect(fault.stack).not.toContain('/versions/');
    expect(fault.stack).not.toContain('workers/inside');
  });

  test.each([
    ['getters', `Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } })`],
    ['traps', `new Proxy(new Error('x'), { get() { throw 2; }, getPrototypeOf() { throw 3; } })`],
    ['names', `Object.defineProperty(new Error('x'), 'name', { get() { throw 4; } })`],
  ])('that throws an error whose %s throw has failed, and its worker goes on', async (name, error) => {
    await world.agent(name, runs(`if (job.input === 'fine') return 1;\n    throw ${error};`));
    expect(await world.run(name)).toMatchObject({
      ...{ is: 'failed', retry: true },
      fault: { code: 'ERROR', message: 'threw something that cannot be read' },
    });
    expect(await world.run(name, 'fine')).toMatchObject({ is: 'done', result: '1' });
    expect(world.ends.filter(({ agent }) => agent === name)).toEqual([]);
  });

  test('may give up, or say when to try again', async () => {
    await world.agent(
      'verdicts',
      runs(`if (job.input === 'up') throw new GiveUp('no such page');
    throw new RetryLater('rate limited', { after: '90s', cause: new Error('429') });`),
    );
    expect(await world.run('verdicts', 'up')).toMatchObject({
      retry: false,
      fault: { code: 'GIVE_UP', message: 'no such page' },
    });
    expect(await world.run('verdicts', 'later')).toMatchObject({
      retry: 90_000,
      fault: { code: 'RETRY_LATER', message: 'rate limited: 429' },
    });
  });

  test.each(['abc', '60', '-5s', '', '1795736000000000s', 7, null])(
    'may name a time that is none (%s): it is told, and the backoff says when',
    async (after) => {
      const name = `bad-after-${String(after).replaceAll(/[^a-z0-9]/g, '') || 'empty'}`;
      await world.agent(
        name,
        runs(`throw new RetryLater('rate limited', { after: ${JSON.stringify(after)} as never });`),
      );
      expect(await world.run(name)).toMatchObject({
        retry: true,
        fault: { code: 'RETRY_AFTER_INVALID', message: expect.stringMatching(/^rate limited \(RetryLater: after /) },
      });
    },
  );

  test.each([
    ['a cycle', 'const a = {}; a.a = a; return a;', 'NOT_JSON'],
    ['a BigInt', 'return { big: 12n };', 'NOT_JSON'],
    ['a function', 'return () => 1;', 'NOT_JSON'],
    ['a function inside', 'return { call() {} };', 'NOT_JSON'],
    ['more than 1 MB', 'return "x".repeat(1024 * 1024);', 'TOO_LARGE'],
    ['a thrown nothing', 'throw null;', 'ERROR'],
    ['a thrown text', 'throw "plain";', 'ERROR'],
  ])('that returns %s has failed with a sentence that says so', async (what, body, code) => {
    // A name of its own: until a new version's worker is ready, the old one goes on serving its agent.
    const name = `odd-${what.toLowerCase().replaceAll(' ', '-')}`;
    await world.agent(name, runs(body));
    const outcome = await world.run(name);
    const helps = code === 'ERROR';
    expect(outcome).toMatchObject({ is: 'failed', retry: helps, fault: { code, file: `plugins/${name}.ts`, line: 4 } });
    expect((outcome as { fault: { message: string } }).fault.message.length).toBeGreaterThan(10);
  });

  test('of a plugin that cannot be loaded has failed with the reason, once a load', async () => {
    await world.agent('broken', `import { definePlugin } from 'daruma';\nconst x: any = undefined;\nx.y();\n`);
    const outcome = await world.run('broken');
    expect(outcome).toMatchObject({ fault: { code: 'BOOT_FAILED', file: 'plugins/broken.ts', line: 3 }, retry: true });
    expect(world.workers.capacity('broken')).toBe(0);
    expect(world.ends.at(-1)).toMatchObject({ agent: 'broken', because: { code: 'BOOT_FAILED' } });
    await world.until('its pause to end', () => world.workers.capacity('broken') === 1);
    await world.agent('empty', 'export default 5;');
    expect(await world.run('empty')).toMatchObject({
      fault: { code: 'BOOT_FAILED', data: { cause: 'NO_PLUGIN' }, next: 'write: export default definePlugin({ … })' },
    });
  });

  test('gets settings parsed by the plugin’s schema; those that do not fit are told by name', async () => {
    const source = runs('return settings;', 'settings: z.strictObject({ n: z.number().default(7) }),');
    await world.agent('settled', source, { settings: {} });
    expect(await world.run('settled')).toMatchObject({ result: '{"n":7}' });
    await world.agent('unsettled', source, { settings: { n: 'x' } });
    expect(await world.run('unsettled')).toMatchObject({
      fault: { code: 'BOOT_FAILED', message: expect.stringContaining('settings.n: ') },
    });
  });

  test('that never gets ready is killed after the time for it', async () => {
    const slow = await createWorld({ bootMs: 150 });
    await slow.agent('endless', `setInterval(() => {}, 1000);\nawait new Promise(() => {});\nexport default 1;`);
    expect(await slow.run('endless')).toMatchObject({ fault: { code: 'BOOT_FAILED' } });
    await slow.close();
  });
});
