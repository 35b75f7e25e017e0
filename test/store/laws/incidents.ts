import { expect, test } from 'vitest';
import type { Incident } from '../../../src/healing/ports.ts';
import { freshStore, HOUR, type OpenStore, T0 } from './world.ts';

const incident = (more: Partial<Incident> = {}): Omit<Incident, 'id'> => ({
  agent: 'a',
  verdict: 'crashed',
  state: 'open',
  openedAt: T0,
  endedAt: null,
  fingerprint: 'f-1',
  seen: 'it fell',
  version: 'v1',
  jobs: ['job-1'],
  remedies: [{ kind: 'retry', at: T0, what: 'tried again', held: null }],
  timeline: [{ at: T0, what: 'seen', text: 'it fell' }],
  evidence: { at: T0, tookMs: 3, fault: { code: 'CRASHED', message: 'it fell' } },
  repeats: 0,
  note: null,
  ...more,
});

/** Laws of incidents, the ledger of remedies and quarantines. */
export function incidentLaws(open: OpenStore): void {
  const { store } = freshStore(open);

  test('an incident gets an id of its own, comes back whole, and is replaced by its next state', async () => {
    const id = await store().openIncident(incident());
    const other = await store().openIncident(incident({ agent: null, verdict: 'host-lost', evidence: null }));
    expect(id).toMatch(/^inc-\d+$/);
    expect(other).not.toBe(id);
    expect(await store().incident(id)).toEqual({ id, ...incident() });
    const healed = { id, ...incident({ state: 'healed', endedAt: T0 + 5, repeats: 2, note: 'seen' }) };
    await store().updateIncident(healed);
    expect(await store().incident(id)).toEqual(healed);
    expect((await store().incident(other))?.agent).toBeNull();
  });

  test('an incident that nobody opened is unknown, and cannot be replaced', async () => {
    for (const id of ['inc-7', 'inc-0', 'inc-', 'job-1', '']) expect(await store().incident(id)).toBeUndefined();
    await expect(store().updateIncident({ id: 'inc-7', ...incident() })).rejects.toMatchObject({
      plain: { code: 'INCIDENT_UNKNOWN' },
    });
  });

  test('incidents come newest first, by agent, state and time', async () => {
    const ids = [
      await store().openIncident(incident({ state: 'healed', endedAt: T0 + 1 })),
      await store().openIncident(incident({ agent: 'b', state: 'healed', endedAt: T0 + HOUR })),
      await store().openIncident(incident({ openedAt: T0 - HOUR })),
      await store().openIncident(incident({ state: 'escalated' })),
      await store().openIncident(incident({ agent: null, state: 'closed', endedAt: T0 })),
    ];
    const found = async (filter: Parameters<ReturnType<typeof store>['incidents']>[0]) =>
      (await store().incidents(filter)).map(({ id }) => ids.indexOf(id));
    expect(await found({ limit: 9 })).toEqual([4, 3, 2, 1, 0]);
    expect(await found({ limit: 2 })).toEqual([4, 3]);
    expect(await found({ exceptPrefix: 'a', limit: 9 })).toEqual([4, 1]);
    expect(await found({ agent: 'a', limit: 9 })).toEqual([3, 2, 0]);
    expect(await found({ states: ['open', 'escalated'], limit: 9 })).toEqual([3, 2]);
    expect(await found({ since: T0 + HOUR, limit: 9 })).toEqual([3, 2, 1]);
    expect(await found({ agent: 'b', states: ['healed'], since: T0 + HOUR + 1, limit: 9 })).toEqual([]);
  });

  test('the ledger counts how often a remedy was tried and held', async () => {
    await store().recordRemedy('f-1', 'retry', false);
    await store().recordRemedy('f-1', 'retry', true);
    await store().recordRemedy('f-1', 'own-cell', true);
    await store().recordRemedy('f-2', 'retry', false);
    expect(await store().remedyRecords('f-1')).toEqual([
      { fingerprint: 'f-1', kind: 'own-cell', tried: 1, held: 1 },
      { fingerprint: 'f-1', kind: 'retry', tried: 2, held: 1 },
    ]);
    expect(await store().remedyRecords('f-3')).toEqual([]);
  });

  test('a quarantine lasts until it is ended, and is replaced by its next state', async () => {
    const record = { agent: 'a', since: T0, incident: 'inc-1', probes: 0, nextProbeAt: T0 + 60_000, fingerprint: 'x' };
    await store().putQuarantine(record);
    await store().putQuarantine({ ...record, agent: 'b' });
    await store().putQuarantine({ ...record, probes: 1, nextProbeAt: T0 + 180_000 });
    await store().endQuarantine('b');
    await store().endQuarantine('never');
    expect(await store().quarantines()).toEqual([{ ...record, probes: 1, nextProbeAt: T0 + 180_000 }]);
  });

  test('incidents that ended long ago go, those that are open and the newest stay', async () => {
    const old = await store().openIncident(incident({ state: 'healed', endedAt: T0 }));
    const unended = await store().openIncident(incident());
    const newest = await store().openIncident(incident({ state: 'closed', endedAt: T0 }));
    await store().prune({ jobs: 0, slots: 0, events: T0 + HOUR }, 100);
    expect((await store().incidents({ limit: 9 })).map(({ id }) => id)).toEqual([newest, unended]);
    expect(await store().openIncident(incident())).not.toBe(old);
  });
}
