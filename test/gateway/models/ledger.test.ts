import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSpendLedger, type SpendAnswer } from '../../../src/gateway/models/ledger.ts';
import type { SpentTry } from '../../../src/gateway/models/ports.ts';
import type { Amounts, SpendLimits } from '../../../src/gateway/models/spend.ts';
import { costOf, type ModelPrice, type SpentBudget } from '../../../src/gateway/models/spend-rules.ts';
import { DAY_MS, HOUR_MS } from '../../../src/kernel/measures.ts';
import { microsOf } from '../../../src/kernel/money.ts';
import { Clock, quiet } from '../../clock.ts';
import { spendStore } from './spend-store.ts';

const PRICES: Record<string, ModelPrice> = {
  groq: { input: microsOf(0.15), output: microsOf(0.6) },
  cerebras: { input: microsOf(0.35), output: microsOf(0.75) },
  ollama: 'free',
  other: 'unknown',
};
const log = { debug() {}, info() {}, warn() {}, error() {} };
const NONE: Amounts = { calls: 0, tokens: 0, micros: 0 };
const plus = (a: Amounts, b: Amounts) => ({
  calls: a.calls + b.calls,
  tokens: a.tokens + b.tokens,
  micros: a.micros + b.micros,
});

function open(disk = spendStore(), clock = new Clock(), limits: SpendLimits = {}, timezone = 'UTC') {
  const rose: SpentBudget[] = [];
  const said = { limits, timezone };
  const ledger = createSpendLedger({
    ...{ time: clock, log, store: disk.handle() },
    timezone: () => said.timezone,
    limits: () => said.limits,
    priceOf: (rung) => PRICES[rung] ?? 'unknown',
    rose: (budget) => void rose.push(budget),
  });
  return { ledger, disk, clock, rose, said };
}

let ids = 0;
const call = (agent: string, rungs: string[], tokens: number, limits: SpendLimits = {}, maxTokens = tokens) => ({
  id: `call-${++ids}`,
  agent,
  estimate: { promptTokens: tokens, maxTokens },
  rungs: rungs.map((name) => ({ name, model: `${name}-model` })),
  limits,
});
const good = (rung: string, promptTokens: number, completionTokens: number): SpentTry => ({
  ...{ rung, model: `${rung}-model`, verdict: 'good' },
  usage: { promptTokens, completionTokens },
});
const faultOf = (answer: SpendAnswer) => (answer.is === 'refused' ? answer.fault : undefined);
const namesOf = (answer: SpendAnswer) => (answer.is === 'go' ? answer.go.map(({ name }) => name) : []);

