import { expect, it } from 'vitest';
import type { RoomFacts } from '../../src/host/bus.ts';
import { viewWarnings } from '../../src/host/warnings/op.ts';
import { createEarlyWarnings, type WarningSource } from '../../src/host/warnings/warnings.ts';
import { createBus } from '../../src/kernel/bus.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Finding, FindingStore, FleetEvent } from '../../src/telemetry/ports.ts';
import type { SeenWarning } from '../../src/telemetry/warnings/warning.ts';
import { Clock, T0 } from '../clock.ts';

const MINUTE = 60_000;
const leak: SeenWarning = {
  ...{ fingerprint: 'memory:shop', agent: 'shop', quantity: 'memory', word: 'leaking', hitsAt: T0 + 240 * MINUTE },
  ...{ text: 'shop grows 17 MB an hour', next: 'daruma incidents inc-1' },
};

/** A store of one kind of findings. */
function findings(): FindingStore {
  const kept = new Map<string, Finding>();
  return {
    putFinding: async (finding) => void kept.set(finding.key, structuredClone(finding)),
    findings: async () => [...kept.values()],
  };
}

/** A host's warnings over one store: `look` is the next turn. */
function host(store: FindingStore, clock: Clock, sources: Record<string, WarningSource>) {
  const events: Omit<FleetEvent, 'at'>[] = [];
  const facts: string[][] = [];
  const bus = createBus<RoomFacts>(silentLog);
  bus.on('warnings.changed', (changes) => facts.push(changes.map(({ is, warning }) => `${is} ${warning.fingerprint}`)));
  const record = (_: string, event: Omit<FleetEvent, 'at'>) => void events.push(event);
  const warnings = createEarlyWarnings({ time: clock, log: silentLog, store, events: { record }, bus, sources });
  return { warnings, events, facts };
}

it('tells what begins and what is over, as event and fact, and a restart tells nothing again', async () => {
  const clock = new Clock();
  const store = findings();
  let seen: SeenWarning[] = [leak];
  const first = host(store, clock, { leaks: () => seen });
  await first.warnings.start();
  await clock.pass(1);
  expect(first.warnings.current()).toMatchObject([{ ...leak, since: T0 }]);
  expect(first.facts).toEqual([['leaking memory:shop']]);
  expect(first.events).toMatchObject([{ kind: 'warning.leaking', agent: 'shop', message: leak.text }]);
  await first.warnings.stop();
  expect(await viewWarnings({ store })).toMatchObject([{ word: 'leaking', hitsAt: expect.stringMatching(/Z$/) }]);

  const second = host(store, clock, { leaks: () => seen });
  await second.warnings.start();
  await clock.pass(1);
  expect(second.facts).toEqual([]);
  seen = [];
  await clock.pass(20 * MINUTE);
  expect(second.events).toMatchObject([{ kind: 'warning.over', message: expect.stringContaining('is over after') }]);
  expect(second.warnings.current()).toEqual([]);
  await second.warnings.stop();
  expect(await viewWarnings({ store })).toEqual([]);
});

it('keeps what a source saw last while that source fails', async () => {
  const clock = new Clock();
  let fails = false;
  const store = findings();
  const source = () => {
    if (fails) throw new Error('the store is busy');
    return [leak];
  };
  const one = host(store, clock, { leaks: source, machine: () => [] });
  await one.warnings.start();
  await clock.pass(1);
  fails = true;
  await clock.pass(60 * MINUTE);
  expect(one.warnings.current()).toHaveLength(1);
  expect(one.facts).toHaveLength(1);
  await one.warnings.stop();
});
