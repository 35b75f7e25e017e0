import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

/** Handles of `fs.promises.open` in a shared cell, whose channel is descriptor 3: a forged handle on it would read and speak for all. */
describe('a handle of a file', () => {
  let world: World;
  let last = 0;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  const HEAD = `const fs: any = await import('node:fs'); const self = new URL(import.meta.url);
    const symbols = (of: object, name: string) => Object.getOwnPropertySymbols(of).find((one) => one.description === name)!;`;
  const reaches = `const stat = await forged.stat(); return 'REACHED ' + (stat.isSocket() || stat.isFIFO());`;

  async function ended(body: string) {
    const name = `handles-${++last}`;
    await world.agent(name, runs(`${HEAD}\n${body}`), { limits: { attempts: 1, timeoutMs: 8_000 } });
    return world.run(name);
  }

  test.each([
    [
      'of the raw class',
      `const true_ = await fs.promises.open(self); const forged = new true_.constructor(new (true_[symbols(true_, 'kHandle')].constructor)(3)); ${reaches}`,
    ],
    [
      'of a raw class that is told by a hook',
      `const { createHook } = await import('node:async_hooks'); let Raw: any;
      const hook = createHook({ init(_id, type, _by, raw: any) { if (type === 'FILEHANDLE') Raw ??= raw.constructor; } }).enable();
      const true_ = await fs.promises.open(self); hook.disable(); const forged = new true_.constructor(new Raw(3)); ${reaches}`,
    ],
    [
      'of an object with a number',
      `const true_ = await fs.promises.open(self); const forged = new true_.constructor({ fd: 3, getAsyncId: () => 1 }); ${reaches}`,
    ],
    [
      'of its own with another number',
      `const forged = await fs.promises.open(self); forged[symbols(forged, 'kFd')] = 3; if (forged.fd === 3) return 'REACHED'; await forged.close();`,
    ],
    [
      'of its own with another raw handle',
      `const forged = await fs.promises.open(self); forged[symbols(forged, 'kHandle')] = { fd: 3, getAsyncId: () => 1 }; if (forged[symbols(forged, 'kHandle')].fd === 3) return 'REACHED';`,
    ],
    [
      'whose methods are called on another object',
      `const true_ = await fs.promises.open(self); const { prototype } = { prototype: Object.getPrototypeOf(true_) };
      const forged: any = { __proto__: prototype, [symbols(true_, 'kRefs')]: 1 }; Object.defineProperty(forged, 'fd', { value: 3 }); ${reaches}`,
    ],
    [
      'that is none, for a function that reads handles',
      `const true_ = await fs.promises.open(self); const forged = Object.create(Object.getPrototypeOf(true_)); Object.defineProperty(forged, 'fd', { value: 3 });
      await fs.promises.writeFile(forged, Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])); return 'REACHED';`,
    ],
    [
      'that is there before the guard has it',
      `let early: any; Object.defineProperty(Promise.prototype, 'constructor', { configurable: true, get() { const it = this; queueMicrotask(() => Promise.resolve().then.call(it, (one: any) => { if (one?.getAsyncId && !early) { early = one; try { one[symbols(one, 'kFd')] = 3; } catch {} } }, () => {})); return Promise; } });
      const forged = await fs.promises.open(self); Object.defineProperty(Promise.prototype, 'constructor', { value: Promise, configurable: true, writable: true }); if (forged.fd === 3) return 'REACHED'; return early ? 'seen' : 'unseen';`,
    ],
    [
      'that is closed, whose number is used again',
      `const handle = await fs.promises.open(self); const { fd } = handle; await handle.close(); fs.fstatSync(fd); return 'REACHED';`,
    ],
    [
      'that is closed by its number and goes on',
      `const forged = await fs.promises.open(self); fs.closeSync(forged.fd); ${reaches}`,
    ],
  ])('%s reaches no descriptor of the cell', async (_what, body) => {
    const outcome = await ended(body);
    if (outcome.is === 'done') expect(outcome.result ?? '').not.toContain('REACHED');
    expect(world.ends.filter(({ because }) => because.code === 'CELL_LOST')).toEqual([]);
  });

  test('works in all the ways that it is made for', async () => {
    const outcome = await ended(`
      const text = (await fs.promises.readFile(self, 'utf8')).length;
      const handle = await fs.promises.open(self);
      const all = [(await handle.readFile('utf8')).length, (await handle.stat()).size, (await handle.read(Buffer.alloc(9), 0, 9, 0)).bytesRead, fs.fstatSync(handle.fd).size];
      await handle.close();
      const lines = await fs.promises.open(self); let count = 0; for await (const _ of lines.readLines()) count++;
      const web = await fs.promises.open(self); for await (const chunk of web.readableWebStream({ autoClose: true })) count += chunk.byteLength;
      const read = await fs.promises.open(self); for await (const chunk of read.createReadStream()) count += chunk.length;
      const given = await fs.promises.open(self); const same = (await fs.promises.readFile(given, 'utf8')).length === text; await given.close(); await given.close();
      return all.every((size) => size === text || size === 9) && count > 2 * text && same ? 'fine' : JSON.stringify([text, all, count, same]);`);
    expect(outcome).toMatchObject({ is: 'done', result: '"fine"' });
  });
});
