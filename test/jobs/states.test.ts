import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { stepAttempt } from '../../src/jobs/attempt-state.ts';
import { type JobEvent, type JobLife, newJob, stepJob } from '../../src/jobs/job-state.ts';
import type { Owner } from '../../src/jobs/ports.ts';
import { settle } from '../../src/jobs/settle.ts';
import { pauseAfter } from '../../src/kernel/backoff.ts';
import { ASKED_PAUSE, BACKOFF, isOver, liveJob, type Turn } from './life.ts';

const HISTORIES = 10_000;
const numbers = fc.array(fc.nat(1_009 * 16 * 60 - 1), { minLength: 1, maxLength: 40, size: 'max' });

/** Asks the law of every accepted event of so many random histories. */
function always(law: (turn: Turn & { after: JobLife }) => boolean) {
  histories((turns) => accepted(turns).every(law));
}
function histories(law: (turns: Turn[]) => boolean) {
  fc.assert(
    fc.property(numbers, (list) => law(liveJob(list))),
    { numRuns: HISTORIES },
  );
}
const isFree = (event: JobEvent) => event.is === 'failed' && event.isFree === true;
const accepted = (turns: Turn[]) => turns.filter(({ after }) => after !== 'refused') as (Turn & { after: JobLife })[];

describe(`in ${HISTORIES.toLocaleString('en')} random histories of a job`, () => {
  it('nothing is lost: a job keeps its terms, and a state carries what is true in it and nothing else', () => {
    always(({ before, event, after }) => {
      const limit = before.attempts + (isFree(event) ? 1 : 0);
      const keepsTerms = after.attempts === limit && after.staleAt === before.staleAt;
      const isWhole = 'runAt' in after === !isOver(after) && 'owner' in after === (after.is === 'running');
      return after.allowed === before.allowed && (keepsTerms || event.is === 'redriven') && isWhole;
    });
  });

  it('nothing is stuck: from wherever a history leaves it, hosts that go on looking bring it to an end', () => {
    histories((turns) => {
      const last = turns.at(-1)!;
      const life = last.after === 'refused' ? last.before : last.after;
      return (['done', 'failed', 'lost'] as const).every((fate) => isOver(carriedOn(life, last.now, fate)));
    });
  });

  it('nothing is finished twice: done is for good, and another end leads on only when a person says so', () => {
    always(({ before, event, after }) => {
      if (before.is === 'done') return false;
      if (event.is === 'dropped') return before.is === 'dead' && after.is === 'cancelled';
      return !isOver(before) || (event.is === 'redriven' && after.is === 'queued');
    });
  });

  it('attempts stay within the limit, and of those that started no number comes again or goes back', () => {
    histories((turns) => {
      let latest = 0;
      let started = 0;
      return accepted(turns).every(({ before, event, after }) => {
        if (event.is === 'redriven') {
          started = 0;
          if (after.attempts !== before.attempt + before.allowed) return false;
        }
        const change = event.is === 'claimed' ? 1 : event.is === 'released' ? -1 : 0;
        latest += change;
        started += change;
        // One that was held up costs nothing, and its number is used up all the same.
        if (isFree(event)) started -= 1;
        return after.attempt === latest && latest <= after.attempts && started <= after.allowed;
      });
    });
  });

  it('the fence holds: an event that names an attempt changes a job only while that attempt runs', () => {
    always(({ before, event }) => {
      const named = 'attempt' in event ? event.attempt : undefined;
      return named === undefined || (before.is === 'running' && before.attempt === named);
    });
  });

  it('a claim takes what waits, is due and not stale, and nothing else', () => {
    histories((turns) =>
      turns.every(({ before, event, after }) => {
        if (event.is !== 'claimed') return true;
        const waits = before.is === 'queued' || before.is === 'retrying';
        const isLate = before.staleAt !== null && before.staleAt < event.now;
        return (after !== 'refused') === (waits && before.runAt <= event.now && !isLate);
      }),
    );
  });

  it('an attempt is lost when another host held it or its lease is over, and not before', () => {
    histories((turns) =>
      turns.every(({ before, event, after }) => {
        if (event.is !== 'lost' || before.is !== 'running' || event.attempt !== before.attempt) return true;
        return (after !== 'refused') === (isFormerRun(before.owner, event.owner) || before.leaseUntil <= event.now);
      }),
    );
  });

  it('a retry comes within the bounds of the backoff, or exactly when the plugin asked for it', () => {
    always(({ before, event, after, now }) => {
      if (event.is !== 'failed' || after.is !== 'retrying') return true;
      const pause = after.runAt - now;
      const plain = Math.min(BACKOFF.longest, BACKOFF.first * 2 ** (before.attempt - 1));
      const isWithin = pause >= 0.75 * plain && pause <= 1.25 * plain;
      const hasOneLeft = before.attempt < before.attempts || isFree(event);
      return hasOneLeft && (isWithin || pause === ASKED_PAUSE);
    });
  });

  it('an attempt that was held up leaves as many as there were before it, the last one included', () => {
    always(({ before, event, after }) => {
      if (!isFree(event)) return true;
      return after.is === 'retrying' && after.attempts - after.attempt === before.attempts - before.attempt + 1;
    });
  });
});