describe('the ledger', () => {
  it('reserves before a call and settles what its provider counted', async () => {
    const { ledger, disk } = open();
    await ledger.start();
    const one = call('a', ['groq', 'ollama'], 1_000_000);
    const answer = await ledger.begin(one);
    expect(answer).toMatchObject({
      is: 'go',
      go: [
        { name: 'groq', micros: 750_000 },
        { name: 'ollama', micros: 0 },
      ],
    });
    expect(ledger.today('a')).toEqual(NONE);
    const failed: SpentTry = { rung: 'groq', model: 'groq-model', usage: null, verdict: 'wait' };
    expect(ledger.end(one.id, [failed, good('ollama', 10, 5)])).toBe(0);
    const two = call('a', ['groq'], 1_000_000);
    await ledger.begin(two);
    expect(ledger.end(two.id, [good('groq', 1_000, 100)])).toBe(210);
    expect(ledger.end(two.id, [good('groq', 1_000, 100)])).toBe(0);
    expect(ledger.today('a')).toEqual({ calls: 2, tokens: 1_115, micros: 210 });
    expect(ledger.today()).toEqual(ledger.today('a'));
    await ledger.stop();
    expect(disk.ahead()).toEqual([]);
    expect(disk.rows().map(({ rung, calls, micros, failedTries }) => [rung, calls, micros, failedTries])).toEqual([
      ['groq', 1, 210, 1],
      ['ollama', 1, 0, 0],
    ]);
  });

  it('says whose budget is spent, of what, and until when; a free rung goes on without money', async () => {
    const { ledger, clock } = open(undefined, undefined, { micros: microsOf(0.001) });
    await ledger.start();
    const one = call('a', ['groq'], 1_000);
    await ledger.begin(one);
    ledger.end(one.id, [good('groq', 1_000, 1_000)]);
    const refused = await ledger.begin(call('b', ['groq'], 1_000));
    const midnight = Date.UTC(2026, 10, 25);
    expect(faultOf(refused)).toMatchObject({
      code: 'BUDGET_SPENT',
      message: 'all agents together have spent $0.00075 of $0.001 today, and the call may take $0.00075',
      data: { which: 'money', whose: 'all', spent: 0.00075, limit: 0.001, wanted: 0.00075, until: midnight },
    });
    expect(faultOf(refused)?.next).toContain('raise models.budget.money in config/daruma.yaml');
    const free = await ledger.begin(call('b', ['groq', 'ollama'], 1_000));
    expect(namesOf(free)).toEqual(['ollama']);
    const calls = await ledger.begin(call('c', ['ollama'], 10, { calls: 0 }));
    expect(faultOf(calls)).toMatchObject({ code: 'BUDGET_TOO_SMALL', data: { which: 'calls', whose: 'agent' } });
    clock.wall = midnight;
    expect(namesOf(await ledger.begin(call('b', ['groq'], 1_000)))).toEqual(['groq']);
    await ledger.stop();
  });

  it('waits for calls in progress that hold the rest, not for the next day', async () => {
    const { ledger, clock } = open();
    await ledger.start();
    const limits = { tokens: 3_000 };
    const one = call('a', ['ollama'], 1_000, limits);
    await ledger.begin(one);
    const held = await ledger.begin(call('a', ['ollama'], 1_000, limits));
    expect(faultOf(held)).toMatchObject({ code: 'BUDGET_SPENT', data: { spent: 0, until: clock.wall + 5_000 } });
    ledger.end(one.id, [good('ollama', 10, 10)]);
    expect(namesOf(await ledger.begin(call('a', ['ollama'], 1_000, limits)))).toEqual(['ollama']);
    const large = await ledger.begin(call('a', ['ollama'], 2_000, limits));
    expect(faultOf(large)).toMatchObject({ code: 'BUDGET_TOO_SMALL', data: { limit: 3_000, wanted: 4_000 } });
    await ledger.stop();
  });

  it('skips a rung without a price while money is limited, and counts its tokens as unpriced else', async () => {
    const { ledger, said, disk } = open(undefined, undefined, { micros: microsOf(1) });
    await ledger.start();
    expect(faultOf(await ledger.begin(call('a', ['other'], 10)))).toMatchObject({ code: 'PRICE_UNKNOWN' });
    expect(namesOf(await ledger.begin(call('a', ['other', 'ollama'], 10)))).toEqual(['ollama']);
    said.limits = {};
    const one = call('a', ['other'], 10);
    expect(namesOf(await ledger.begin(one))).toEqual(['other']);
    ledger.end(one.id, [good('other', 7, 3)]);
    await ledger.stop();
    const row = disk.rows().find(({ rung }) => rung === 'other');
    expect(row).toMatchObject({ calls: 1, promptTokens: 7, completionTokens: 3, micros: 0, unpricedTokens: 10 });
  });

  it('counts a try without usage as it was reserved only where an answer may be billed', async () => {
    const { ledger } = open();
    await ledger.start();
    const ends: [Partial<SpentTry>, number][] = [
      [{ verdict: 'good' }, 750],
      [{ verdict: 'unusable' }, 750],
      [{ verdict: 'gone' }, 750],
      [{ verdict: 'next' }, 0],
      [{ verdict: 'wait' }, 0],
      [{ verdict: 'caller' }, 0],
      [{ verdict: 'next', mayBeBilled: true }, 750],
      [{ verdict: 'good', usage: { promptTokens: -5, completionTokens: Number.NaN } }, 750],
      [{ verdict: 'good', usage: { promptTokens: 1e15, completionTokens: 1 } }, 750],
    ];
    for (const [end, micros] of ends) {
      const one = call('a', ['groq'], 1_000);
      await ledger.begin(one);
      const tried = { rung: 'groq', model: 'groq-model', usage: null, verdict: 'good', ...end } as SpentTry;
      expect([end, ledger.end(one.id, [tried])]).toEqual([end, micros]);
    }
    const never = call('a', ['groq'], 1_000);
    await ledger.begin(never);
    ledger.lost(never.id, [], false);
    const out = call('a', ['groq', 'cerebras'], 1_000);
    await ledger.begin(out);
    ledger.lost(out.id, [{ rung: 'groq', model: 'groq-model', usage: null, verdict: 'next' }], true);
    expect(ledger.today('a')).toMatchObject({ calls: ends.length + 1, micros: 5 * 750 + 750 + 1_100 });
    await ledger.stop();
  });

  it('waits for the disk only where calls outrun what is written ahead', async () => {
    const { ledger, disk } = open();
    await ledger.start();
    const first = ledger.begin(call('a', ['groq'], 1_000));
    await first;
    disk.hold();
    let passed = 0;
    const more = Array.from({ length: 40 }, () => ledger.begin(call('a', ['groq'], 1_000)).then(() => passed++));
    await quiet();
    expect(passed).toBe(16);
    disk.release();
    await Promise.all(more);
    disk.refuse(new Error('no space'));
    const refused = Array.from({ length: 60 }, () => ledger.begin(call('a', ['groq'], 1_000)));
    const codes = (await Promise.all(refused)).map((answer) => faultOf(answer)?.code ?? 'go');
    expect(new Set(codes)).toEqual(new Set(['go', 'SPEND_NOT_KEPT']));
    disk.refuse(undefined);
    expect(namesOf(await ledger.begin(call('a', ['groq'], 1_000)))).toEqual(['groq']);
    await ledger.stop();
  });

  it('takes at most a block for spent after a kill, beside what was held', async () => {
    const world = open(undefined, undefined, { micros: microsOf(1) });
    await world.ledger.start();
    for (let n = 0; n < 100; n++) {
      const one = call('a', ['groq'], 1_000);
      await world.ledger.begin(one);
      world.ledger.end(one.id, [good('groq', 1_000, 500)]);
    }
    await world.clock.pass(600);
    const billed = { calls: 100, tokens: 150_000, micros: 45_000 };
    expect(world.ledger.today('a')).toEqual(billed);
    await world.ledger.begin(call('a', ['groq'], 1_000));
    world.disk.kill(() => true);
    const again = open(world.disk, world.clock);
    await again.ledger.start();
    expect(again.ledger.today('a')).toEqual({ calls: 116, tokens: 150_000 + 16 * 2_000, micros: 45_000 + 16 * 750 });
    await again.ledger.stop();
    const unknown = world.disk.rows().find(({ rung }) => rung === '');
    expect(unknown).toMatchObject({ agent: 'a', calls: 16, micros: 16 * 750 });
    expect(world.disk.ahead()).toEqual([]);
    const calm = open(world.disk, world.clock);
    await calm.ledger.start();
    expect(calm.ledger.today('a')).toEqual(again.ledger.today('a'));
    await calm.ledger.stop();
  });

  it('tells once that a budget is nearly spent, also over a start', async () => {
    const world = open(undefined, undefined, { calls: 10 });
    const spend = async ({ ledger }: typeof world, times: number) => {
      for (let i = 0; i < times; i++) {
        const one = call('a', ['ollama'], 10, { calls: 100 });
        await ledger.begin(one);
        ledger.end(one.id, [good('ollama', 1, 1)]);
      }
    };
    await world.ledger.start();
    await spend(world, 9);
    expect(world.rose).toEqual([{ agent: null, which: 'calls', spent: 8, limit: 10 }]);
    expect(world.ledger.rising()).toEqual([{ agent: null, which: 'calls', spent: 9, limit: 10 }]);
    await world.ledger.stop();
    const again = open(world.disk, world.clock, { calls: 10 });
    await again.ledger.start();
    await spend(again, 1);
    expect(again.rose).toEqual([]);
    await again.ledger.stop();
  });

  it('begins a new day at the midnight of the zone, in days of 23 and 25 hours and where midnight is skipped', async () => {
    for (const [timezone, day, hours] of [
      ['Europe/Berlin', '2026-03-29', 23],
      ['Europe/Berlin', '2026-10-25', 25],
      ['America/Santiago', '2026-09-06', 23],
    ] as const) {
      const clock = new Clock();
      const start = Temporal.PlainDate.from(day).toZonedDateTime(timezone).epochMilliseconds;
      clock.wall = start;
      const { ledger } = open(undefined, clock, { calls: 1 }, timezone);
      await ledger.start();
      const one = call('a', ['ollama'], 1);
      await ledger.begin(one);
      ledger.end(one.id, [good('ollama', 1, 1)]);
      clock.wall = start + hours * HOUR_MS - 1;
      const refused = await ledger.begin(call('a', ['ollama'], 1));
      expect(faultOf(refused)?.data).toMatchObject({ until: start + hours * HOUR_MS });
      clock.wall += 1;
      expect(namesOf(await ledger.begin(call('a', ['ollama'], 1)))).toEqual(['ollama']);
      await ledger.stop();
    }
  });
});

