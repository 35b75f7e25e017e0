import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { createHealing } from '../../src/host/healing.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createEvents } from '../../src/telemetry/events.ts';
import { Clock, T0 } from '../clock.ts';
import { memoryStore } from '../store/memory/store.ts';

it('writes the events of an incident with it, without secrets', async () => {
  const time = new Clock();
  const store = memoryStore({ now: T0 }, () => 0.5).handle();
  const scrub = { value: <V>(value: V): V => JSON.parse(JSON.stringify(value).replaceAll('s3cret', '•••')) };
  const healer = createHealing({
    owner: { host: 'h', run: 'r' },
    ...{ time, log: silentLog, store, scrub },
    events: createEvents({ time, store, log: silentLog, scrub }),
    isHeld: () => false,
    runnableAgents: () => new Map(),
    workers: { view: () => ({ cells: [], workers: [] }) } as never,
    jobs: { wake() {} },
    schedule: { planAgain: () => undefined } as never,
    bus: { emit() {} } as never,
    storeFolder: tmpdir(),
    origins: { outages: () => [], recovery: () => undefined, forget() {} },
    unscheduled: async () => [],
    cleanUp: async () => '',
  });
  const because = { code: 'ROWS_UNREADABLE', message: 'a row with s3cret' };
  healer.mended({ agent: null, verdict: 'unreadable', because, seen: because.message }, 'set aside');
  await healer.stop();
  const events = await store.events({ limit: 9 });
  expect(events.map(({ kind }) => kind)).toEqual(['incident.healed', 'incident.remedied', 'incident.opened']);
  expect(JSON.stringify([events, await store.incidents({ limit: 9 })])).not.toContain('s3cret');
});