it('the histories meet every state and take every way between two states', () => {
  const ways = new Set<string>();
  fc.assert(
    fc.property(numbers, (list) => {
      for (const { before, event, after } of accepted(liveJob(list))) ways.add(`${before.is} ${event.is} ${after.is}`);
    }),
    { numRuns: 2_000, seed: 1 },
  );
  expect([...ways].sort()).toEqual([
    'cancelled redriven queued',
    'dead dropped cancelled',
    'dead redriven queued',
    'queued cancelled cancelled',
    'queued claimed running',
    'queued stale cancelled',
    'retrying cancelled cancelled',
    'retrying claimed running',
    'retrying promoted retrying',
    'retrying stale cancelled',
    'running cancelled cancelled',
    'running done done',
    'running failed dead',
    'running failed retrying',
    'running lost dead',
    'running lost retrying',
    'running released queued',
    'running released retrying',
    'running renewed running',
  ]);
});

it('an attempt that has its end has it for good', () => {
  const held = { is: 'held' as const, attempt: 2, owner: HOST, leaseUntil: 9 };
  for (const is of ['done', 'failed', 'released', 'cancelled'] as const) {
    const ended = stepAttempt(held, { is, attempt: 2 });
    expect(ended).toEqual({ is, attempt: 2 });
    if (ended !== 'refused') expect(stepAttempt(ended, { is: 'done', attempt: 2 })).toBe('refused');
    expect(stepAttempt(held, { is, attempt: 1 })).toBe('refused');
  }
});

describe('the pauses before retries', () => {
  /** 100,000 pauses as a fraction of the plain one, sorted; the chance is seeded, so the figures are the same each time. */
  let pauses: number[];
  const quantile = (part: number) => pauses[Math.floor(part * pauses.length)]!;
  beforeAll(() => {
    const random = seeded(20_261_124);
    const facts = { job: 'j', attempt: 1, attempts: 3, startedAt: 0, finishedAt: 0 };
    const end = { is: 'failed' as const, fault: { code: 'E', message: 'e' }, retry: true };
    pauses = Array.from({ length: 100_000 }, () => {
      const backoff = { first: 1_000_000, longest: 1_000_000 };
      return settle(facts, end, backoff, random()).inMs! / 1_000_000;
    }).sort((a, b) => a - b);
  });

  it('are spread evenly from three quarters to five quarters: mean, deviation and quantiles', () => {
    const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
    const deviation = Math.sqrt(pauses.reduce((sum, pause) => sum + (pause - mean) ** 2, 0) / pauses.length);
    expect(Math.abs(mean - 1)).toBeLessThan(0.002);
    expect(Math.abs(deviation - 0.5 / Math.sqrt(12))).toBeLessThan(0.002);
    for (const part of [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) {
      expect(Math.abs(quantile(part) - (0.75 + 0.5 * part))).toBeLessThan(0.004);
    }
    expect(pauses[0]).toBeLessThan(0.7505);
    expect(pauses.at(-1)).toBeGreaterThan(1.2495);
  });

  it('are spread as widely at the longest pause as at the first: a crowd at the cap does not come back as one', () => {
    const random = seeded(7);
    const backoff = { first: 1_000, longest: 60_000 };
    const atCap = Array.from({ length: 10_000 }, () => pauseAfter(30, backoff, random()));
    expect(Math.min(...atCap)).toBeLessThan(45_300);
    expect(Math.max(...atCap)).toBeGreaterThan(74_700);
    expect(Math.abs(atCap.reduce((sum, pause) => sum + pause, 0) / atCap.length - 60_000)).toBeLessThan(600);
  });

  it.each([
    ['always adds', (chance: number) => 1 + 0.25 * chance],
    ['takes half of the range', (chance: number) => 1 + 0.25 * (chance - 0.5)],
    ['knows two values', (chance: number) => (chance < 0.5 ? 0.75 : 1.25)],
  ])('would not pass for chance that %s', (_, wrong) => {
    const random = seeded(1);
    const other = Array.from({ length: 10_000 }, () => wrong(random())).sort((a, b) => a - b);
    const off = [0.05, 0.25, 0.75, 0.95].map((part) =>
      Math.abs(other[Math.floor(part * 10_000)]! - (0.75 + 0.5 * part)),
    );
    expect(Math.max(...off)).toBeGreaterThan(0.02);
  });
});

const HOST: Owner = { host: 'host', run: 'run 1' };
const NEXT_RUN: Owner = { host: 'host', run: 'run 2' };

function isFormerRun(held: Owner, now: Owner): boolean {
  return held.host === now.host && held.run !== now.run;
}

/** Goes on with a job as fair hosts do: what waits is claimed when it is due, what runs comes to the given end. */
function carriedOn(from: JobLife, at: number, fate: 'done' | 'failed' | 'lost'): JobLife {
  let life = from;
  let now = at;
  for (let steps = 2 * (from.attempts - from.attempt) + 2; steps > 0 && !isOver(life); steps--) {
    if (life.is === 'running') {
      const { attempt } = life;
      const again = now + 1;
      now = Math.max(now, life.leaseUntil);
      const end =
        fate === 'done'
          ? stepJob(life, { is: 'done', attempt })
          : fate === 'failed'
            ? stepJob(life, { is: 'failed', attempt, again })
            : stepJob(life, { is: 'lost', attempt, owner: NEXT_RUN, now, again });
      if (end === 'refused') return life;
      life = end;
    } else if (life.is === 'queued' || life.is === 'retrying') {
      now = Math.max(now, life.runAt);
      const claimed = stepJob(life, { is: 'claimed', now, owner: HOST, leaseUntil: now + 1 });
      const next = claimed === 'refused' ? stepJob(life, { is: 'stale', now }) : claimed;
      if (next === 'refused') return life;
      life = next;
    }
  }
  return life;
}

/** Evenly spread numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it('a new job waits for its time with all its attempts before it', () => {
  expect(newJob(5, 3, null)).toEqual({ is: 'queued', runAt: 5, attempt: 0, attempts: 3, allowed: 3, staleAt: null });
});
