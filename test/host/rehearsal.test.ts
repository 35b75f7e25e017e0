import { expect, it } from 'vitest';
import { type CaptureNeeds, createCapture, MOST_KEPT } from '../../src/host/rehearse/capture.ts';
import { type Compared, compareRuns, recordsOf } from '../../src/host/rehearse/rehearse.ts';
import type { Job } from '../../src/jobs/model.ts';
import type { EffectRecord, JobFilter } from '../../src/jobs/ports.ts';
import { createScrubber } from '../../src/kernel/scrub.ts';

const done = (result: unknown, refused = 0, summary: string | null = null): Compared => {
  return { state: 'done', result, summary, refused };
};
const failed = (refused = 0): Compared => ({ state: 'failed', result: null, summary: null, refused });

it.each([
  [done({ a: 1 }), done({ a: 1 }), 'same'],
  [done({ a: 1 }), done({ a: 2 }), 'differs'],
  [done(null, 0, 'all well'), done(null, 0, 'not so well'), 'differs'],
  [done(1), failed(), 'fails'],
  [failed(), done(1), 'mended'],
  [failed(), failed(), 'both-fail'],
  // What a refusal led to says nothing of the version; what is the same in spite of it does.
  [done(1), failed(1), 'unclear'],
  [failed(), failed(1), 'unclear'],
  [failed(), done(1, 1), 'unclear'],
  [done(1), done(2, 1), 'unclear'],
  [done(1), done(1, 1), 'same'],
  [done(1, 1), done(2), 'unclear'],
] as const)('of %j and %j says %s', (old, now, word) => {
  expect(compareRuns(old, now).is).toBe(word);
});

const newestFirst = (versions: string[]) => {
  const jobs = versions.map((version, at) => ({ id: `job-${at}`, version, startedAt: 1 }) as Job);
  return {
    async list({ before, limit }: JobFilter) {
      const from = before === undefined ? 0 : jobs.findIndex(({ id }) => id === before) + 1;
      return jobs.slice(from, from + limit);
    },
  };
};

it('takes the newest jobs of other versions, oldest first, beyond what the new one has done since', async () => {
  const store = newestFirst([...Array(150).fill('new'), 'old', 'new', 'older', 'older']);
  const records = await recordsOf(store, 'price', 'new', 2);
  expect(records.map(({ id, version }) => [id, version])).toEqual([
    ['job-152', 'older'],
    ['job-150', 'old'],
  ]);
});

it('takes its own jobs when there are no others', async () => {
  const records = await recordsOf(newestFirst(['new', 'new', 'new']), 'price', 'new', 2);
  expect(records.map(({ id }) => id)).toEqual(['job-1', 'job-0']);
});

const CALL = { job: 'job-1', attempt: 1, agent: 'price' };
const captured = (recorded: EffectRecord[] = [], more: Partial<CaptureNeeds> = {}) =>
  createCapture({
    agent: 'price',
    store: {
      getState: async (_agent, key) => (key === 'kept' ? '1' : undefined),
      stateKeys: async () => ['kept'],
    },
    recorded,
    agents: () => new Map(),
    fleet: {} as CaptureNeeds['fleet'],
    read: undefined,
    scrub: createScrubber(['hunter2']),
    ...more,
  });

it('answers an effect as it is recorded, and does none that is not, or whose end is not known', async () => {
  const capture = captured([
    { key: 'pay', isDone: true, result: '7' },
    { key: 'mail', isDone: false, result: null },
  ]);
  const begin = (key: string) => capture.answer({ ...CALL, ask: 'beginEffect', key });
  expect(await begin('pay')).toEqual({ is: 'done', result: '7' });
  for (const key of ['mail', 'other']) {
    await expect(begin(key)).rejects.toMatchObject({ plain: { code: 'REHEARSAL_NO_RECORD' } });
  }
  expect(capture.effects().map(({ what, is }) => [what, is])).toEqual([
    ['pay', 'answered'],
    ['mail', 'refused'],
    ['other', 'refused'],
  ]);
  expect(capture.refused()).toBe(2);
});

it('lets an attempt see what it has set, over what is in the store', async () => {
  const { answer } = captured();
  await answer({ ...CALL, ask: 'setState', key: 'new', value: '"2"' });
  await answer({ ...CALL, ask: 'deleteState', key: 'kept' });
  expect(await answer({ ...CALL, ask: 'getState', key: 'new' })).toBe('"2"');
  expect(await answer({ ...CALL, ask: 'getState', key: 'kept' })).toBeUndefined();
  expect(await answer({ ...CALL, ask: 'stateKeys' })).toEqual(['new']);
  // The next attempt begins with the store again.
  expect(await captured().answer({ ...CALL, ask: 'getState', key: 'kept' })).toBe('1');
  const much = 'x'.repeat(17 * 1024 ** 2);
  await expect(answer({ ...CALL, ask: 'setState', key: 'much', value: much })).rejects.toMatchObject({
    plain: { code: 'REHEARSAL_REFUSED' },
  });
});

it('refuses commands and all requests but those that read, and tells them without secrets', async () => {
  const read = async () => ({ status: 200, statusText: '', headers: [], body: null });
  const capture = captured([], { read });
  const refused = { plain: { code: 'REHEARSAL_REFUSED' } };
  const asked = (method: string, body: string | null = null) =>
    capture.answer({ ...CALL, ask: 'fetch', request: { method, url: 'http://x/?key=hunter2', headers: [], body } });
  await expect(
    capture.answer({ ...CALL, ask: 'exec', call: 1, command: 'rm', args: ['hunter2'] }),
  ).rejects.toMatchObject(refused);
  await expect(asked('POST', btoa('{"pin":"hunter2"}'))).rejects.toMatchObject(refused);
  await expect(asked('DELETE')).rejects.toMatchObject(refused);
  await asked('HEAD');
  expect(capture.effects()).toEqual([
    { kind: 'exec', what: 'rm [secret]', is: 'refused' },
    { kind: 'fetch', what: 'POST http://x/?key=[secret]', is: 'refused', data: { pin: '[secret]' } },
    { kind: 'fetch', what: 'DELETE http://x/?key=[secret]', is: 'refused' },
    { kind: 'fetch', what: 'HEAD http://x/?key=[secret] 200', is: 'answered' },
  ]);
});

it('counts every refusal, however many effects are kept', async () => {
  const capture = captured();
  for (let count = 0; count < 150; count++)
    await capture.answer({ ...CALL, ask: 'beginEffect', key: `k${count}` }).catch(() => {});
  expect([capture.effects().length, capture.refused()]).toEqual([MOST_KEPT, 150]);
});
