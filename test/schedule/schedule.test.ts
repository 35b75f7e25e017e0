import { afterEach, describe, expect, it } from 'vitest';
import { planHold } from '../../src/jobs/placement.ts';
import { agentWith, settled, timeOf, World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) {
    if (!world.life.killed) await world.life.schedule.stop();
    expect(world.clock.sleeping(world.life)).toBe(0);
  }
});

async function worldOf(start: string, ...agents: World['agents']): Promise<World> {
  const world = new World(start);
  worlds.push(world);
  world.agents = agents;
  await world.boot();
  return world;
}

describe('slots are rows before their time', () => {
  it('writes those of the next two minutes, and at least the next one', async () => {
    const world = await worldOf(
      '2026-11-20T10:00:30Z',
      agentWith('often', '* * * * *'),
      agentWith('daily', '0 2 * * *'),
    );
    expect(world.told('often')).toEqual(['10:01 planned', '10:02 planned']);
    expect(world.told('daily')).toEqual(['02:00 planned']);
  });

  it('starts a new agent from now, without a look back', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z');
    world.life.schedule.use([agentWith('new', '* * * * *', { catchUp: 'all' })]);
    await settled();
    expect(world.told('new')).toEqual(['10:01 planned', '10:02 planned']);
    expect(world.registry.jobs).toEqual([]);
  });

  it('turns each due slot into one job', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'), agentWith('b', '*/2 * * * *'));
    await world.clock.advance(2 * MINUTE);
    expect(world.jobsOf('a')).toMatchObject([
      {
        slot: Date.parse('2026-11-20T10:01Z'),
        key: `slot:${Date.parse('2026-11-20T10:01Z')}`,
        trigger: 'schedule',
        attempts: 3,
      },
      { slot: Date.parse('2026-11-20T10:02Z'), runAt: Date.parse('2026-11-20T10:02Z') },
    ]);
    expect(world.jobsOf('b')).toHaveLength(1);
    expect(world.jobsOf('a').every(({ addedAt, slot }) => addedAt === slot)).toBe(true);
  });

  it('eighteen hours of every minute: each slot ran, on time', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    await world.clock.advance(18 * HOUR);
    expect(world.states('a')).toEqual({ ran: 1_080, planned: 2 });
    expect(world.jobsOf('a').every(({ addedAt, slot }) => addedAt === slot)).toBe(true);
  });

  it('a hundred agents of every second cost a few store calls a second', async () => {
    const agents = Array.from({ length: 100 }, (_, i) => agentWith(`a${i}`, '* * * * * *', { overlap: 'queue' }));
    const world = await worldOf('2026-11-20T10:00:30Z', ...agents);
    await world.clock.advance(0);
    // All rows of the next two minutes, before the first of them is due.
    expect(world.registry.rows.size).toBe(12_000);
    await world.clock.advance(5 * SECOND);
    const before = world.registry.called.length;
    await world.clock.advance(10 * SECOND);
    expect(world.states('a7')).toEqual({ ran: 15, planned: 120 });
    expect((world.registry.called.length - before) / 10).toBeLessThanOrEqual(4);
    expect(world.registry.jobs).toHaveLength(1_500);
  });
});

