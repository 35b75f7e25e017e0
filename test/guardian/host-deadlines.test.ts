import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECK_MS, checkHost, type HostWatch, newHostWatch, withHostLine } from '../../src/guardian/host-deadlines.ts';
import { type FromHost, LOOP_WITHIN_MS, type LoopAges, PULSE_MS, PULSES_TO_BELIEVE } from '../../src/kernel/pulse.ts';

const LOOPS = Object.keys(LOOP_WITHIN_MS);

/** A guardian and the pulses that it hears, on clocks of its own. */
function world() {
  let monotonic = 1_000;
  let wall = 1_795_000_000_000;
  let watch: HostWatch = newHostWatch({ monotonic, wall });
  let isWaiting = false;
  const now = () => ({ monotonic, wall });
  return {
    pass(ms: number, onWall = ms) {
      monotonic += ms;
      wall += onWall;
    },
    receive(line: FromHost) {
      watch = withHostLine(watch, line, now());
    },
    ready() {
      this.receive({ is: 'ready' });
    },
    stopping() {
      this.receive({ is: 'stopping', isWished: true });
    },
    pulse(ages: LoopAges = {}) {
      this.receive({ is: 'pulse', ages });
    },
    waitForDevice(is: boolean) {
      isWaiting = is;
    },
    look() {
      const seen = checkHost(watch, now(), () => isWaiting);
      watch = seen.watch;
      return seen.decision;
    },
    /** Looks second by second until something is wrong; how long that took, and what it is. */
    until(mostMs: number, each = () => {}) {
      for (let took = 0; took < mostMs; took += CHECK_MS) {
        this.pass(CHECK_MS);
        each();
        const decision = this.look();
        if (decision.is !== 'fine') return { decision, tookMs: took + CHECK_MS };
      }
      return undefined;
    },
  };
}

type Step =
  | { is: 'turn' }
  | { is: 'busy'; seconds: number }
  | { is: 'asleep'; ms: number; counted: boolean }
  | { is: 'stopped'; ms: number; onWall: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ is: fc.constant('turn' as const) }),
    fc.record({ is: fc.constant('busy' as const), seconds: fc.integer({ min: 1, max: 8 }) }),
    fc.record({
      is: fc.constant('asleep' as const),
      ms: fc.integer({ min: 4_000, max: 86_400_000 }),
      counted: fc.boolean(),
    }),
    // Somebody may set the clock meanwhile.
    fc.record({
      is: fc.constant('stopped' as const),
      ms: fc.integer({ min: 4_000, max: 600_000 }),
      onWall: fc.integer({ min: -600_000, max: 600_000 }),
    }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 60 },
);

