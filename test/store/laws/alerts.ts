import { expect, test } from 'vitest';
import type { Alert } from '../../../src/telemetry/alerts/ports.ts';
import { freshStore, HOUR, MINUTE, type OpenStore, T0 } from './world.ts';

const alert = (id: string, more: Partial<Alert> = {}): Alert => ({
  ...{ id, fingerprint: `f-${id}`, severity: 'open', agent: 'shop', incident: 'inc-1', since: T0 },
  ...{ title: 'shop is stuck', seen: 'it is', done: [], left: 'mend it', next: 'daruma status', culprit: null },
  ...{ parent: null, state: 'firing', endedAt: null, ending: null, returns: 0, quietUntil: null, steps: [] },
  ...more,
});

/** Laws of alerts and maintenance windows. */
export function alertLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  test('an alert is the last that was written under its id; the newest trouble comes first', async () => {
    await store().putAlerts([alert('al-1'), alert('al-2', { since: T0 + 5, agent: null })]);
    expect(await store().alerts({ limit: 9 })).toEqual([alert('al-2', { since: T0 + 5, agent: null }), alert('al-1')]);
    const delivery = { channel: 'post', state: 'waiting', job: 'job-1', at: T0, endedAt: null, why: null } as const;
    const told = alert('al-1', { steps: [{ n: 1, is: 'firing', at: T0, deliveries: [delivery] }] });
    await store().putAlerts([told]);
    expect(await store().alerts({ agent: 'shop', limit: 9 })).toEqual([told]);
    expect(await store().alerts({ limit: 1 })).toEqual([alert('al-2', { since: T0 + 5, agent: null })]);
  });

  test('an alert that holds is wanted however old; an alert that is over goes when it is old', async () => {
    const over = alert('al-1', { state: 'over', endedAt: T0 + HOUR, ending: 'healed' });
    await store().putAlerts([over, alert('al-2')]);
    expect(await store().alerts({ since: T0 + HOUR, limit: 9 })).toEqual([over, alert('al-2')]);
    expect(await store().alerts({ since: T0 + HOUR + 1, limit: 9 })).toEqual([alert('al-2')]);
    await store().prune({ jobs: 0, slots: 0, events: T0 + HOUR + 1 }, 9);
    expect(await store().alerts({ limit: 9 })).toEqual([alert('al-2')]);
  });

  test('a maintenance window holds from its start to its end, or until a person ends it; its id comes once', async () => {
    const whole = { id: 'mw-1', agent: null, from: T0, until: T0 + HOUR, note: 'new disk' };
    const shop = { id: 'mw-2', agent: 'shop', from: T0, until: T0 + 2 * HOUR, note: null };
    expect(await store().startWindow({ agent: null, forMs: HOUR, note: 'new disk' })).toEqual(whole);
    expect(await store().startWindow({ agent: 'shop', forMs: 2 * HOUR, note: null })).toEqual(shop);
    expect(await store().windows()).toEqual([whole, shop]);
    expect(await at(T0 + HOUR).windows()).toEqual([shop]);
    const ended = { ...shop, until: T0 + HOUR + MINUTE };
    expect(await at(T0 + HOUR + MINUTE).endWindows('mw-2')).toEqual([ended]);
    expect(await store().endWindows('mw-2')).toEqual([]);
    expect(await store().endWindows('mw-9')).toEqual([]);
    expect(await store().windows()).toEqual([]);
    await store().prune({ jobs: 0, slots: 0, events: T0 + 9 * HOUR }, 9);
    expect((await store().startWindow({ agent: null, forMs: 1, note: null })).id).toBe('mw-3');
    expect(await store().endWindows(null)).toHaveLength(1);
  });
}