describe('clocks', () => {
  it.each([
    ['Europe/Berlin', '2027-03-28T00:30Z'],
    ['Europe/Berlin', '2027-10-31T00:30Z'],
    ['America/New_York', '2027-03-14T06:30Z'],
    ['America/New_York', '2027-11-07T05:30Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:00Z'],
    ['Australia/Lord_Howe', '2027-04-03T14:30Z'],
    ['Antarctica/Troll', '2027-03-28T00:30Z'],
    ['Antarctica/Troll', '2027-10-31T00:30Z'],
    ['America/Santiago', '2026-09-06T03:30Z'],
    ['America/Santiago', '2027-04-04T02:30Z'],
  ])('%s at %s: every minute goes on, each wall time of the day is kept once', async (timezone, start) => {
    const world = await worldOf(
      start,
      agentWith('minutely', '* * * * *', { timezone }),
      agentWith('named', '*/30 0-3,23 * * *', { timezone }),
    );
    await world.clock.advance(3 * HOUR);
    expect(world.states('minutely')).toMatchObject({ ran: 180 });
    const walls = world.registry
      .of('named')
      .filter(({ state }) => state === 'ran')
      .map(({ due }) =>
        Temporal.Instant.fromEpochMilliseconds(due).toZonedDateTimeISO(timezone).toPlainDateTime().toString(),
      );
    expect(new Set(walls).size).toBe(walls.length);
    expect(world.jobsOf('named')).toHaveLength(walls.length);
  });

  it('a sleep of eight hours runs the newest slot, and lists all others as missed', async () => {
    const world = await worldOf('2026-11-20T22:00:30Z', agentWith('a', '0 * * * *'));
    await world.clock.advance(MINUTE);
    // The machine sleeps: only the wall clock goes on.
    world.clock.wall += 8 * HOUR;
    await world.clock.advance(30 * SECOND);
    expect(world.told('a')).toEqual([
      ...['23:00', '00:00', '01:00', '02:00', '03:00', '04:00', '05:00'].map((at) => `${at} missed`),
      '06:00 caught-up',
      '07:00 planned',
    ]);
    expect(world.jobsOf('a')).toHaveLength(1);
    expect(world.lines).toContain('the clock went forward (or the machine slept) by 8h');
  });

  it('a clock that is set back repeats no slot, and goes on where it was', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '*/10 * * * *'));
    await world.clock.advance(40 * MINUTE);
    world.clock.wall -= 25 * MINUTE;
    await world.clock.advance(45 * MINUTE);
    expect(world.told('a')).toEqual(
      ['10:10', '10:20', '10:30', '10:40', '10:50', '11:00'].map((at) => `${at} ran`).concat('11:10 planned'),
    );
    expect(world.jobsOf('a')).toHaveLength(6);
    expect(world.lines).toContain('the clock went back by 25m');
  });

  it('a clock that was years ahead for a moment does not stop the schedule', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.clock.wall += 5 * 365 * 24 * HOUR;
    await world.clock.advance(MINUTE);
    world.clock.wall -= 5 * 365 * 24 * HOUR;
    await world.clock.advance(10 * MINUTE);
    const today = world.registry.of('a').filter(({ due }) => due < world.clock.wall);
    expect(today.map(({ due, state }) => `${timeOf(due)} ${state}`).slice(-3)).toEqual([
      '10:09 ran',
      '10:10 ran',
      '10:11 ran',
    ]);
  });

  it('never sleeps longer than thirty seconds', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '0 0 1 1 *'));
    let last = world.life.schedule.alive()!;
    for (let i = 0; i < 20; i++) {
      await world.clock.advance(30 * SECOND);
      const alive = world.life.schedule.alive()!;
      expect(alive - last).toBeGreaterThan(0);
      last = alive;
    }
  });
});

describe('after an absence', () => {
  const absent = async (minutes: number, ...agents: World['agents']) => {
    const world = await worldOf('2026-11-20T10:00:30Z', ...agents);
    await world.clock.advance(MINUTE);
    world.life.kill();
    world.clock.wall += minutes * MINUTE;
    world.clock.monotonic += 5;
    await world.boot();
    return world;
  };

  it('thirty-five missed slots are one job with catchUp once, the rest are missed', async () => {
    const world = await absent(35, agentWith('a', '* * * * *'));
    expect(world.states('a')).toEqual({ ran: 2, missed: 34, planned: 2 });
    expect(world.jobsOf('a')).toHaveLength(2);
    expect(world.registry.of('a')[1]!.reason).toBe(
      'seen 34m 30s late: the host was down, or the machine asleep or too busy; catchUp: once runs only the newest',
    );
  });

  it('catchUp skip runs none of them', async () => {
    const world = await absent(35, agentWith('a', '*/5 * * * *', { catchUp: 'skip' }));
    expect(world.states('a')).toEqual({ missed: 7, planned: 1 });
    expect(world.registry.jobs).toEqual([]);
  });

  it('catchUp all runs the newest ten, no more, one behind the other', async () => {
    const world = await absent(120, agentWith('a', '*/5 * * * *', { catchUp: 'all' }));
    expect(world.states('a')).toEqual({ missed: 14, 'caught-up': 10, planned: 1 });
    expect(world.jobsOf('a').map(({ slot }) => timeOf(slot!))).toEqual([
      '11:15',
      '11:20',
      '11:25',
      '11:30',
      '11:35',
      '11:40',
      '11:45',
      '11:50',
      '11:55',
      '12:00',
    ]);
  });

  it('an agent of every second that queues gets ten jobs at once, not thousands', async () => {
    const world = await absent(35, agentWith('a', '* * * * * *', { overlap: 'queue', catchUp: 'all' }));
    expect(world.jobsOf('a')).toHaveLength(60 + 10);
    expect(world.states('a').planned).toBeGreaterThan(100);
  });

  it('a crowd that comes back together is spread by its jitter from now on', async () => {
    const crowd = Array.from({ length: 20 }, (_, i) => agentWith(`a${i}`, '*/30 * * * *', { jitterMs: 60_000 }));
    const world = await absent(45, ...crowd);
    const delays = world.registry.jobs.map(({ runAt }) => runAt! - world.clock.wall);
    expect(delays).toHaveLength(20);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(30_000);
  });

  it('what would be stale is missed instead of handed out', async () => {
    const world = await absent(35, agentWith('a', '*/30 * * * *', { staleAfterMs: 4 * MINUTE }));
    expect(world.told('a')).toEqual(['10:30 missed', '11:00 planned']);
    expect(world.registry.of('a')[0]!.reason).toContain('stale after 4m');
  });

  it('more than a thousand missed slots are summed up in the first one that is listed', async () => {
    const world = await absent(60 * 24 * 30, agentWith('a', '* * * * *'));
    expect(world.states('a')).toEqual({ ran: 2, missed: 1_001, planned: 2 });
    const summed = world.registry.of('a').filter(({ reason }) => reason?.includes('the first one listed of more'));
    expect(summed).toHaveLength(1);
    expect(summed[0]!.reason).toContain('missed since 2026-11-20T10:03:00.000Z');
  });

  it('a short restart is no absence', async () => {
    const world = await worldOf('2026-11-20T10:00:58Z', agentWith('a', '* * * * *', { catchUp: 'skip' }));
    world.life.kill();
    world.clock.wall += 20 * SECOND;
    await world.boot();
    expect(world.told('a')[0]).toBe('10:01 ran');
  });
});

