import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeHandleClass, type OwnDescriptors } from '../../src/kernel/file-handles.ts';

const folder = mkdtempSync(join(tmpdir(), 'daruma-handles-'));
const own: OwnDescriptors = {};
const guarded = { ...fsPromises };
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
/** A handle that was opened behind the guard's back. */
let foreign: fsPromises.FileHandle;
/** Closes it, as Node's own method does. */
let closeForeign: () => Promise<void>;

// The class is one for all of this process, and is guarded once, as in a worker.
beforeAll(async () => {
  foreign = await fsPromises.open(write('foreign', 'not yours'));
  closeForeign = foreign.close.bind(foreign);
  const handles = await closeHandleClass(write('any', ''));
  handles.guard(guarded, own, 'agent a');
});
afterAll(async () => {
  await closeForeign();
  rmSync(folder, { recursive: true });
});

const REFUSED = {
  code: 'NOT_ALLOWED',
  message: 'a file handle was not opened by agent a, or is closed',
  plain: expect.objectContaining({ next: 'open the file by its path, and close it by its handle' }),
};
const symbolOf = (handle: object, name: string) =>
  Object.getOwnPropertySymbols(handle).find(({ description }) => description === name)!;

describe('a handle that open gave', () => {
  it('reads and writes, also where a function takes it in place of a path', async () => {
    const file = write('mine', 'first');
    const handle = await guarded.open(file, 'r+');
    expect(own[handle.fd]).toBe('handle');
    expect(await handle.readFile('utf8')).toBe('first');
    await handle.truncate(0);
    await handle.write('second', 0);
    expect(readFileSync(file, 'utf8')).toBe('second');
    expect(await guarded.readFile(await guarded.open(file), 'utf8')).toBe('second');
    await guarded.appendFile(handle, '!');
    await guarded.writeFile(handle, '?');
    await handle.close();
    expect(readFileSync(file, 'utf8')).toBe('secon!?');
  });

  it('is nobody’s any more when it is closed, with a descriptor that belongs to whoever opens next', async () => {
    const handle = await guarded.open(write('closed', 'text'));
    const { fd } = handle;
    await handle.close();
    expect(handle.fd).toBe(-1);
    expect(own[fd]).toBeUndefined();
    await expect(guarded.readFile(handle)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  });

  it('works on its own descriptor, whatever is written into it', async () => {
    const handle = await guarded.open(write('kept', 'kept'));
    const { fd } = handle;
    const parts = handle as unknown as Record<symbol, unknown>;
    const [ofFd, ofRaw] = [symbolOf(handle, 'kFd'), symbolOf(handle, 'kHandle')];
    const raw = parts[ofRaw];
    parts[ofFd] = foreign.fd;
    parts[ofRaw] = (foreign as unknown as Record<symbol, unknown>)[ofRaw];
    expect(handle.fd).toBe(fd);
    expect(parts[ofRaw]).toBe(raw);
    expect(await handle.readFile('utf8')).toBe('kept');
    await handle.close();
  });

  it('is refused when its descriptor was closed by another function', async () => {
    const handle = await guarded.open(write('by-number', 'text'));
    const { fd } = handle;
    own[fd] = true;
    expect(() => handle.stat()).toThrow(expect.objectContaining(REFUSED));
    expect(() => guarded.readFile(handle)).toThrow(expect.objectContaining(REFUSED));
    own[fd] = 'handle';
    await handle.close();
  });
});

describe('a handle that open did not give', () => {
  it('does nothing by its methods, nor its class by a constructor', () => {
    for (const call of [() => foreign.readFile(), () => foreign.stat(), () => foreign.write('x')])
      expect(call).toThrow(expect.objectContaining(REFUSED));
    const raw = (foreign as unknown as Record<symbol, object>)[symbolOf(foreign, 'kHandle')]!;
    for (const one of [foreign, raw]) {
      const made = (one as { constructor: unknown }).constructor as () => unknown;
      expect(() => made()).toThrow(expect.objectContaining(REFUSED));
    }
  });

  it('is taken for a path by the functions of the module, which it is not', async () => {
    for (const call of [
      () => guarded.readFile(foreign),
      () => guarded.writeFile(foreign, 'x'),
      () => guarded.appendFile(foreign, 'x'),
    ])
      await expect(async () => call()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(readFileSync(join(folder, 'foreign'), 'utf8')).toBe('not yours');
  });
});

describe('a path', () => {
  it('is a text, bytes or a URL, as before', async () => {
    const file = write('path', 'by path');
    for (const path of [file, Buffer.from(file), pathToFileURL(file)])
      expect(await guarded.readFile(path, 'utf8')).toBe('by path');
    await expect(async () => guarded.readFile(null as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await guarded.writeFile(file, 'more');
    await guarded.appendFile(file, '!');
    expect(readFileSync(file, 'utf8')).toBe('more!');
  });

  it('that cannot be opened is refused by the system', async () => {
    await expect(guarded.open(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
