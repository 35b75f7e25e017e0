import { expect, it } from 'vitest';
import { createStallWatch } from '../../src/host/lifecycle/stalls.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import { LOOP_WITHIN_MS, PULSE_MS, PULSES_TO_BELIEVE } from '../../src/kernel/pulse.ts';

function world() {
  let now = 0;
  let age = 0;
  let isWaiting = false;
  const lines: string[] = [];
  const write = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
  const log: Log = { ...silentLog, warn: write('warn'), error: write('error') };
  const watch = createStallWatch({ monotonic: () => now, waitsForDevice: () => isWaiting, log: () => log });
  return {
    lines,
    wait(is: boolean) {
      isWaiting = is;
    },
    /** Pulses while the store stands still; what the last of them said. */
    still(forMs: number) {
      let said: string | undefined;
      for (const end = now + forMs; now < end; ) {
        now += PULSE_MS;
        age += PULSE_MS;
        said = watch.look({ store: age });
      }
      return said;
    },
    turn() {
      now += PULSE_MS;
      age = 0;
      return watch.look({ store: age });
    },
  };
}
const OVERDUE_MS = LOOP_WITHIN_MS.store! + PULSES_TO_BELIEVE * PULSE_MS;

it('says that a loop stands still, logs it once, and takes it back when the loop turns', () => {
  const at = world();
  expect(at.still(OVERDUE_MS - PULSE_MS)).toBeUndefined();
  expect(at.still(10 * PULSE_MS)).toBe('store has not turned for 32s');
  expect(at.lines).toEqual(['error stalled: store has not turned for 23s']);
  expect(at.turn()).toBeUndefined();
  expect(at.lines).toHaveLength(1);
});

it('says nothing of a loop that waits for a device, and logs the wait when it is over', () => {
  const at = world();
  at.wait(true);
  expect(at.still(60_000)).toBeUndefined();
  expect(at.lines).toEqual([]);
  at.wait(false);
  expect(at.turn()).toBeUndefined();
  expect(at.lines).toEqual(['warn the disk did not answer for 1m 1s; the host waited for it']);
  at.turn();
  expect(at.lines).toHaveLength(1);
});

it('says that a loop has stalled when it stays still after the device has answered', () => {
  const at = world();
  at.wait(true);
  at.still(60_000);
  at.wait(false);
  expect(at.still(PULSE_MS)).toBe('store has not turned for 1m 1s');
});
