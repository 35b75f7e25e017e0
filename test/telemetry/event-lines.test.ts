import { expect, it } from 'vitest';
import { machineTime } from '../../src/kernel/time.ts';
import { createEvents } from '../../src/telemetry/events.ts';

it('an event is a line of the log without keys that have no value', () => {
  const lines: object[] = [];
  const keep = (msg: string, data?: object) => void lines.push({ msg, ...data });
  const log = { debug: keep, info: keep, warn: keep, error: keep };
  const events = createEvents({
    time: machineTime,
    store: { append: async () => [], events: async () => [] } as never,
    log,
    scrub: { value: (value) => value },
  });
  events.publish('warn', {
    at: 1,
    kind: 'incident.opened',
    agent: null,
    message: 'lost',
    data: { job: null, seen: 'x' },
  });
  expect(lines).toEqual([{ msg: 'lost', event: 'incident.opened', seen: 'x' }]);
});
