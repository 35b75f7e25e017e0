/**
 * Turns the thread's wall clock (`Date`, `Temporal.Now`) to `epochMs`; from there it goes on at its usual pace. The
 * function that is returned turns it to the same time again. Timers and monotonic clocks stay as they are.
 */
export function turnClock(epochMs: number): () => void {
  const Plain = globalThis.Date;
  let base = 0;
  const turn = () => {
    base = epochMs - performance.now();
  };
  const now = () => Math.floor(base + performance.now());
  turn();

  const Turned = new Proxy(Plain, {
    apply: () => new Plain(now()).toString(),
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
  // `date.constructor` has to be what the plugin knows as Date.
  Plain.prototype.constructor = Turned;
  globalThis.Date = Turned;

  const { Now } = Temporal;
  const instant = () => Temporal.Instant.fromEpochMilliseconds(now());
  const zoned = (zone?: Temporal.TimeZoneLike) => instant().toZonedDateTimeISO(zone ?? Now.timeZoneId());
  Object.assign(Now, {
    instant,
    zonedDateTimeISO: zoned,
    plainDateTimeISO: (zone?: Temporal.TimeZoneLike) => zoned(zone).toPlainDateTime(),
    plainDateISO: (zone?: Temporal.TimeZoneLike) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone?: Temporal.TimeZoneLike) => zoned(zone).toPlainTime(),
  });
  return turn;
}
