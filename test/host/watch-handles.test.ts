import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fileId } from '../../src/control/place.ts';
import { type HandlesWatch, watchHandles } from '../../src/host/lifecycle/watch-handles.ts';
import { silentLog } from '../../src/kernel/log.ts';

let folder: string;
let watch: HandlesWatch;
let workerTelemetry: (() => void)[];
const told: string[] = [];
const repaired: string[] = [];
let cannot: Error | undefined;
let ids: Record<string, string | undefined>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-held-'));
  workerTelemetry = [];
  cannot = undefined;
  for (const list of [told, repaired]) list.length = 0;
  for (const name of ['store', 'log']) writeFileSync(join(folder, name), name);
  ids = { store: fileId(join(folder, 'store')), log: fileId(join(folder, 'log')) };
  watch = watchHandles({
    time: {
      now: () => 0,
      monotonic: () => 1,
      random: () => 0,
      sleep: async () => {},
      after(_, call) {
        workerTelemetry.push(call);
        return () => {};
      },
    },
    log: silentLog,
    events: { record: (_, { message }) => void told.push(message) },
    held: () => (['store', 'log'] as const).map((what) => ({ what, path: join(folder, what), id: ids[what] })),
    placeNow: () => folder,
    repair: {
      socket() {},
      token() {},
      'host-file'() {},
      log() {
        if (cannot) throw cannot;
        writeFileSync(join(folder, 'log'), 'anew');
        ids.log = fileId(join(folder, 'log'));
        repaired.push('log');
      },
    },
    again: (why) => void told.push(`again: ${why}`),
    end: ({ code }) => void told.push(`end: ${code}`),
  });
});
afterEach(async () => {
  await watch.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The next look, once it is over: it asks for another one, or says why there is none. */
async function look() {
  const before = workerTelemetry.length;
  workerTelemetry.at(-1)!();
  await vi.waitFor(
    () => expect(workerTelemetry.length > before || told.some((one) => one.startsWith('end'))).toBe(true),
    {
      interval: 1,
    },
  );
}

it('repairs the log that was deleted and tells it; what it repaired is looked at as the new file', async () => {
  await watch.start();
  rmSync(join(folder, 'log'));
  await look();
  await look();
  expect(repaired).toEqual(['log']);
  expect(told).toEqual([`${join(folder, 'log')} was removed while the host had it open; it is made anew`]);
  expect(watch.warnings()).toEqual([]);
});

it('tells once what it cannot repair, as long as it cannot, and forgets it then', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await watch.start();
  rmSync(join(folder, 'log'));
  cannot = new Error('no space');
  await look();
  await look();
  expect(said).toHaveBeenCalledTimes(1);
  expect(watch.warnings()).toMatchObject([{ code: 'LOG_GONE', message: expect.stringContaining('no space') }]);
  cannot = undefined;
  await look();
  expect(watch.warnings()).toEqual([]);
  said.mockRestore();
});

it('ends for a store that is gone in two looks, and not for one that was away for a moment', async () => {
  await watch.start();
  renameSync(join(folder, 'store'), join(folder, 'away'));
  await look();
  renameSync(join(folder, 'away'), join(folder, 'store'));
  await look();
  expect(told).toEqual([]);
  rmSync(join(folder, 'store'));
  await look();
  expect(told).toEqual([]);
  await look();
  expect(told).toEqual(['end: STORE_REMOVED']);
});
