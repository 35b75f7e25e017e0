import { HOUR_MS } from '../kernel/measures.ts';

/**
 * Loaded before the host of a drill (`node --import`): each SIGUSR2 puts the wall clock of the process an hour ahead, the
 * next one back. The monotonic clock, timers, the guardian and the cells keep the machine's time.
 */

// The guardian sets the variable in the environment of its host; the guardian itself only hands NODE_OPTIONS on.
if (process.env.DARUMA_GUARDIAN !== undefined) {
  // Processes of the host start without it.
  delete process.env.NODE_OPTIONS;
  let aheadMs = 0;
  const machineNow = Date.now;
  Date.now = () => machineNow() + aheadMs;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args: [], self) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args, self),
  });
  process.on('SIGUSR2', () => {
    aheadMs = aheadMs === 0 ? HOUR_MS : 0;
  });
}