describe('overlap', () => {
  it('skips a slot while the job of an earlier one is unfinished, and names that job', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.registry.finishAtOnce = false;
    await world.clock.advance(2 * MINUTE);
    world.registry.jobs[0]!.finished = true;
    await world.clock.advance(MINUTE);
    expect(world.told('a').slice(0, 3)).toEqual(['10:01 ran', '10:02 skipped', '10:03 ran']);
    expect(world.registry.of('a')[1]!.reason).toBe(
      'j-1, the job of the slot at 2026-11-20T10:01:00.000Z, is unfinished (overlap: skip)',
    );
  });

  it('queues it, if so asked', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *', { overlap: 'queue' }));
    world.registry.finishAtOnce = false;
    await world.clock.advance(3 * MINUTE);
    expect(world.registry.unfinished('a')).toHaveLength(3);
  });

  it('or cancels the earlier job', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *', { overlap: 'replace' }));
    world.registry.finishAtOnce = false;
    await world.clock.advance(3 * MINUTE);
    expect(world.jobsOf('a').map(({ cancelled }) => cancelled)).toEqual([
      'the next slot was due (overlap: replace)',
      'the next slot was due (overlap: replace)',
      undefined,
    ]);
  });

  it('takes no notice of jobs that no slot asked for', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.registry.jobs.push({
      id: 'j-hand',
      agent: 'a',
      trigger: 'manual',
      input: null,
      attempts: 1,
      addedAt: 0,
      finished: false,
    });
    await world.clock.advance(MINUTE);
    expect(world.told('a')[0]).toBe('10:01 ran');
  });
});

describe('many agents', () => {
  const hundred = () => Array.from({ length: 100 }, (_, i) => agentWith(`a${i}`, '* * * * *'));

  it('a hundred that are due in one second cost one read of the store, and one write', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', ...hundred());
    const before = world.registry.called.length;
    await world.clock.advance(MINUTE / 2);
    // The next slots are written ahead after the due ones have their jobs.
    expect(world.registry.called.slice(before)).toEqual(['dueSlots', 'decide', 'plan']);
    expect(world.registry.jobs).toHaveLength(100);
  });

  it('an absence of all of them costs one read and one write as well', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', ...hundred());
    world.life.kill();
    await world.clock.advance(7 * MINUTE);
    const before = world.registry.called.length;
    await world.boot();
    const called = world.registry.called.slice(before);
    expect(called.filter((name) => name === 'slotJobs')).toHaveLength(1);
    // One for the slots that were rows before the host went, one for those that nobody wrote.
    expect(called.filter((name) => name === 'decide')).toHaveLength(2);
    expect(world.states('a42')).toMatchObject({ missed: 6, ran: 1 });
  });

  it('slots of an absence that the store refuses cost no other agent its own, and are tried again', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'), agentWith('b', '* * * * *'));
    world.life.kill();
    await world.clock.advance(7 * MINUTE);
    world.registry.refuses = ({ agent, due }) => agent === 'b' && due > Date.parse('2026-11-20T10:02Z');
    await world.boot();
    expect(world.states('a')).toMatchObject({ missed: 6, ran: 1 });
    expect(world.states('b')).not.toHaveProperty('ran');
    world.registry.refuses = () => false;
    await world.clock.advance(2 * SECOND);
    expect(world.states('b')).toMatchObject({ missed: 6, ran: 1 });
  });
});

