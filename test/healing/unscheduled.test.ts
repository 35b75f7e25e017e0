import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, quiet, type World, world } from './world.ts';

const FAULT = { code: 'TIMEZONE_UNKNOWN', message: 'time zone "IST" is an abbreviation', next: 'write Asia/Kolkata' };

let w: World;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.healer.stop());

async function change(unscheduled: World['unscheduled']) {
  w.unscheduled = unscheduled;
  w.healer.schedulesChanged();
  await quiet();
}

describe('an agent with a schedule and without a next slot', () => {
  it('is one incident at once, with its reason and what to write; it heals when the next slot is there', async () => {
    await change([{ agent: 'a', fault: FAULT }]);
    w.healer.schedulesChanged();
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident()).toMatchObject({
      agent: 'a',
      verdict: 'unscheduled',
      state: 'open',
      seen: `it has a schedule and no next run: ${FAULT.message}`,
      evidence: { fault: { next: 'write Asia/Kolkata' } },
      remedies: [{ kind: 'plan-again', held: null }],
    });
    expect(w.asked).toContain('planAgain a');
    // A job by hand proves nothing of the schedule.
    w.settle('a', 'done');
    await quiet();
    expect(w.incident().state).toBe('open');
    await change([]);
    expect(w.incident()).toMatchObject({ state: 'healed', remedies: [{ held: true }] });
  });

  it('asks somebody when planning again does not help', async () => {
    await change([{ agent: 'a', fault: FAULT }]);
    await w.clock.pass(3 * MINUTE);
    await quiet();
    expect(w.incident().state).toBe('escalated');
    expect(w.told('incident.escalated')).toHaveLength(1);
    expect(w.incidentStore.kept.size).toBe(1);
  });

  it('stays closed when a person has closed it, for as long as it is the same', async () => {
    await change([{ agent: 'a', fault: FAULT }]);
    await w.healer.acknowledge('inc-1', null);
    await w.clock.pass(MINUTE);
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    await change([{ agent: 'a', fault: { ...FAULT, message: 'another one' } }]);
    expect(w.incidentStore.kept.size).toBe(2);
  });

  it('is seen by the healer itself, of whatever room it comes', async () => {
    w.unscheduled = [{ agent: 'b', fault: { code: 'SLOT_LOST', message: 'gone' } }];
    await w.clock.pass(MINUTE / 2);
    await quiet();
    expect(w.incident()).toMatchObject({ agent: 'b', verdict: 'unscheduled' });
  });
});
