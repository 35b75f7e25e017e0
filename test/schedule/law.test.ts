import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentState } from '../../src/host/api/agent-state.ts';
import { whyUnscheduled } from '../../src/schedule/planning.ts';
import { agentWith, World } from './world.ts';

const START = '2026-11-20T10:00:30Z';
const MINUTE = 60_000;

/** What people are told of an agent now. */
async function stateOf(world: World, name: string) {
  const planning = world.life.schedule.planning(name);
  const nextSlot = (await world.registry.nextSlots()).find(({ agent }) => agent === name)?.due;
  const listing = { name, plugin: name, is: 'live' as const, why: '', problem: null };
  const nothing = { overview: undefined, hold: null, incident: undefined };
  return agentState({ listing, ...nothing, nextSlot, planning, now: world.clock.wall });
}

/** A world whose store refuses the slots of some agents. */
function worldThatRefuses(refused: ReadonlySet<string>): World {
  const world = new World(START);
  const plan = world.registry.plan.bind(world.registry);
  world.registry.plan = async (slots) => {
    if (slots.some(({ agent }) => refused.has(agent))) throw new Error('the store does not take this');
    return plan(slots);
  };
  return world;
}

describe('a schedule that ends', () => {
  it.each([
    ['at 2026-11-20T10:02', {}],
    ['* * * * *', { until: '2026-11-20T10:02' }],
  ])('"%s" %j is done and no fault, however the clock is set, and asks for no job twice', async (expression, more) => {
    const world = new World(START);
    world.agents = [agentWith('a', expression, more)];
    await world.boot();
    expect((await stateOf(world, 'a')).state).toBe('new');
    await world.clock.advance(2 * MINUTE);
    const before = world.states('a');
    expect(await stateOf(world, 'a')).toMatchObject({ state: 'done' });
    world.clock.wall -= MINUTE;
    // Neither before the schedule has noticed nor after it is anything lost.
    expect((await stateOf(world, 'a')).state).not.toBe('unscheduled');
    world.life.schedule.use(world.agents);
    await world.clock.advance(1_000);
    expect((await stateOf(world, 'a')).state).toBe('done');
    await world.clock.advance(31_000);
    expect((await stateOf(world, 'a')).state).toBe('done');
    await world.clock.advance(20 * MINUTE);
    world.life.kill();
    await world.boot();
    await world.clock.advance(20 * MINUTE);
    expect(world.states('a')).toEqual(before);
    expect(world.jobsOf('a')).toHaveLength(before.ran!);
    expect((await stateOf(world, 'a')).why).toContain('has ended');
  });

  it('a one-shot that came due while the host was down follows catchUp', async () => {
    const at = 'at 2026-11-20T10:05';
    for (const [catchUp, expected] of [
      ['once', { 'caught-up': 1 }],
      ['skip', { missed: 1 }],
    ] as const) {
      const world = new World(START);
      world.agents = [agentWith('a', at, { catchUp })];
      const life = await world.boot();
      await world.clock.advance(1_000);
      life.kill();
      await world.clock.advance(60 * MINUTE);
      await world.boot();
      await world.clock.advance(MINUTE);
      expect(world.states('a')).toEqual(expected);
      expect((await stateOf(world, 'a')).state).toBe('done');
    }
  });

  it('a one-shot whose time had passed before it was known is done, and says that it never ran', async () => {
    const world = new World(START);
    world.agents = [agentWith('a', 'at 2025-12-24T18:00')];
    await world.boot();
    await world.clock.advance(MINUTE);
    expect(await stateOf(world, 'a')).toMatchObject({ state: 'done', why: expect.stringContaining('it never ran') });
    expect(world.jobsOf('a')).toEqual([]);
  });
});

