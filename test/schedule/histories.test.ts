import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timetableOf } from '../../src/kernel/cron/timetable.ts';
import { agentWith, World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const BIRTH = Date.parse('2027-03-27T23:10:30Z');

/** Each its own mix of options, in zones whose clocks change within the first hours. */
const AGENTS = [
  agentWith('minutely', '* * * * *', { timezone: 'Europe/Berlin' }),
  agentWith('seconds', '*/20 * * * * *', { overlap: 'queue' }),
  agentWith('seventh', '*/7 * * * *', { catchUp: 'all', overlap: 'replace' }),
  agentWith('thirteenth', '*/13 0-4 * * *', { catchUp: 'all', timezone: 'Europe/Berlin' }),
  agentWith('hourly', '0 * * * *', { catchUp: 'skip', jitterMs: 5_000 }),
  agentWith('daily', '30 2 * * *', { timezone: 'Europe/Berlin', staleAfterMs: 10 * MINUTE }),
  agentWith('replacing', '*/2 * * * *', { overlap: 'replace' }),
  agentWith('every', '@every 11m', { timezone: 'Europe/Berlin', catchUp: 'all' }),
  agentWith('once', 'at 2027-03-28T03:10', { timezone: 'Europe/Berlin' }),
  agentWith('bounded', '*/5 * * * *', { timezone: 'Europe/Berlin', until: '2027-03-28T04:00' }),
];

type Step =
  | { is: 'advance'; ms: number }
  /** SIGKILL in the middle of the store call of that number of this life, before or after it did its work. */
  | { is: 'kill'; call: number; applied: boolean; downMs: number }
  | { is: 'jump'; ms: number }
  | { is: 'jobs'; finishAtOnce: boolean };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ is: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 15 * MINUTE }) }),
  fc.record({
    is: fc.constant('kill' as const),
    call: fc.integer({ min: 1, max: 40 }),
    applied: fc.boolean(),
    downMs: fc.integer({ min: 0, max: 150 * MINUTE }),
  }),
  fc.record({ is: fc.constant('jump' as const), ms: fc.integer({ min: -60 * MINUTE, max: 60 * MINUTE }) }),
  fc.record({ is: fc.constant('jobs' as const), finishAtOnce: fc.boolean() }),
);

async function live(steps: readonly Step[]): Promise<World> {
  const world = new World(BIRTH);
  world.agents = AGENTS;
  await world.boot();
  for (const step of steps) {
    switch (step.is) {
      case 'advance':
        await world.clock.advance(step.ms);
        break;
      case 'jump':
        world.clock.wall = Math.max(BIRTH, world.clock.wall + step.ms);
        break;
      case 'jobs':
        world.registry.finishAtOnce = step.finishAtOnce;
        for (const job of world.registry.jobs) job.finished = true;
        break;
      case 'kill':
        world.life.kill();
        await world.boot(step);
        await world.clock.advance(3 * MINUTE);
        world.life.kill();
        world.clock.wall += step.downMs;
        world.clock.monotonic += 1;
        await world.boot();
    }
  }
  await world.clock.advance(2 * MINUTE);
  await world.life.schedule.stop();
  return world;
}

/** Every slot of the schedule, from the agent's beginning to now: none missing, none twice, each ended once with its job. */
function expectWhole(world: World) {
  const now = world.clock.wall;
  for (const { name, schedule } of AGENTS) {
    const timetable = timetableOf(schedule!);
    const expected: number[] = [];
    for (let at = timetable.next(BIRTH); at !== undefined && at <= now; at = timetable.next(at)) expected.push(at);
    const rows = world.registry.of(name);
    const past = rows.filter(({ due }) => due <= now);
    expect(past.map(({ due }) => due)).toEqual(expected);
    for (const row of rows) {
      const asked = row.state === 'ran' || row.state === 'caught-up';
      if (row.due <= now) expect(['ran', 'caught-up', 'skipped', 'missed']).toContain(row.state);
      expect(typeof row.job).toBe(asked ? 'string' : 'object');
      if (row.state === 'missed' || row.state === 'skipped') expect(row.reason).toBeTruthy();
      const jobs = world.jobsOf(name).filter(({ slot }) => slot === row.due);
      expect(jobs.map(({ id }) => id)).toEqual(asked ? [row.job] : []);
    }
    const hasEnded = timetable.hasEnd && timetable.next(Math.max(now, rows.at(-1)?.due ?? now)) === undefined;
    if (!hasEnded) expect(rows.some(({ due, state }) => due > now && state === 'planned')).toBe(true);
  }
}

it('whatever befalls the host, every slot ends in exactly one state, with exactly one job or none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 6 }), async (steps) =>
      expectWhole(await live(steps)),
    ),
    { numRuns: 60 },
  );
});

it('killed at each of its first sixty store calls, before it and after it, the schedule comes back whole', async () => {
  for (let call = 1; call <= 60; call++)
    for (const applied of [false, true])
      expectWhole(
        await live([
          { is: 'advance', ms: MINUTE },
          { is: 'kill', call, applied, downMs: (call % 7) * 9 * MINUTE },
        ]),
      );
});
