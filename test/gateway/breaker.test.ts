import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Breaker,
  type BreakerEvent,
  type BreakerTerms,
  mayPass,
  newBreaker,
  ROW_MS,
  stepBreaker,
  suspectBreaker,
} from '../../src/gateway/origins/breaker.ts';

const TERMS: BreakerTerms = {
  failures: 3,
  rate: 0.5,
  calls: 10,
  windowMs: 6_000,
  pause: { first: 1_000, longest: 8_000 },
  longestAskedMs: 20_000,
};
const WITHIN_MS = 3_000;
const HISTORIES = 10_000;

interface Turn {
  before: Breaker;
  event: BreakerEvent;
  after: Breaker | 'refused';
}

/** Lives one breaker through whatever the numbers say. States are frozen: a step that changes its input throws. */
function live(numbers: readonly number[]): Turn[] {
  let breaker = deepFrozen(newBreaker());
  let now = 1_000;
  const turns: Turn[] = [];
  for (const number of numbers) {
    now += number % 5 === 0 ? 4_000 : number % 700;
    const aside = Math.floor(number / 7) % 9;
    // Mostly of this round, sometimes of one before or of one that never was.
    const round = breaker.round + (aside === 0 ? -1 : aside === 1 ? 1 : 0);
    const chance = (number % 101) / 101;
    const askedMs = number % 13 === 0 ? number % 60_000 : 0;
    const kind = Math.floor(number / 1_009) % 10;
    const event: BreakerEvent =
      kind < 3
        ? { is: 'asked', now, withinMs: WITHIN_MS }
        : kind < 5
          ? { is: 'good', now, round }
          : kind < 9
            ? { is: 'bad', now, round, askedMs, chance }
            : { is: 'gone', now, round };
    const after = stepBreaker(breaker, event, TERMS);
    turns.push({ before: breaker, event, after });
    if (after !== 'refused') breaker = deepFrozen(after);
  }
  return turns;
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFrozen(part);
  }
  return value;
}

const numbers = fc.array(fc.nat(1_009 * 10 * 60 - 1), { minLength: 1, maxLength: 60, size: 'max' });
function histories(law: (turns: Turn[]) => boolean) {
  fc.assert(
    fc.property(numbers, (list) => law(live(list))),
    { numRuns: HISTORIES },
  );
}
const always = (law: (turn: Turn & { after: Breaker }) => boolean) =>
  histories((turns) => turns.every((turn) => turn.after === 'refused' || law(turn as Turn & { after: Breaker })));

describe(`in ${HISTORIES.toLocaleString('en')} random histories of a breaker`, () => {
  it('nothing goes out while it is open, and one call at a time to see whether it may close', () => {
    histories((turns) =>
      turns.every(({ before, event, after }) => {
        if (event.is !== 'asked') return true;
        const mayGo = before.is === 'closed' || before.until <= event.now;
        if (mayGo !== mayPass(before, event.now) || mayGo !== (after !== 'refused')) return false;
        if (after === 'refused' || before.is === 'closed') return true;
        // It is let out under a number of its own, and the next one has to wait for it.
        return after.is === 'half-open' && after.round === before.round + 1 && !mayPass(after, event.now);
      }),
    );
  });

  it('what came of a call of another round changes nothing', () => {
    histories((turns) =>
      turns.every(
        ({ before, event, after }) => event.is === 'asked' || event.round === before.round || after === 'refused',
      ),
    );
  });

  it('it opens after enough failures and not before: in a row that lasts, or as a share of enough calls', () => {
    histories((turns) => {
      let row: number[] = [];
      let calls: { at: number; bad: boolean }[] = [];
      return turns.every(({ before, event, after }) => {
        if (after === 'refused' || event.is === 'asked') return true;
        if (before.is !== 'closed') {
          row = [];
          calls = [];
          return true;
        }
        if (event.is === 'gone') return after === before;
        calls.push({ at: event.now, bad: event.is === 'bad' });
        row = event.is === 'bad' ? [...row, event.now] : [];
        if (event.is === 'good') return after.is === 'closed';
        const isRow = row.length >= TERMS.failures && event.now - row[0]! >= ROW_MS;
        // Calls are forgotten in steps of a sixth of the window: what is younger than the window surely counts.
        const within = calls.filter(({ at }) => at > event.now - TERMS.windowMs * (5 / 6));
        const isShare =
          calls.filter(({ at }) => at > event.now - TERMS.windowMs * (7 / 6)).length >= TERMS.calls &&
          within.some(({ bad }) => bad);
        if (after.is === 'open') return isRow || isShare;
        return !isRow;
      });
    });
  });

  it('a good probe closes it, a bad one opens it for longer, a lost one lets the next one go at once', () => {
    always(({ before, event, after }) => {
      if (before.is !== 'half-open' || event.is === 'asked') return true;
      if (event.is === 'good') return after.is === 'closed' && after.row === null && after.counted.length === 0;
      if (after.is !== 'open' || after.since !== before.since) return false;
      if (event.is === 'gone') return after.tries === before.tries && mayPass(after, event.now);
      return after.tries === before.tries + 1 && !mayPass(after, event.now);
    });
  });

  it('a pause lies within the bounds of the backoff, or is what the server asked for, within its bound', () => {
    always(({ before, event, after }) => {
      if (after.is !== 'open' || event.is !== 'bad') return true;
      const pause = after.until - event.now;
      const plain = Math.min(TERMS.pause.longest, TERMS.pause.first * 2 ** after.tries);
      const asked = Math.min(event.askedMs, TERMS.longestAskedMs);
      const most = Math.max(1.25 * plain, 1.25 * asked) + 1;
      return before.round < after.round && pause >= Math.max(0.75 * plain, asked) - 1 && pause <= most;
    });
  });

  it('a state carries what is true in it and nothing else', () => {
    always(({ after }) => {
      const keys = Object.keys(after).sort().join(' ');
      if (after.is === 'closed') return keys === 'counted is relapse round row' && after.counted.length <= 7;
      return keys === 'is round since tries until';
    });
  });

  it('from wherever a history leaves it, time and one good call close it', () => {
    histories((turns) => {
      const last = turns.at(-1)!;
      const left = last.after === 'refused' ? last.before : last.after;
      const now = (left.is === 'closed' ? 0 : left.until) + 1_000_000;
      const asked = stepBreaker(left, { is: 'asked', now, withinMs: WITHIN_MS }, TERMS);
      if (asked === 'refused') return false;
      const closed = stepBreaker(asked, { is: 'good', now, round: asked.round }, TERMS);
      return closed !== 'refused' && closed.is === 'closed';
    });
  });
});

