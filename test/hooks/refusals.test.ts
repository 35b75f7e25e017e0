import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRefusals, type Refusals, readRefusals } from '../../src/host/hooks/refusals.ts';
import { MB } from '../../src/kernel/measures.ts';

let folder: string;
let now: number;
let refusals: Refusals;
const warned: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-refusals-'));
  now = 1_795_000_000_000;
  const time = { now: () => now, monotonic: () => now };
  refusals = createRefusals({ time, log: { warn: (text) => void warned.push(text) }, folder });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kept = async () => (await readRefusals(folder)).map(({ message }) => message);
const keep = (message: string, isProven: boolean, body: Uint8Array = Buffer.from('{}')) =>
  refusals.keep({ agent: 'a', reason: 'X', message, headers: { authorization: 'Bearer s' } }, body, isProven);

it('strangers write twenty at once and then one a minute, and displace nothing that is proven', async () => {
  await keep('proven', true);
  for (let at = 0; at < 30; at++) await keep(`flood ${at}`, false);
  expect(await kept()).toHaveLength(21);
  for (let at = 0; at < 120; at++) {
    now += 60_000;
    await keep(`later ${at}`, false);
  }
  const all = await kept();
  expect(all).toHaveLength(101);
  expect([all[0], all.at(-1)]).toEqual(['later 119', 'proven']);
});

it('bodies are bounded together, the oldest goes first, and no secret is on disk', async () => {
  for (const message of ['one', 'two', 'three']) {
    now += 1_000;
    await keep(message, true, Buffer.alloc(7 * MB));
  }
  expect(await kept()).toEqual(['three', 'two']);
  expect(readdirSync(join(folder, 'data/deliveries'))).toHaveLength(4);
  const [{ id, headers } = { id: '', headers: undefined }] = await readRefusals(folder);
  expect(headers).toEqual({});
  expect((await refusals.get(id))?.body).toHaveLength(7 * MB);
  await refusals.remove(id);
  expect(await refusals.get(id)).toBeUndefined();
});

it('an id leads to no other file, and a folder that cannot be written costs the record alone', async () => {
  await keep('one', true);
  writeFileSync(join(folder, 'data/deliveries/refused-00000000000.json'), '{');
  expect(await kept()).toEqual(['one']);
  expect(await refusals.get('../deliveries/refused-00000000000')).toBeUndefined();
  rmSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data'), '');
  await keep('two', true);
  expect(warned).toEqual(['a refused delivery could not be kept']);
});