describe('changes', () => {
  it('a new expression cancels what it does not ask for, and keeps what both ask for', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.life.schedule.use([agentWith('a', '*/2 * * * *')]);
    await settled();
    expect(world.told('a')).toEqual(['10:01 cancelled', '10:02 planned']);
    expect(world.registry.of('a')[0]!.reason).toBe('the schedule changed to "*/2 * * * *" (UTC)');
    await world.clock.advance(4 * MINUTE);
    expect(world.told('a')).toEqual(['10:01 cancelled', '10:02 ran', '10:04 ran', '10:06 planned']);
  });

  it('so does one that changed while the host was down, and a change there and back loses nothing', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '0 2 * * *'));
    world.life.kill();
    world.agents = [agentWith('a', '0 3 * * *')];
    await world.boot();
    expect(world.told('a')).toEqual(['02:00 cancelled', '03:00 planned']);
    world.life.schedule.use([agentWith('a', '0 2 * * *')]);
    await world.clock.advance(24 * HOUR);
    expect(world.told('a')).toEqual(['02:00 ran', '03:00 cancelled', '02:00 planned']);
  });

  it('after a change to a denser schedule, a crash leaves no hole', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '0 2 * * *'));
    world.agents = [agentWith('a', '*/5 * * * *')];
    world.life.schedule.use(world.agents);
    await world.clock.advance(MINUTE);
    world.life.kill();
    world.clock.wall += HOUR;
    await world.boot();
    expect(world.told('a').slice(0, 12)).toEqual([
      ...['10:05', '10:10', '10:15', '10:20', '10:25', '10:30', '10:35', '10:40', '10:45', '10:50', '10:55'].map(
        (at) => `${at} missed`,
      ),
      '11:00 caught-up',
    ]);
  });

  it('an agent that goes away has its slots cancelled; when it comes back, they are its own again', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '0 11 * * *'), agentWith('b', '0 11 * * *'));
    world.life.schedule.use([agentWith('b', '0 11 * * *')]);
    await settled();
    expect(world.told('a')).toEqual(['11:00 cancelled']);
    world.life.schedule.use(world.agents);
    await world.clock.advance(HOUR);
    expect(world.told('a')).toEqual(['11:00 ran', '11:00 planned']);
    expect(world.told('b')).toEqual(['11:00 ran', '11:00 planned']);
  });

  it('the time that an agent was off is not an absence', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '*/10 * * * *', { catchUp: 'all' }));
    world.life.schedule.use([]);
    await world.clock.advance(3 * HOUR);
    world.life.schedule.use(world.agents);
    await settled();
    expect(world.told('a')).toEqual(['10:10 cancelled', '13:10 planned']);
    world.life.schedule.use([]);
    await settled();
    world.life.kill();
    world.clock.wall += 3 * HOUR;
    await world.boot();
    expect(world.told('a')).toEqual(['10:10 cancelled', '13:10 cancelled', '16:10 planned']);
    expect(world.registry.jobs).toEqual([]);
  });

  it('nor is it when the agent had run before, and comes back with the host', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '*/10 * * * *', { catchUp: 'all' }));
    await world.clock.advance(15 * MINUTE);
    world.life.schedule.use([]);
    await world.clock.advance(HOUR);
    world.life.schedule.use(world.agents);
    await settled();
    world.life.schedule.use([]);
    await settled();
    world.life.kill();
    world.clock.wall += 3 * HOUR;
    await world.boot();
    expect(world.told('a')).toEqual(['10:10 ran', '10:20 cancelled', '11:20 cancelled', '14:20 planned']);
  });

  it('other changes of an agent leave its slots alone and hold from the next one on', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    const changed = agentWith('a', '* * * * *', { jitterMs: 0 });
    world.life.schedule.use([{ ...changed, limits: { ...changed.limits, attempts: 7 } }]);
    await world.clock.advance(MINUTE);
    expect(world.told('a')).toEqual(['10:01 ran', '10:02 planned', '10:03 planned']);
    expect(world.registry.jobs[0]!.attempts).toBe(7);
  });

  it('a schedule that cannot be read is told and does not stop the others', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('bad', 'whenever'), agentWith('good', '* * * * *'));
    expect(world.told('good')).toHaveLength(2);
    expect(world.lines.join()).toContain('bad has no slots');
  });
});

