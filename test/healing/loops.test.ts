import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { growthOf, type Waiting, WINDOWS } from '../../src/healing/backlog.ts';
import { MINUTE, quiet, T0, type World, world } from './world.ts';

let w: World;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.healer.stop());

function refuse(agent: string, agents = [agent], job = 'job-9') {
  const because = {
    code: 'CHAIN_TOO_DEEP',
    message: 'the emit of t is refused',
    next: `daruma pause ${agent}; if it is meant, jobChains.depth: 64 in config/daruma.yaml`,
    data: { agents, chain: 'a → a → …, 32 hops' },
  };
  w.healer.chainRefused({ agent, job, because, agents });
}

describe('jobs that make jobs without end', () => {
  it('are one incident with the way out, however often they are refused and whoever of the ring it is', async () => {
    for (let i = 0; i < 50; i++) refuse(i % 2 ? 'b' : 'a', i % 2 ? ['b', 'a'] : ['a', 'b'], `job-${i}`);
    w.settle('a', 'dead', { error: { code: 'CHAIN_TOO_DEEP', message: 'the emit of t is refused' } });
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident()).toMatchObject({
      agent: 'a',
      verdict: 'looping',
      state: 'open',
      jobs: ['job-0'],
      repeats: 0,
      seen: 'jobs of a make jobs without end: the emit of t is refused (a → a → …, 32 hops)',
    });
    expect(w.incident().remedies).toMatchObject([
      { kind: 'refuse', held: null, what: expect.stringContaining('daruma pause a; if it is meant, jobChains.depth') },
    ]);
    expect(w.told('incident.opened')).toHaveLength(1);
  });

  it('of two rings are two incidents', async () => {
    refuse('a');
    refuse('b');
    await quiet();
    expect([...w.incidentStore.kept.values()].map(({ agent }) => agent)).toEqual(['a', 'b']);
  });

  it('are not over because a job of the agent is done, but after ten minutes without a refusal', async () => {
    refuse('a');
    w.settle('a', 'done', { startedAt: T0 + 1 });
    await w.clock.pass(9 * MINUTE);
    expect(w.incident().state).toBe('open');
    await w.clock.pass(2 * MINUTE);
    await quiet();
    expect(w.incident()).toMatchObject({ state: 'healed' });
    expect(w.incident().timeline.at(-1)!.text).toBe('no job was refused for 10 minutes');
  });

  it('that go on and on are written down once a minute, and then somebody is asked', async () => {
    for (let second = 0; second < 420; second += 10) {
      refuse('a');
      await w.clock.pass(10_000);
    }
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident().state).toBe('escalated');
    expect(w.incident().timeline.filter(({ what }) => what === 'note').length).toBeLessThan(8);
    expect(w.incident().timeline.some(({ text }) => text === '6 more were refused, the last to job-9 of a')).toBe(true);
    expect(w.told('incident.escalated')).toHaveLength(1);
  });

  it('stay one incident over a restart of the host', async () => {
    refuse('a', ['a', 'b']);
    await quiet();
    await w.restart();
    refuse('b', ['b', 'a']);
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
  });
});

describe('a queue that grows without end', () => {
  const samples = (counts: number[]): Waiting[] =>
    counts.map((count, i) => ({ at: T0 + i * 10_000, count, dueSince: T0 }));

  const grows = (counts: number[]) => growthOf(samples(counts), WINDOWS[0]!);

  it('is seen in its course, not in its size', () => {
    expect(grows([5, 12, 20, 27, 35, 42])).toMatchObject({ count: 42, inAnHour: 2_706, waitedMs: 50_000 });
    expect(grows([5, 12, 20, 19, 28, 42])).toBeDefined();
    expect(grows([5_000, 4_000, 3_000, 2_000, 1_000])).toBeUndefined();
    expect(grows([40, 40, 40, 40, 40])).toBeUndefined();
    expect(grows([0, 2, 4, 6, 8])).toBeUndefined();
    expect(grows([1, 400])).toBeUndefined();
    expect(grows([10, 20, 15, 40, 50])).toBeUndefined();
    expect(grows([10, 30, 20, 40, 50])).toBeUndefined();
  });

  it('is not a crowd that has just come', () => {
    expect(grows([0, 0, 0, 0, 0, 400])).toBeUndefined();
    expect(grows([0, 0, 0, 400, 380, 360])).toBeUndefined();
    expect(grows([0, 400, 400, 400, 400, 401])).toBeUndefined();
  });

  it('is seen in a schedule of every minute as well, within the minutes that it takes', async () => {
    // Five minutes of work for each: four jobs more in five minutes.
    for (let minute = 0; minute < 40; minute++) {
      w.incidentStore.due = [{ agent: 'a', count: Math.floor(minute * 0.8), dueSince: T0 }];
      await w.clock.pass(MINUTE);
    }
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident().seen).toMatch(
      /^\d+ jobs wait, and 1 more a minute come than are done|^\d+ jobs wait, and \d+ more an hour/,
    );
  });

  async function grow(agent: string, perLook: number, forLooks: number) {
    for (let look = 0; look < forLooks; look++) {
      const before = w.incidentStore.due.find((one) => one.agent === agent)?.count ?? 0;
      w.incidentStore.due = [{ agent, count: before + perLook, dueSince: T0 }];
      await w.clock.pass(10_000);
    }
    await quiet();
  }

  it('is one incident with its forecast and what can be done, and over when it shrinks', async () => {
    await grow('a', 7, 12);
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident()).toMatchObject({ agent: 'a', verdict: 'falling-behind', state: 'open', remedies: [] });
    expect(w.incident().seen).toMatch(
      /^\d+ jobs wait, and 42 more a minute come than are done; at this pace it never catches up, and \d+ wait in an hour; the first has waited .+$/,
    );
    expect(w.incident().timeline.at(-1)!.text).toContain('daruma cancel --agent a --state queued');
    w.settle('a', 'done', { startedAt: T0 + 10 * MINUTE });
    await quiet();
    expect(w.incident().state).toBe('open');
    w.incidentStore.due = [{ agent: 'a', count: 20, dueSince: T0 }];
    await w.clock.pass(10_000);
    await quiet();
    expect(w.incident()).toMatchObject({ state: 'healed' });
  });

  it('of a paused agent is worth a word only when it is long', async () => {
    w.held.add('a');
    await grow('a', 10, 12);
    expect(w.incidentStore.kept.size).toBe(0);
    await grow('a', 200, 12);
    expect(w.incidentStore.kept.size).toBe(1);
  });
});