describe('an agent with a schedule and without a next slot is never ok', () => {
  it.each([
    ['a zone that nobody knows', agentWith('a', '* * * * *', { timezone: 'IST' }), 'is an abbreviation'],
    ['an expression that cannot be read', agentWith('a', '0 0 * foo *'), 'cannot be read'],
    ['a schedule that never comes due', agentWith('a', '0 0 31 2 *'), 'never comes due'],
  ])('%s', async (_, broken, words) => {
    const world = new World(START);
    world.agents = [broken, agentWith('b', '* * * * *')];
    await world.boot();
    await world.clock.advance(1_000);
    expect(await stateOf(world, 'a')).toMatchObject({ state: 'unscheduled' });
    expect((await stateOf(world, 'a')).why).toContain(words);
    // The neighbour has its slots.
    expect((await stateOf(world, 'b')).state).toBe('new');
    await world.clock.advance(3 * MINUTE);
    expect(world.states('b')).toMatchObject({ ran: 3 });
  });

  it('slots that the store refuses, of one agent among others, until it takes them', async () => {
    const refused = new Set(['a']);
    const world = worldThatRefuses(refused);
    world.agents = [agentWith('a', '* * * * *'), agentWith('b', '* * * * *')];
    await world.boot();
    expect(await stateOf(world, 'a')).toMatchObject({ state: 'unscheduled' });
    expect((await stateOf(world, 'a')).why).toContain('the store does not take this');
    expect(world.lines.filter((line) => line.startsWith('a has no slots'))).toHaveLength(1);
    await world.clock.advance(5_000);
    expect(world.lines.filter((line) => line.startsWith('a has no slots'))).toHaveLength(1);
    refused.clear();
    await world.clock.advance(2_000);
    expect((await stateOf(world, 'a')).state).toBe('new');
    expect(world.lines).toContain('the slots of a are planned again');
  });

  it('a slot that is gone from the store, and is planned again when somebody asks for it', async () => {
    const world = new World(START);
    world.agents = [agentWith('a', '0 3 * * *')];
    await world.boot();
    expect((await stateOf(world, 'a')).state).toBe('new');
    world.registry.rows.clear();
    expect((await stateOf(world, 'a')).why).toContain('its next slot was planned and is not in the store');
    world.life.schedule.planAgain('a');
    await world.clock.advance(0);
    expect((await stateOf(world, 'a')).state).toBe('new');
  });

  it('a store that takes nothing is told after a minute, with its reason', async () => {
    const world = new World(START);
    world.agents = [agentWith('a', '0 3 * * *'), agentWith('b', '0 4 * * *')];
    world.registry.failing = new Error('disk full');
    await world.boot();
    await world.clock.advance(59_000);
    const since = { now: world.clock.wall };
    const planning = world.life.schedule.planning('a');
    expect(whyUnscheduled(planning, undefined, since.now)).toBeUndefined();
    await world.clock.advance(3_000);
    const late = whyUnscheduled(world.life.schedule.planning('a'), undefined, world.clock.wall);
    expect(late?.message).toMatch(/not been planned for 1m 2s: disk full/);
  });

  it('holds in any mixture of agents, whose store refuses some', async () => {
    const expression = fc.constantFrom(
      '* * * * *',
      '*/7 * * * *',
      '0 3 * * *',
      '0 0 31 2 *',
      'nonsense',
      '0 0 * * foo',
      '@daily',
    );
    const timezone = fc.constantFrom('UTC', 'Europe/Berlin', 'IST', 'UTC+3', '', 'Europe/Berln');
    const agents = fc.array(fc.record({ expression, timezone, isRefused: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(agents, async (list) => {
        const world = worldThatRefuses(new Set(list.flatMap(({ isRefused }, i) => (isRefused ? [`a${i}`] : []))));
        world.agents = list.map(({ expression, timezone }, i) => agentWith(`a${i}`, expression, { timezone }));
        await world.boot();
        await world.clock.advance(2 * MINUTE);
        const planned = new Set((await world.registry.nextSlots()).map(({ agent }) => agent));
        for (const { name } of world.agents) {
          const { state } = await stateOf(world, name);
          expect([name, state]).toEqual([name, planned.has(name) ? 'new' : 'unscheduled']);
        }
        world.life.kill();
      }),
      { numRuns: 60 },
    );
  });
});
