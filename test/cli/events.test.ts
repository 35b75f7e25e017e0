import { expect, test } from 'vitest';
import type { EventView } from '../../src/control/protocol.ts';
import { servedInstallation } from './fake-host.ts';
import { startCli } from './process.ts';

const { folder, serve, inFolder, asked } = servedInstallation();
const event = (id: number, over: Partial<EventView> = {}): EventView => ({
  ...{ id, at: `2026-11-22T11:04:0${id}.000Z`, kind: 'agent.paused', agent: 'backup' },
  ...{ message: `paused by hand, ${id}`, who: null, cause: null, data: null },
  ...over,
});

test('are shown oldest first, those of one topic since a time; an unknown agent is no empty list', async () => {
  await serve({
    events: ({ agent }) => (agent === 'backp' ? [] : [event(2), event(1)]),
    status: () => ({ agents: [{ name: 'backup' }] }) as never,
  });
  const { out } = await inFolder(
    'events',
    'backup',
    '--topic',
    'agent.paused',
    '--since',
    '2026-11-22',
    '--limit',
    '5',
  );
  expect(out).toMatch(/paused by hand, 1\n.*12:04:02\.000 agent\.paused backup {2}paused by hand, 2\n$/);
  expect(asked()[0]!.args).toEqual({
    ...{ agent: 'backup', kind: 'agent.paused', limit: 5 },
    since: '2026-11-21T23:00:00.000Z',
  });
  expect((await inFolder('events', 'backp')).err).toContain('did you mean backup');
  expect(JSON.parse((await inFolder('events', '--json')).out).map(({ id }: EventView) => id)).toEqual([1, 2]);
});

test('each new event is followed, and told once', async () => {
  let all = [event(1)];
  await serve({ events: ({ since }) => all.filter(({ at }) => since === undefined || at >= since).toReversed() });
  const running = startCli(['events', '-f', '--json'], { cwd: folder() });
  await running.says('"id":1');
  all = [...all, event(2, { at: all[0]!.at }), event(3)];
  await running.says('"id":3');
  running.child.kill();
  const { out } = await running.ended;
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id),
  ).toEqual([1, 2, 3]);
});
