import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chainWords,
  depthOfMade,
  fullAllowance,
  HELD_BACK_MS,
  LONG_WAIT_MS,
  spendAllowance,
} from '../../src/jobs/chain.ts';
import { createChains, type RefusedChain } from '../../src/jobs/chains.ts';
import type { Fault } from '../../src/kernel/fault.ts';
import { machineTime } from '../../src/kernel/time.ts';

const BOUNDS = { depth: 32, perMinute: 20_000 };

describe('the hops of a chain', () => {
  test('grow with each job that a job makes, and begin anew after a long wait', () => {
    expect(depthOfMade(0, 0)).toBe(1);
    expect(depthOfMade(31, LONG_WAIT_MS - 1)).toBe(32);
    expect(depthOfMade(31, LONG_WAIT_MS)).toBe(0);
  });

  test('are told by one turn of a ring', () => {
    expect(chainWords(['a'])).toBe('a');
    expect(chainWords(['a', 'b'])).toBe('a → b, 1 hop');
    expect(chainWords(['a', 'a', 'a', 'a'])).toBe('a → a → …, 3 hops');
    expect(chainWords(['a', 'b', 'a', 'b', 'a'])).toBe('a → b → a → …, 4 hops');
    expect(chainWords(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a → b → c → d → e → f → …, 6 hops');
    expect(chainWords(['root', 'a', 'b', 'a'])).toBe('root → a → b → a, 3 hops');
  });
});

describe('the minute of an agent', () => {
  test('lets a job send thousands, and the stages after it as well', () => {
    for (const depth of [1, 2, 3]) {
      let allowance = fullAllowance(BOUNDS.perMinute, 0);
      for (let i = 0; i < 5_000; i++) {
        const { after, may } = spendAllowance(allowance, { depth, count: 1 }, BOUNDS.perMinute, i / 100);
        expect(may).toBe(true);
        allowance = after;
      }
    }
  });

  test('is over after some thousand jobs where each makes two', () => {
    let allowance = fullAllowance(BOUNDS.perMinute, 0);
    let jobs = 0;
    for (let depth = 1; depth < 32; depth++)
      for (let i = 0; i < 2 ** (depth - 1); i++) {
        const { after, may } = spendAllowance(allowance, { depth, count: 2 }, BOUNDS.perMinute, jobs / 2);
        allowance = after;
        if (!may) return expect(jobs).toBeLessThan(5_000);
        jobs += 2;
      }
    expect.unreachable();
  });

  test('once spent, nothing is made for a minute; then it is full', () => {
    const { after, may } = spendAllowance(fullAllowance(100, 0), { depth: 1, count: 101 }, 100, 0);
    expect(may).toBe(false);
    expect(spendAllowance(after, { depth: 1, count: 1 }, 100, HELD_BACK_MS - 1).may).toBe(false);
    expect(spendAllowance(after, { depth: 1, count: 100 }, 100, HELD_BACK_MS).may).toBe(true);
  });

  test('comes back in proportion to the time', () => {
    const { after } = spendAllowance(fullAllowance(100, 0), { depth: 1, count: 60 }, 100, 0);
    expect(spendAllowance(after, { depth: 1, count: 90 }, 100, 30_000).may).toBe(true);
    expect(spendAllowance(after, { depth: 1, count: 91 }, 100, 30_000).may).toBe(false);
    expect(spendAllowance(after, { depth: 1, count: 100 }, 100, 1e9).may).toBe(true);
  });

  test('never lets more through than its minute and what comes back, whatever is asked when', () => {
    const asks = fc.array(
      fc.record({ depth: fc.nat(40), count: fc.integer({ min: 1, max: 50 }), pause: fc.nat(30_000) }),
    );
    fc.assert(
      fc.property(asks, (list) => {
        let allowance = fullAllowance(1_000, 0);
        let now = 0;
        let spent = 0;
        for (const { pause, ...made } of list) {
          now += pause;
          const { after, may } = spendAllowance(allowance, made, 1_000, now);
          allowance = after;
          if (may) spent += Math.max(1, made.depth) * made.count;
          expect(after.left).toBeLessThanOrEqual(1_000);
          expect(spent).toBeLessThanOrEqual(1_000 + (now / 60_000) * 1_000 + 1_000 * Math.floor(now / HELD_BACK_MS));
        }
      }),
    );
  });
});

describe('chains', () => {
  const parents = new Map<string, { agent: string; depth: number; parent: string | null }>();

  function world(bounds = BOUNDS) {
    parents.clear();
    const refused: RefusedChain[] = [];
    let now = 0;
    const chains = createChains(
      {
        time: { ...machineTime, monotonic: () => now },
        store: {
          async ancestors(id) {
            const line = [];
            for (let at: string | null = id; at && parents.has(at); at = parents.get(at)!.parent)
              line.push({ id: at, agent: parents.get(at)!.agent, depth: parents.get(at)!.depth });
            return line;
          },
          get: async () => undefined,
        },
        depthOf: (job) => parents.get(job)?.depth,
        refused: (chain) => void refused.push(chain),
      },
      () => bounds,
    );
    /** A job of the agent makes another; its id. */
    async function make(parent: string, to: string, afterMs = 0): Promise<string> {
      const { agent } = parents.get(parent)!;
      const depth = await chains.admit({ job: parent, agent, what: `send to ${to}`, count: 1, afterMs });
      const id = `job-${parents.size}`;
      parents.set(id, { agent: to, depth, parent });
      return id;
    }
    parents.set('root', { agent: 'a', depth: 0, parent: null });
    return { chains, refused, make, pass: (ms: number) => (now += ms) };
  }

  async function codeOf(work: Promise<unknown>): Promise<string> {
    return work.then(
      () => 'fine',
      (fault: Fault) => fault.code,
    );
  }

  test.each([[['a']], [['b', 'a']], [['b', 'c', 'a']]])(
    'a ring of %j ends at the bound, told with its agents',
    async (ring) => {
      const { make, refused } = world();
      let at = 'root';
      for (let hop = 0; hop < 32; hop++) at = await make(at, ring[hop % ring.length]!);
      await expect(make(at, 'a')).rejects.toMatchObject({
        plain: {
          code: 'CHAIN_TOO_DEEP',
          message: expect.stringMatching(/^the send to a is refused: hop 33 .* 32 are allowed$/),
          data: { chain: expect.stringMatching(/^a → .* 32 hops$/) },
          next: expect.stringMatching(/^daruma pause \w; if it is meant, jobChains\.depth: 64 in config\/daruma\.yaml/),
        },
      });
      expect(refused).toHaveLength(1);
      expect(refused[0]!.agents.toSorted()).toEqual([...ring].sort());
    },
  );

  test('an agent that asks again every ten minutes does so for ever', async () => {
    const { make, refused } = world();
    let at = 'root';
    for (let turn = 0; turn < 500; turn++) at = await make(at, 'a', 600_000);
    expect(refused).toEqual([]);
  });

  test('a short wait between two jobs is no way out', async () => {
    const { make } = world();
    let at = 'root';
    for (let hop = 0; hop < 32; hop++) at = await make(at, 'a', 1_000);
    expect(await codeOf(make(at, 'a', 1_000))).toBe('CHAIN_TOO_DEEP');
  });

  test('a crowd of two and two is stopped by its rate, each agent by its own', async () => {
    const { chains, refused, pass } = world({ depth: 32, perMinute: 100 });
    parents.set('deep', { agent: 'a', depth: 4, parent: 'root' });
    parents.set('other', { agent: 'b', depth: 4, parent: 'root' });
    const ask = (job: string, agent: string, count = 2) =>
      codeOf(chains.admit({ job, agent, what: 'emit of t', count, afterMs: 0 }));
    for (let i = 0; i < 10; i++) expect(await ask('deep', 'a')).toBe('fine');
    expect(await ask('deep', 'a')).toBe('CHAIN_TOO_FAST');
    expect(await ask('root', 'a', 1)).toBe('CHAIN_TOO_FAST');
    expect(await ask('other', 'b')).toBe('fine');
    expect(await ask('deep', 'a', 0)).toBe('fine');
    pass(HELD_BACK_MS);
    expect(await ask('deep', 'a')).toBe('fine');
    expect(refused.map(({ because }) => because.next)).toEqual(
      Array(2).fill(expect.stringContaining('jobChains.perMinute: 200')),
    );
  });
});
