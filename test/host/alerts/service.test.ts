import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/healing/ports.ts';
import { T0 } from '../../clock.ts';
import { noIncidents, startedAlerts } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEY = { code: 'X', message: 'the service answers 401 after 312 ms' };
const host = startedAlerts();

const NAMES = Array.from({ length: 20 }, (_, at) => `sync-${String(at).padStart(2, '0')}`);

describe('many agents with one cause', () => {
  it('are one message, whatever figures it has, and its end is one, too', async () => {
    const at = await host();
    for (const [index, name] of NAMES.entries())
      at.ended(name, 'dead', { code: 'X', message: `401 after ${index} ms` });
    await at.pass(10 * MINUTE);
    expect(at.titles()).toEqual(['✗ 20 agents failed of one cause: 401 after 0 ms']);
    expect(at.told[0]!.text).toContain('sync-00, sync-01, sync-02');
    expect(at.told[0]!.text).toContain('sync-11 and 8 more: X, 401 after 0 ms');
    for (const name of NAMES.slice(2)) at.clear(name);
    await at.pass(30 * MINUTE);
    // Two of them hold still: the group does.
    expect(at.titles()).toHaveLength(1);
    for (const name of NAMES.slice(0, 2)) at.clear(name);
    await at.pass(30 * MINUTE);
    expect(at.titles().slice(1)).toEqual([expect.stringMatching(/^✓ over: \d+ agents? failed of one cause/)]);
    expect(at.told[1]!.text).toContain('none of its agents has the trouble any more');
  });

  it('that come one after the other are two messages and then one for all', async () => {
    const at = await host();
    for (const name of NAMES) {
      at.ended(name, 'dead', KEY);
      await at.pass(MINUTE);
    }
    expect(at.titles()).toEqual([
      '✗ sync-00 has failed',
      '✗ sync-01 has failed',
      expect.stringMatching(/^✗ 3 agents failed of one cause: the service answers 401/),
    ]);
  });

  it('are none with two agents, or with two causes, and leave out whom a maintenance window covers', async () => {
    const at = await host({
      alerts: { windows: [{ cron: '0 12 * * *', forMs: 2 * HOUR, agents: ['sync-02'] }] },
    });
    for (const name of NAMES.slice(0, 3)) at.ended(name, 'dead', KEY);
    at.ended('shop', 'dead', { code: 'X', message: 'another one' });
    await at.pass(MINUTE);
    expect(at.titles().sort()).toEqual(['✗ shop has failed', '✗ sync-00 has failed', '✗ sync-01 has failed']);
    await at.pass(2 * HOUR);
    expect(at.titles().filter((title) => title.includes('of one cause') && !title.includes('still'))).toHaveLength(1);
  });
});

describe('the digest', () => {
  const incident = (id: string, endedAt: number) =>
    ({
      ...{
        id,
        agent: 'shop',
        verdict: 'crashed',
        state: 'healed',
        seen: 'it threw',
        openedAt: endedAt - MINUTE,
        endedAt,
      },
      ...{ fingerprint: 'f-1', timeline: [], remedies: [], evidence: null, version: null },
    }) as unknown as Incident;

  const healing = (kept: Incident[]) => ({
    ...noIncidents,
    incidents: async ({ since }: { since?: number }) => kept.filter(({ endedAt }) => endedAt! >= (since ?? 0)),
  });

  it('comes at its hour, once, with what was healed since the last, also by hosts of before', async () => {
    const kept = [incident('inc-1', T0 + HOUR)];
    const at = await host({ store: healing(kept) });
    await at.leap(10 * HOUR);
    await at.restart();
    kept.push(incident('inc-2', T0 + 11 * HOUR));
    await at.leap(10 * HOUR - 30_000);
    expect(at.told).toEqual([]);
    await at.pass(MINUTE);
    expect(at.titles()).toEqual(['· Wed 2026-11-25: 2 healed, 0 open']);
    expect(at.told[0]!.text).toContain('✓ shop was crashed ×2');
    expect(at.told[0]!.at - (T0 + 20 * HOUR)).toBeLessThan(20_000);

    kept.push(incident('inc-3', T0 + 30 * HOUR));
    await at.leap(24 * HOUR);
    expect(at.titles().slice(1)).toEqual(['· Thu 2026-11-26: 1 healed, 0 open']);
    await at.leap(24 * HOUR);
    await at.leap(24 * HOUR);
    expect(at.titles()).toHaveLength(2);
  });

  it('whose hour no host was there for comes with the next host, and not twice', async () => {
    const kept = [incident('inc-1', T0 + HOUR)];
    const at = await host({ store: healing(kept) });
    await at.leap(21 * HOUR);
    kept.push(incident('inc-2', T0 + 22 * HOUR));
    await at.service().stop();
    at.clock.wall += 24 * HOUR;
    await at.restart();
    await at.pass(MINUTE);
    await at.restart();
    await at.pass(HOUR);
    expect(at.titles().map((title) => title.slice(0, 16))).toEqual(['· Wed 2026-11-25', '· Thu 2026-11-26']);
  });
});

describe('a person', () => {
  const crash = (more: Partial<Incident> = {}) =>
    ({
      ...{ id: 'inc-7', agent: 'shop', verdict: 'stuck', state: 'escalated', seen: 'it hangs', openedAt: T0 },
      ...{ endedAt: null, fingerprint: 'f-7', timeline: [], remedies: [], evidence: null, version: null, ...more },
    }) as unknown as Incident;

  it('who acknowledges an incident ends its alert and its reminders, and the end says so', async () => {
    let open = [crash()];
    const closed = () => crash({ state: 'closed', endedAt: T0 + 90 * MINUTE } as Partial<Incident>);
    const at = await host({ open: () => open, store: { ...noIncidents, incident: async () => closed() } });
    await at.leap(HOUR + MINUTE);
    await at.leap(29 * MINUTE);
    expect(at.titles()).toEqual(['✗ shop is stuck', '✗ shop is stuck, still after 1h']);
    open = [];
    await at.leap(30 * HOUR);
    expect(at.titles().slice(2)).toEqual(['✓ over: shop is stuck (1h 30m)']);
    expect(at.told[2]!.text).toContain('closed by a person');
  });

  it('who mutes a cause hears neither reminders nor its end, and all of it again when the mute is over', async () => {
    const mutes = [{ fingerprint: 'f-7', until: T0 + 3 * HOUR }];
    const at = await host({ open: () => [crash()], store: { ...noIncidents, mutes: async () => mutes } });
    await at.pass(2 * HOUR);
    expect(at.titles()).toEqual([]);
    await at.pass(90 * MINUTE);
    expect(at.titles()).toEqual(['✗ shop is stuck']);
  });
});
