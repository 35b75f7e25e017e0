import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, quiet, type World, world } from './world.ts';

let one: World;
let two: World;
beforeEach(async () => {
  one = await world();
  two = await world({}, one);
});
afterEach(async () => {
  await one.healer.stop();
  await two.healer.stop();
  expect(one.clock.timers()).toBe(0);
});

const opened = () => [...one.incidentStore.kept.values()].map(({ id, agent, state }) => `${id} ${agent} ${state}`);

describe('of two hosts on one store', () => {
  it('a second host takes over nothing that the first holds, and neither does its restart', async () => {
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    await two.restart();
    await two.clock.pass(5 * MINUTE);
    expect(two.healer.open()).toEqual([]);
    expect(one.incidentStore.holders.get('inc-1')).toMatchObject({ host: 'host' });
    one.settle('a', 'done');
    await quiet();
    expect(opened()).toEqual(['inc-1 a healed']);
    expect(one.told('incident.healed')).toHaveLength(1);
  });

  it('both see one trouble: it is one incident, told once, and each does its part', async () => {
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    for (let round = 0; round < 3; round++) {
      two.end('a', 'OUT_OF_MEMORY', { worker: 'w9', job: { job: 'job-2', attempt: 1 } });
      await quiet();
    }
    expect(opened()).toEqual(['inc-1 a open']);
    expect(one.told('incident.opened')).toHaveLength(1);
    expect(one.incident('inc-1')).toMatchObject({ jobs: ['job-1'], repeats: 0 });
    expect(two.healer.open()).toMatchObject([{ id: 'inc-1', repeats: 2 }]);
    // What ends here does not end the trouble there.
    two.settle('a', 'done');
    await quiet();
    expect(opened()).toEqual(['inc-1 a open']);
    one.settle('a', 'done');
    await quiet();
    expect(opened()).toEqual(['inc-1 a healed']);
    expect(one.told('incident.healed')).toHaveLength(1);
  });

  it('a trouble that has ended there and goes on here is an incident of its own', async () => {
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    two.end('a', 'OUT_OF_MEMORY');
    await quiet();
    one.settle('a', 'done');
    await quiet();
    two.end('a', 'OUT_OF_MEMORY');
    await quiet();
    expect(opened()).toEqual(['inc-1 a healed', 'inc-2 a open']);
    expect(one.incidentStore.holders.get('inc-2')).toMatchObject({ host: 'other' });
  });

  it('a host that is gone leaves its incidents to the other, which goes on with them once and for all', async () => {
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    two.end('a', 'OUT_OF_MEMORY');
    await one.healer.stop();
    await two.clock.pass(30_000);
    expect(one.incidentStore.holders.get('inc-1')).toMatchObject({ host: 'host' });
    await two.clock.pass(MINUTE);
    expect(one.incidentStore.holders.get('inc-1')).toMatchObject({ host: 'other' });
    expect(two.healer.open()).toHaveLength(1);
    // It was frozen, not gone: what it held is not its own any more.
    await one.healer.start();
    await two.clock.pass(MINUTE);
    expect(one.healer.open()).toEqual([]);
    two.settle('a', 'done');
    await quiet();
    expect(opened()).toEqual(['inc-1 a healed']);
  });

  it('a host that was frozen writes nothing into an incident that the other has taken', async () => {
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    one.incidentStore.holders.set('inc-1', { host: 'other', until: one.clock.wall + MINUTE });
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    expect(one.incident('inc-1')).toMatchObject({ repeats: 0 });
    await one.clock.pass(10_000);
    // It goes on to mend what it sees.
    expect(one.healer.open()).toMatchObject([{ id: 'inc-1', repeats: 1 }]);
    expect(one.errors).toEqual([]);
  });

  it('a person ends an incident on either host', async () => {
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    two.end('a', 'OUT_OF_MEMORY');
    await quiet();
    expect(await two.healer.acknowledge('inc-1', 'known')).toMatchObject({ state: 'closed', note: 'known' });
    await quiet();
    for (const host of [one, two]) expect(host.healer.open()).toEqual([]);
    expect(opened()).toEqual(['inc-1 a closed']);
    expect(one.told('incident.closed')).toHaveLength(1);
    one.end('a', 'OUT_OF_MEMORY');
    await quiet();
    expect(opened()).toEqual(['inc-1 a closed', 'inc-2 a open']);
  });

  it('a quarantine holds on both, its probes count for both, and its end frees both', async () => {
    for (let ends = 0; ends < 5; ends++) one.end('a', 'CRASHED', { job: null });
    await quiet();
    expect(one.healer.quarantine('a')).toBeDefined();
    expect(two.healer.quarantine('a')).toEqual(one.healer.quarantine('a'));
    expect(two.healer.allowance('a')).toBe(0);
    expect(two.asked).toContain('restrictions');
    two.healer.probeNow('a');
    await quiet();
    expect(one.healer.allowance('a')).toBe(1);
    two.healer.release('a', 'a person said so');
    await quiet();
    for (const host of [one, two]) expect(host.healer.quarantine('a')).toBeUndefined();
    expect(one.incidentStore.quarantineRegistry.size).toBe(0);
  });

  it('what the store refused to write of a quarantine is not undone by what it has', async () => {
    const { putQuarantine } = one.incidentStore;
    one.incidentStore.putQuarantine = async () => {
      throw new Error('not now');
    };
    for (let ends = 0; ends < 5; ends++) one.end('a', 'CRASHED', { job: null });
    await one.clock.pass(30_000);
    expect(one.healer.quarantine('a')).toBeDefined();
    expect(two.healer.quarantine('a')).toBeUndefined();
    one.incidentStore.putQuarantine = putQuarantine;
    await one.clock.pass(20_000);
    for (const host of [one, two]) expect(host.healer.quarantine('a')).toBeDefined();
  });
});
