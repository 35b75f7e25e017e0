import { expect, it } from 'vitest';
import { machineTime } from '../../src/kernel/time.ts';

it('sleeps for the time asked, by the monotonic clock', async () => {
  const start = machineTime.monotonic();
  await machineTime.sleep(20);
  expect(machineTime.monotonic() - start).toBeGreaterThanOrEqual(18);
});

it('is woken by its signal, with the reason, and leaves no timer behind', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const control = new AbortController();
  const sleeping = machineTime.sleep(3_600_000, control.signal);
  control.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  await expect(machineTime.sleep(3_600_000, control.signal)).rejects.toThrow('enough');
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThanOrEqual(before);
});

it('calls back once, unless it was cancelled', async () => {
  let calls = 0;
  const cancel = machineTime.after(0, () => calls++);
  cancel();
  await new Promise<void>((resolve) => {
    machineTime.after(1, () => {
      calls++;
      resolve();
    });
  });
  expect(calls).toBe(1);
});

it('a timer of months does not fire at once, as the platform would have it', async () => {
  let called = false;
  const cancel = machineTime.after(60 * 86_400_000, () => {
    called = true;
  });
  await machineTime.sleep(10);
  cancel();
  expect(called).toBe(false);
});

it('draws numbers in [0, 1)', () => {
  for (let i = 0; i < 100; i++) {
    const chance = machineTime.random();
    expect(chance >= 0 && chance < 1).toBe(true);
  }
});
