import { expect, it } from 'vitest';
import { type Compared, compareRuns } from '../../src/host/rehearse/compare.ts';
import { recordsOf } from '../../src/host/rehearse/plan.ts';
import type { Job } from '../../src/jobs/model.ts';
import type { JobFilter } from '../../src/jobs/ports.ts';

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