it('the histories meet every state and take every way between two states', () => {
  const ways = new Set<string>();
  fc.assert(
    fc.property(numbers, (list) => {
      for (const { before, event, after } of live(list))
        if (after !== 'refused') ways.add(`${before.is} ${event.is} ${after.is}`);
    }),
    { numRuns: 2_000, seed: 1 },
  );
  expect([...ways].sort()).toEqual([
    'closed asked closed',
    'closed bad closed',
    'closed bad open',
    'closed gone closed',
    'closed good closed',
    'half-open asked half-open',
    'half-open bad open',
    'half-open gone open',
    'half-open good closed',
    'open asked half-open',
  ]);
});

/** Failures at these times, one after the other. */
function failing(times: readonly number[], from: Breaker = newBreaker()): Breaker {
  return times.reduce((breaker, now) => {
    const after = stepBreaker(breaker, { is: 'bad', now, round: breaker.round, askedMs: 0, chance: 0.5 }, TERMS);
    return after === 'refused' ? breaker : after;
  }, from);
}

it('a burst of failures within one hiccup does not open it; the same failures over a second do', () => {
  expect(failing([0, 1, 2, 3, 4, 5]).is).toBe('closed');
  expect(failing([0, 400, ROW_MS]).is).toBe('open');
});

it('an origin that answers half of its calls opens by the share', () => {
  let breaker: Breaker = newBreaker();
  for (let now = 0; now < 5_000 && breaker.is === 'closed'; now += 250) {
    const event = { now, round: breaker.round, askedMs: 0, chance: 0.5 };
    const is = (now / 250) % 2 === 0 ? 'bad' : 'good';
    breaker = stepBreaker(
      breaker,
      is === 'bad' ? { ...event, is } : { now, round: breaker.round, is },
      TERMS,
    ) as Breaker;
  }
  expect(breaker).toMatchObject({ is: 'open', tries: 0 });
});

it('an origin that falls again soon after it was back is left alone for longer each time', () => {
  const pauses: number[] = [];
  let breaker: Breaker = newBreaker();
  let now = 0;
  for (let outage = 0; outage < 4; outage++) {
    breaker = failing([now, now + 300, now + 600], breaker);
    if (breaker.is !== 'open') throw new Error('it did not open');
    pauses.push(breaker.until - (now + 600));
    now = breaker.until;
    breaker = stepBreaker(breaker, { is: 'asked', now, withinMs: WITHIN_MS }, TERMS) as Breaker;
    breaker = stepBreaker(breaker, { is: 'good', now, round: breaker.round }, TERMS) as Breaker;
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
  breaker = failing([now + 70_000, now + 70_300, now + 70_600], breaker);
  expect(breaker).toMatchObject({ is: 'open', tries: 0 });
});

it('one that was down when the host ended is asked by the first call', () => {
  const breaker = suspectBreaker(5, 100);
  expect(mayPass(breaker, 100)).toBe(true);
  expect(stepBreaker(breaker, { is: 'asked', now: 100, withinMs: 10 }, TERMS)).toMatchObject({
    is: 'half-open',
    since: 5,
  });
});
