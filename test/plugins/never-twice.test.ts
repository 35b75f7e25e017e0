import { RetryLater } from 'daruma';
import { describe, expect, it } from 'vitest';
import { createClaims, type OwnPost, sendOnce, Unclear, type Way } from '../../plugins/lib/never-twice.ts';
import postFile from '../../plugins/post-file.ts';
import { contextFor, type World } from './context.ts';

/** Attempts of one job: each with what the one before left. */
function attempts(unclear: Way<string>) {
  const world: World = { input: { text: 'x' }, effects: new Map() };
  const { context, traces } = contextFor(postFile, world);
  return {
    effects: world.effects!,
    warnings: traces.warnings,
    tried: (send: () => Promise<string>) => sendOnce({ once: context.once, log: context.log, send, unclear }),
  };
}
const looks = (lookUp: () => Promise<string | null>, settle = '0s') => attempts({ is: 'lookUp', lookUp, settle });
const never = () => Promise.reject(new Error('nobody asked for it'));

describe('a post', () => {
  it('is sent once, however often the job is tried', async () => {
    const { tried } = looks(never);
    expect(await tried(async () => 'first')).toBe('first');
    expect(await tried(never)).toBe('first');
  });

  it('that was certainly not taken is sent again, and nobody looks', async () => {
    const { tried } = looks(never);
    await expect(tried(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await tried(async () => 'second')).toBe('second');
  });

  it('with an unclear end is looked up by the next attempt, and sent again only if it is not there', async () => {
    const found = ['there', null];
    for (const one of found) {
      const { tried } = looks(async () => one);
      await expect(tried(() => Promise.reject(new Unclear('no answer')))).rejects.toThrow('not known whether');
      expect(await tried(async () => 'again')).toBe(one ?? 'again');
      expect(await tried(never)).toBe(one ?? 'again');
    }
  });

  it('of an attempt that was cut off is looked up, too', async () => {
    const { tried, effects } = looks(async () => 'there');
    effects.set('send:1', 'begun');
    expect(await tried(never)).toBe('there');
  });

  it('is looked up until the network had time to show it', async () => {
    const { tried, effects } = looks(async () => null, '1h');
    effects.set('send:1', 'begun');
    await expect(tried(never)).rejects.toThrow(RetryLater);
    effects.set('unclear:1', { result: Date.now() - 3_600_001 });
    expect(await tried(async () => 'again')).toBe('again');
  });

  it('is repeated or left where the network cannot be asked', async () => {
    const again = attempts({ is: 'repeat' });
    again.effects.set('send:1', 'begun');
    expect(await again.tried(async () => 'again')).toBe('again');
    const left = attempts({ is: 'skip' });
    expect(await left.tried(() => Promise.reject(new Unclear('no answer')))).toBeNull();
    expect(await left.tried(never)).toBeNull();
    expect(left.warnings).toHaveLength(2);
  });
});

it('two jobs with one text never take one post for both', async () => {
  const states = new Map<string, unknown>();
  const claimsOf = (job: string) => createClaims(contextFor(postFile, { input: { text: 'x' }, states, job }).context);
  const posts: OwnPost[] = [
    { id: 'p2', text: 'all  well\n', at: 20 },
    { id: 'p1', text: 'all well', at: 10 },
    { id: 'old', text: 'all well', at: 1 },
  ];
  const look = (job: string) => claimsOf(job).find(posts, { text: 'all well', since: 5 });
  expect(await look('a')).toMatchObject({ id: 'p1' });
  await claimsOf('a').claim('p1');
  expect(await look('a')).toMatchObject({ id: 'p1' });
  expect(await look('b')).toMatchObject({ id: 'p2' });
  await claimsOf('b').claim('p2');
  expect(await look('c')).toBeNull();
});
