import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orphanProblem, orphansOf } from '../../src/host/orphans.ts';
import { makeWorld, plugin, type World } from './world.ts';

describe('an agent that goes with a change of the files', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/rss.ts': plugin('rss'),
      'plugins/report.ts': plugin('report', ''),
      'agents/daily.yaml': 'plugin: report\nschedule: "@daily"\n',
    });
  });
  afterAll(() => world.end());

  it('because a file names its plugin is told, with what keeps it, over a restart, until it is back', async () => {
    world.write('agents/rss-news.yaml', 'plugin: rss\n');
    await world.until('it is told', () => world.catalog.notes().length > 0);
    const note = {
      code: 'AGENT_ENDED',
      file: 'agents/rss-news.yaml',
      message: expect.stringMatching(/^rss no longer runs by itself/),
      next: expect.stringContaining('add agents/rss.yaml with `plugin: rss` to keep it'),
    };
    expect(world.catalog.notes()).toMatchObject([note]);
    expect(world.lines).toContainEqual({
      level: 'warn',
      message: expect.stringContaining('rss no longer runs by itself'),
    });
    expect(world.catalog.problems()).toEqual([]);
    await world.restart();
    expect(world.catalog.notes()).toMatchObject([note]);
    world.write('agents/rss.yaml', 'plugin: rss\n');
    await world.until('it is back', () => world.catalog.agents().has('rss'));
    expect(world.catalog.notes()).toEqual([]);
    expect(world.catalog.gone()).toEqual([]);
  });

  /** A look between the two halves of a rename sees the heir first. */
  const lastGone = () => world.catalog.gone().at(-1)?.agent;

  it('by a rename is known by its heir', async () => {
    world.write('agents/weekly.yaml', 'plugin: report\nschedule: "@weekly"\n');
    world.remove('agents/daily.yaml');
    await world.until('it is gone', () => world.listing('daily') === undefined);
    expect(world.catalog.gone()).toMatchObject([{ agent: 'daily', by: null }]);
    renameSync(join(world.folder, 'agents/weekly.yaml'), join(world.folder, 'agents/monthly.yaml'));
    await world.until('the heir is there', () => world.listing('monthly') && lastGone() === 'weekly');
    expect(world.catalog.gone()).toMatchObject([{ agent: 'daily' }, { agent: 'weekly', heir: 'monthly' }]);
    // Between the two the plugin must not run by itself.
    expect(world.lines.filter(({ message }) => message.startsWith('report is live'))).toEqual([]);
    expect(world.catalog.notes()).toEqual([]);
  });

  it('by a rename of its own file is not said to have run by itself, whatever its name', async () => {
    world.write('agents/report.yaml', 'plugin: report\n');
    await world.until('it is there', () => world.catalog.agents().has('report'));
    renameSync(join(world.folder, 'agents/report.yaml'), join(world.folder, 'agents/yearly.yaml'));
    await world.until('the heir is there', () => world.listing('yearly') && lastGone() === 'report');
    expect(world.catalog.gone().at(-1)).toMatchObject({ agent: 'report', by: null, heir: 'yearly' });
    expect(world.catalog.notes()).toEqual([]);
  });

  it('and an agent of a plugin that never ran by itself is no news', async () => {
    world.write('agents/weekly-two.yaml', 'plugin: report\n');
    await world.until('it is there', () => world.catalog.agents().has('weekly-two'));
    expect(world.catalog.notes()).toEqual([]);
  });
});

describe('jobs that belong to no agent', () => {
  const overview = (agent: string, queued: number, retrying = 0) => ({
    agent,
    queued,
    retrying,
    running: 0,
    dead: 0,
    newest: null,
    ended: null,
  });

  it('are those that wait for a name that nothing lists, practice aside', () => {
    const all = [overview('report', 2, 1), overview('here', 3), overview('done', 0), overview('drill-leak', 4)];
    expect(orphansOf(all, [{ name: 'here' }])).toEqual([{ agent: 'report', waiting: 3, queued: 2 }]);
  });

  it('are told with the ways out', () => {
    const gone = [{ agent: 'report', plugin: 'report', at: 0, by: null, heir: 'weekly' }];
    expect(orphanProblem({ agent: 'report', waiting: 1 }, gone)).toMatchObject({
      message:
        '1 job waits for report, which is no agent any more (it may be weekly now): they run when a file of that name is there again',
      next: expect.stringContaining('daruma cancel --agent report'),
    });
  });
});
