import { expect, test } from 'vitest';
import type { NewJob } from '../../../src/jobs/model.ts';
import { debouncedBy } from '../../../src/kernel/debounce.ts';
import { claimed, freshStore, job, MINUTE, type OpenStore, T0 } from './world.ts';

const PERIOD = 30_000;
const TERMS = { periodMs: PERIOD, timeoutMs: 2 * MINUTE, key: 'shop' };

/** A job of an agent that debounces by the shop. */
function asked(shop: string, more: Partial<NewJob> = {}): NewJob {
  const input = JSON.stringify({ shop, ...(more.key === undefined ? {} : { of: more.key }) });
  return job({ trigger: 'send', input, ...debouncedBy(TERMS, input), ...more });
}

/** Laws of jobs that take the input of further ones over. */
export function debounceLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  test('one job takes the newest input over, and is due a period after it', async () => {
    const [first] = await at(T0).add([asked('north', { input: '{"shop":"north","n":1}', depth: 1 })]);
    expect(first).toMatchObject({ isNew: true });
    const last = asked('north', { input: '{"shop":"north","n":2}', priority: 5, trigger: 'event', depth: 2 });
    expect(await at(T0 + 20_000).add([last])).toEqual([
      { id: first!.id, isNew: false, first: { state: 'queued', queuedAt: T0, sameInput: false, tookOver: true } },
    ]);
    expect(await store().get(first!.id)).toMatchObject({
      ...{ input: last.input, priority: 5, trigger: 'event', depth: 2, queuedAt: T0, runAt: T0 + 50_000 },
    });
    expect(await claimed(store(), 9, T0 + 49_999)).toEqual([]);
    expect(await claimed(store(), 9, T0 + 50_000)).toMatchObject([{ job: first!.id, input: last.input }]);
  });

  test('a priority never falls, and the same input is the same', async () => {
    const [{ id } = { id: '' }] = await at(T0).add([asked('north', { priority: 9 })]);
    expect(await at(T0 + 1).add([asked('north', { priority: -9 })])).toMatchObject([
      { id, first: { sameInput: true, tookOver: true } },
    ]);
    expect(await store().get(id)).toMatchObject({ priority: 9 });
  });

  test('no stream of further ones puts a job off for longer than the timeout', async () => {
    for (let now = T0; now < T0 + 3 * MINUTE; now += 10_000) await at(now).add([asked('north')]);
    const jobs = await store().list({ agent: 'a', limit: 9 });
    expect(jobs.map(({ runAt, queuedAt }) => runAt - queuedAt)).toEqual([2 * MINUTE]);
    const taken = await claimed(store(), 9, T0 + 3 * MINUTE);
    expect(taken).toHaveLength(1);
    // The job has begun: what comes now waits in a new one.
    expect(await at(T0 + 3 * MINUTE).add([asked('north')])).toMatchObject([{ isNew: true }]);
  });

  test('a time by which it would be stale moves with it', async () => {
    const [{ id } = { id: '' }] = await at(T0).add([asked('north', { staleAfterMs: 5_000 })]);
    await at(T0 + 110_000).add([asked('north', { staleAfterMs: 5_000 })]);
    expect(await store().get(id)).toMatchObject({ runAt: T0 + 120_000, staleAt: T0 + 125_000 });
  });

  test('each key, each agent and each batch has its own', async () => {
    const answers = await at(T0).add([
      ...[asked('north'), asked('south'), asked('north'), asked('north', { agent: 'b' })],
      ...[job(), asked('x', debouncedBy(TERMS, '{}')), asked('y', debouncedBy(TERMS, null))],
    ]);
    expect(answers.map(({ isNew }) => isNew)).toEqual([true, true, false, true, true, true, false]);
    expect(answers[2]!.id).toBe(answers[0]!.id);
    expect(answers[6]!.id).toBe(answers[5]!.id);
  });

  test('a second one with the key of a send changes nothing, of whichever of them it was', async () => {
    const [first] = await at(T0).add([asked('north', { key: 'k1' })]);
    await at(T0 + 1).add([asked('north', { key: 'k2' })]);
    const before = await store().get(first!.id);
    const repeats = await at(T0 + 9).add([asked('north', { key: 'k1' }), asked('north', { key: 'k2' })]);
    expect(repeats.map(({ id, first: holder }) => [id, holder])).toEqual([
      [first!.id, { state: 'queued', queuedAt: T0, sameInput: false }],
      [first!.id, { state: 'queued', queuedAt: T0, sameInput: true }],
    ]);
    expect(await store().get(first!.id)).toEqual(before);
    await claimed(store(), 9, T0 + MINUTE);
    expect(await at(T0 + MINUTE).add([asked('north', { key: 'k2' })])).toMatchObject([
      { id: first!.id, isNew: false, first: { state: 'running' } },
    ]);
  });

  test('a job that was cancelled takes nothing over, and its keys are free', async () => {
    const [first] = await at(T0).add([asked('north', { key: 'k1' })]);
    await at(T0).add([asked('north', { key: 'k2' })]);
    await store().cancel(first!.id, { code: 'CANCELLED', message: 'by hand' });
    expect(await at(T0 + 1).add([asked('north', { key: 'k2' })])).toMatchObject([{ isNew: true }]);
    expect(await at(T0 + 2).add([asked('north', { key: 'k1' })])).toMatchObject([
      { isNew: false, first: { tookOver: true } },
    ]);
  });

  test('a job that was given back before it began takes over again', async () => {
    const [first] = await at(T0).add([asked('north')]);
    const [taken] = await claimed(store(), 9, T0 + MINUTE);
    await store().release([taken!]);
    expect(await at(T0 + MINUTE).add([asked('north')])).toMatchObject([{ id: first!.id, first: { tookOver: true } }]);
  });

  test('of a job that is cleared up no key is left', async () => {
    await at(T0).add([asked('north', { key: 'k1' }), asked('north', { key: 'k2' })]);
    const [taken] = await claimed(store(), 9, T0 + MINUTE);
    await store().settle([{ ...taken!, state: 'done', startedAt: T0, finishedAt: T0 + 1 }]);
    await at(T0 + 2 * MINUTE).add([job()]);
    const old = T0 + 3 * MINUTE;
    await store().prune({ jobs: old, slots: old, events: old }, 100);
    expect(await at(old).add([asked('north', { key: 'k2' })])).toMatchObject([{ isNew: true }]);
  });

  test('terms that nobody can keep are refused, and nothing is written', async () => {
    for (const debounce of [
      { key: 'x', timeoutMs: -1 },
      { key: 'x', timeoutMs: 0.5 },
      { key: 5, timeoutMs: 1 },
    ])
      await expect(store().add([job(), job({ debounce: debounce as never })])).rejects.toMatchObject({
        code: 'VALUE_INVALID',
      });
    expect(await store().list({ limit: 9 })).toEqual([]);
  });

  test('a key that was taken over stands for its job where no debounce is asked for any more', async () => {
    const [{ id } = { id: '' }] = await at(T0).add([asked('north')]);
    await at(T0 + 1).add([asked('north', { key: 'k' })]);
    expect(await at(T0 + 2).add([job({ key: 'k', input: null })])).toMatchObject([
      { id, isNew: false, first: { state: 'queued', sameInput: false } },
    ]);
    expect(await store().list({ agent: 'a', limit: 9 })).toHaveLength(1);
  });
}