/** One step of a history; numbers are looked up in the world when the step is made. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant('begin' as const),
      agent: fc.constantFrom('a', 'b', 'c'),
      rungs: fc.constantFrom<string[]>(
        ['groq', 'cerebras', 'ollama'],
        ['groq'],
        ['cerebras', 'groq'],
        ['ollama'],
        ['other', 'ollama'],
      ),
      prompt: fc.integer({ min: 1, max: 4_000 }),
      max: fc.integer({ min: 1, max: 2_000 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      is: fc.constantFrom('end' as const, 'end' as const, 'lost' as const),
      pick: fc.nat(1_000),
      /** The tries before the last one fail; the last one is billed a share of what was reserved. */
      tries: fc.integer({ min: 0, max: 3 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      isOut: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constantFrom('hold' as const, 'release' as const, 'full' as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('pass' as const), ms: fc.constantFrom(10, 600, 1_200) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('jump' as const),
      ms: fc.constantFrom(-DAY_MS, -HOUR_MS, HOUR_MS, 7 * HOUR_MS, DAY_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('limits' as const),
      factor: fc.constantFrom(0.5, 1, 2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('kill' as const), chance: fc.nat(1_000), clean: fc.boolean() }) },
);

const ALL: SpendLimits = { calls: 24, tokens: 50_000, micros: microsOf(0.01) };
const OWN: SpendLimits = { calls: 10, tokens: 20_000, micros: microsOf(0.004) };
const scaled = (limits: SpendLimits, by: number): SpendLimits => ({
  calls: Math.round(limits.calls! * by),
  tokens: Math.round(limits.tokens! * by),
  micros: Math.round(limits.micros! * by),
});
const isWithin = (a: Amounts, most: Amounts) =>
  a.calls <= most.calls && a.tokens <= most.tokens && a.micros <= most.micros;

interface Begun {
  id: string;
  day: string;
  agent: string;
  go: { name: string; model: string; tokens: { promptTokens: number; completionTokens: number }; micros: number }[];
}

describe('histories of calls, kills, days, settings and clocks', () => {
  it('never spend more than a limit, and never forget or count twice what was billed', async () => {
    let kills = 0;
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
        const disk = spendStore();
        const clock = new Clock();
        let world = open(disk, clock, ALL);
        let own = OWN;
        await world.ledger.start();
        let begun: Begun[] = [];
        const pending = new Set<Promise<void>>();
        /** Calls that money kept from a free rung. */
        const blocked: string[] = [];
        let factor = 1;
        let killed = 0;
        /** Billed by providers, and what may have been, by day and agent. */
        const billed = new Map<string, Amounts>();
        const most = new Map<string, Amounts>();
        const bill = (day: string, agent: string, sure: Amounts, atMost = sure) => {
          const key = `${day} ${agent}`;
          billed.set(key, plus(billed.get(key) ?? NONE, sure));
          most.set(key, plus(most.get(key) ?? NONE, atMost));
        };
        const today = () => new Date(clock.wall).toISOString().slice(0, 10);

        for (const one of steps) {
          if (one.is === 'begin') {
            const day = today();
            const order = {
              ...call(one.agent, one.rungs, one.prompt, own),
              estimate: { promptTokens: one.prompt, maxTokens: one.max },
            };
            const mine = world;
            const done = mine.ledger.begin(order).then((answer) => {
              pending.delete(done);
              if (mine !== world) return;
              if (answer.is === 'refused') refusals++;
              else begun.push({ id: order.id, day, agent: one.agent, go: [...answer.go] });
              if (one.rungs.includes('ollama') && faultOf(answer)?.data?.which === 'money') blocked.push(order.id);
            });
            pending.add(done);
            await quietly();
          } else if (one.is === 'end' || one.is === 'lost') {
            if (begun.length === 0) continue;
            const [ended] = begun.splice(one.pick % begun.length, 1) as [Begun];
            const tried = ended.go.slice(0, one.tries);
            const tries = tried.map(({ name, model, tokens }, place): SpentTry => {
              const isLast = place === tried.length - 1;
              if (!isLast) return { rung: name, model, usage: null, verdict: 'next' };
              const part = (count: number) => Math.floor(count * one.share);
              return good(name, part(tokens.promptTokens), part(tokens.completionTokens));
            });
            const last = tries.at(-1);
            const sum = last
              ? {
                  calls: 1,
                  tokens: last.usage!.promptTokens + last.usage!.completionTokens,
                  micros: costOf(last.usage!, PRICES[last.rung]!),
                }
              : NONE;
            if (one.is === 'end') {
              expect(world.ledger.end(ended.id, tries)).toBe(sum.micros);
              expect(world.ledger.end(ended.id, tries)).toBe(0);
              bill(ended.day, ended.agent, sum);
            } else {
              world.ledger.lost(ended.id, tries, one.isOut);
              const left = one.isOut
                ? ended.go
                    .slice(one.tries)
                    .map((rung) => ({ ...rung, sum: rung.tokens.promptTokens + rung.tokens.completionTokens }))
                : [];
              const out = left.toSorted((a, b) => b.micros - a.micros)[0];
              const mayBe = out ? { calls: sum.calls === 0 ? 1 : 0, tokens: out.sum, micros: out.micros } : NONE;
              bill(ended.day, ended.agent, plus(sum, mayBe));
            }
          } else if (one.is === 'hold') disk.hold();
          else if (one.is === 'release') disk.release();
          else if (one.is === 'full') disk.release(new Error('no space'));
          else if (one.is === 'pass') await clock.pass(one.ms);
          else if (one.is === 'jump') clock.wall += one.ms;
          else if (one.is === 'limits') {
            factor = Math.max(factor, one.factor);
            own = scaled(OWN, one.factor);
            world.said.limits = scaled(ALL, one.factor);
          } else if (one.is === 'kill') {
            kills++;
            killed++;
            const old = world;
            // Calls that were let out have been billed at most what was reserved for them; the providers know, the host does not.
            for (const { day, agent, go } of begun) {
              const held = go.reduce(
                (sum, { tokens, micros }) =>
                  plus(sum, { calls: 0, tokens: tokens.promptTokens + tokens.completionTokens, micros }),
                { calls: 1, tokens: 0, micros: 0 },
              );
              bill(day, agent, one.clean ? NONE : held, held);
            }
            if (one.clean) {
              disk.release();
              await Promise.all(pending);
              await old.ledger.stop();
            } else disk.kill((place) => (one.chance + place) % 2 === 0);
            begun = [];
            pending.clear();
            world = open(disk, clock, old.said.limits);
            await world.ledger.start();
          }
          await quietly();
          // The largest limits that were in force, and a block of each agent for each kill.
          const ofOne = scaled(OWN, factor * (1 + 0.02 * killed)) as Amounts;
          for (const agent of ['a', 'b', 'c']) expect(isWithin(world.ledger.today(agent), ofOne)).toBe(true);
          expect(isWithin(world.ledger.today(), scaled(ALL, factor * (1 + 0.06 * killed)) as Amounts)).toBe(true);
        }
        disk.release();
        await Promise.all(pending);
        for (const { id } of begun.splice(0)) world.ledger.lost(id, [], false);
        await world.ledger.stop();
        const kept = new Map<string, Amounts>();
        for (const { day, agent, calls, promptTokens, completionTokens, micros } of disk.rows()) {
          const key = `${day} ${agent}`;
          kept.set(key, plus(kept.get(key) ?? NONE, { calls, tokens: promptTokens + completionTokens, micros }));
        }
        const wasKilled = steps.some(({ is }) => is === 'kill');
        for (const [key, sure] of billed) {
          const found = kept.get(key) ?? NONE;
          expect([key, isWithin(sure, found)]).toEqual([key, true]);
          if (!wasKilled) expect([key, found]).toEqual([key, sure]);
        }
        expect(disk.ahead()).toEqual([]);
        expect(blocked).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(kills).toBeGreaterThan(100);
    expect(refusals).toBeGreaterThan(100);
  });
});

/** A few turns of the loop: a call that does not wait for the disk has its answer. */
async function quietly() {
  for (let round = 0; round < 4; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}