describe('a host that does its work', () => {
  it('is never killed: not when it is busy, not when the machine slept, not when the guardian itself stood still', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(...LOOPS), (history, slow) => {
        const at = world();
        at.ready();
        at.pulse();
        const fine = () => expect(at.look()).toEqual({ is: 'fine' });
        for (const step of history) {
          if (step.is === 'turn') {
            at.pass(PULSE_MS);
            at.pulse({ [slow]: LOOP_WITHIN_MS[slow]! });
            fine();
          } else if (step.is === 'busy') {
            for (let second = 0; second < step.seconds; second++) {
              at.pass(CHECK_MS);
              fine();
            }
            at.pulse();
          } else if (step.is === 'asleep') {
            at.pass(step.counted ? step.ms : CHECK_MS, step.ms);
            fine();
            // The first pulses after it can be quicker than the loops that overslept.
            for (let late = 1; late < PULSES_TO_BELIEVE; late++) at.pulse({ [slow]: step.ms + 60_000 });
            fine();
            at.pulse();
          } else {
            at.pass(step.ms, step.onWall);
            fine();
            at.pulse();
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('has half a minute for its first pulse and five minutes to be ready', () => {
    const slow = world();
    expect(slow.until(29_000)).toBeUndefined();
    const busy = world();
    expect(busy.until(299_000, () => busy.pulse())).toBeUndefined();
    expect(busy.until(5_000, () => busy.pulse())).toMatchObject({ decision: { is: 'slow-start' } });
  });

  it('may be slow to stop, but not for ever, and its loops are not counted any more', () => {
    const at = world();
    at.ready();
    at.stopping();
    const pulse = () => at.pulse({ schedule: 999_999 });
    expect(at.until(30_000, pulse)).toBeUndefined();
    expect(at.until(5_000, pulse)).toMatchObject({ decision: { is: 'slow-stop' } });
  });
});

describe('a host that does not do its work', () => {
  it('is found silent 11 s after its last pulse, whatever was before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (seconds) => {
        const at = world();
        at.ready();
        at.pulse();
        expect(at.until(seconds * 1_000, () => at.pulse())).toBeUndefined();
        expect(at.until(60_000)).toEqual({
          decision: { is: 'silent', why: 'gave no sign of life for 11s' },
          tookMs: 11_000,
        });
      }),
    );
  });

  it.each(LOOPS)('is found stalled when its %s stand still, however lively its pulse is', (loop) => {
    const at = world();
    at.ready();
    let ageMs = 0;
    const found = at.until(120_000, () => {
      ageMs += 1_000;
      at.pulse({ other: 5, [loop]: ageMs });
    });
    expect(found!.decision).toMatchObject({ is: 'stalled', why: expect.stringContaining(`${loop} has not turned`) });
    expect(found!.tookMs).toBe(LOOP_WITHIN_MS[loop]! + PULSES_TO_BELIEVE * 1_000);
  });

  it('is found within half a minute when it was dead before the guardian itself had slept', () => {
    const at = world();
    at.ready();
    at.pulse();
    at.pass(3_600_000);
    expect(at.look()).toEqual({ is: 'fine' });
    expect(at.until(30_000)).toMatchObject({ decision: { is: 'silent' } });
  });

  it('is not killed for loops that may wait for a slow folder', () => {
    const at = world();
    at.ready();
    expect(at.until(60_000, () => at.pulse({ catalog: 9_999_999, retention: 9_999_999 }))).toBeUndefined();
  });
});

describe('a host that waits for a device', () => {
  const READY_FOR_MS = 600_000;

  it('stays for as long as that takes, silent or stalled, and the guardian speaks once before and once after', () => {
    fc.assert(
      fc.property(fc.constantFrom('silent', 'store', 'jobs'), fc.integer({ min: 60, max: 3_600 }), (what, seconds) => {
        const at = world();
        at.ready();
        at.pulse();
        at.waitForDevice(true);
        let age = 0;
        const decisions = [];
        for (let second = 0; second < seconds; second++) {
          at.pass(CHECK_MS);
          age += CHECK_MS;
          if (what !== 'silent') at.pulse({ [what]: age });
          decisions.push(at.look());
        }
        at.waitForDevice(false);
        // The first pulse after it can be older than the answer.
        if (what !== 'silent') at.pulse({ [what]: age });
        at.pass(CHECK_MS);
        decisions.push(at.look());
        for (let second = 0; second < 60; second++) {
          at.pass(CHECK_MS);
          at.pulse({ store: 0, jobs: 0 });
          decisions.push(at.look());
        }
        const told = decisions.filter(({ is }) => is !== 'fine');
        expect(told.map(({ is }) => is)).toEqual(['waits', 'answered']);
      }),
      { numRuns: 100 },
    );
  });

  it('is found when it stands still although the device has answered', () => {
    const at = world();
    at.ready();
    at.pulse();
    at.waitForDevice(true);
    expect(at.until(15_000)).toMatchObject({ decision: { is: 'waits' } });
    at.waitForDevice(false);
    expect(at.until(READY_FOR_MS)).toMatchObject({ decision: { is: 'silent' }, tookMs: 15_000 });
  });

  it('has to stop in its time when it is asked to', () => {
    const at = world();
    at.ready();
    at.waitForDevice(true);
    at.stopping();
    expect(at.until(35_000, () => at.pulse())).toMatchObject({ decision: { is: 'slow-stop' } });
  });
});