describe('holds', () => {
  const paused = (until: number | null) => planHold({ name: 'a', pause: { since: 0, until } });
  /** As the host's pauses answer: a slot is held that is due before the end. */
  const until =
    (end: number): World['holdOf'] =>
    (_, due) =>
      due < end ? paused(end) : null;

  it('slots of a paused agent end as skipped, also those of an absence', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '*/10 * * * *'));
    world.holdOf = until(Date.parse('2026-11-20T10:25:00Z'));
    await world.clock.advance(15 * MINUTE);
    world.life.kill();
    world.clock.wall += 20 * MINUTE;
    const life = await world.boot();
    expect(world.told('a')).toEqual(['10:10 skipped', '10:20 skipped', '10:30 caught-up', '10:40 planned']);
    expect(world.registry.of('a')[1]!.reason).toBe('paused until 2026-11-20T10:25:00.000Z');
    expect(life.killed).toBe(false);
  });

  it('slots that were due in a pause stay skipped when they are looked at after its end', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '*/10 * * * *'));
    world.life.kill();
    world.clock.wall += 35 * MINUTE;
    world.holdOf = until(world.clock.wall);
    await world.boot();
    expect(world.told('a')).toEqual(['10:10 skipped', '10:20 skipped', '10:30 skipped', '10:40 planned']);
  });

  it('a pause without end ends when it is resumed', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.holdOf = () => paused(null);
    await world.clock.advance(2 * MINUTE);
    world.holdOf = until(world.clock.wall);
    await world.clock.advance(MINUTE);
    expect(world.told('a').slice(0, 3)).toEqual(['10:01 skipped', '10:02 skipped', '10:03 ran']);
    expect(world.registry.of('a')[0]!.reason).toBe('paused by hand');
  });

  it('of a quarantine one slot is let through when a probe is due, and the others are skipped with its reason', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    const quarantine = { since: 0, incident: 'inc-7', probes: 0, nextProbeAt: 0 };
    const asked: number[] = [];
    world.letThrough = (_, due) => asked.push(due) === 1;
    world.holdOf = (name) => planHold({ name, quarantine: { ...quarantine, allowance: 0 } });
    await world.clock.advance(MINUTE);
    expect(asked).toEqual([]);
    world.holdOf = (name) => planHold({ name, quarantine: { ...quarantine, allowance: 1 } });
    await world.clock.advance(2 * MINUTE);
    expect(world.told('a').slice(0, 3)).toEqual(['10:01 skipped', '10:02 ran', '10:03 skipped']);
    expect(world.registry.of('a')[2]!.reason).toBe('quarantined: inc-7');
  });

  it('under pressure slots ask for their jobs', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.holdOf = (name) => planHold({ name, pressure: { since: 0, growth: 'shrink', leastPriority: 0, seen: '' } });
    await world.clock.advance(MINUTE);
    expect(world.told('a')[0]).toBe('10:01 ran');
  });
});

describe('the service', () => {
  it('is harmless to stop twice and before start, and starts again', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    const { schedule } = world.life;
    await schedule.start();
    await schedule.stop();
    await schedule.stop();
    expect(schedule.alive()).toBeUndefined();
    await world.clock.advance(5 * MINUTE);
    expect(world.states('a')).toEqual({ planned: 2 });
    await schedule.start();
    await settled();
    expect(world.states('a')).toEqual({ missed: 4, ran: 1, planned: 2 });
  });

  it('goes on after the store failed, and says so twice in all', async () => {
    const world = await worldOf('2026-11-20T10:00:30Z', agentWith('a', '* * * * *'));
    world.registry.failing = new Error('disk full');
    await world.clock.advance(45 * SECOND);
    world.registry.failing = undefined;
    await world.clock.advance(5 * SECOND);
    expect(world.told('a')[0]).toBe('10:01 ran');
    expect(world.lines).toEqual([
      'slots cannot be planned or settled; trying on',
      'slots are planned and settled again',
    ]);
  });
});
