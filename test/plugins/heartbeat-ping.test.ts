import { GiveUp } from 'daruma';
import { expect, it } from 'vitest';
import heartbeatPing from '../../plugins/heartbeat-ping.ts';
import { runPlugin, type World } from './context.ts';
import { agentOf, busyReport, reportOf } from './fleet-sample.ts';
import { network } from './network.ts';

const CHECK = 'a1b2c3d4-0000-4000-8000-000000000001';

/** A stub of the pinging API: it answers as Healthchecks documents it, 200 for a check that does not exist included. */
async function monitor(answer = 'OK') {
  const server = await network(({ path }) => {
    const known = path.startsWith(`/${CHECK}`);
    return { headers: { 'content-type': 'text/plain' }, body: known ? answer : 'OK (not found)' };
  });
  const pings = (world: World = {}) =>
    runPlugin(heartbeatPing, {
      secrets: { HEARTBEAT_CHECK: CHECK },
      ...world,
      settings: { server: server.url, ...(world.settings as object) },
    });
  const told = () => server.seen.map(({ path, body }) => [path.replace(`/${CHECK}`, ''), body]);
  return { pings, told };
}

it('tells that Daruma is at work, and fails the check with what needs a person where that is wanted', async () => {
  const { pings, told } = await monitor();
  expect((await pings({ report: busyReport() })).result).toEqual({ pinged: 'success' });
  await pings({ report: busyReport(), settings: { needs: true } });
  await pings({ health: { asked: 'edge', ok: false, tookMs: 5_000, detail: 'no answer within 5 s' } });
  expect(told()).toEqual([
    ['', expect.stringMatching(/^592 jobs/)],
    [
      '/fail',
      expect.stringContaining('price-watch: 13 dead letters: prices is not iterable\n  next: daruma dlq show f-b20'),
    ],
    ['/fail', 'no answer within 5 s'],
  ]);
});

it('tells of one agent: its work, its failures, and nothing where it did nothing', async () => {
  const { pings, told } = await monitor();
  const states = new Map<string, unknown>();
  const settings = { watch: 'backup' };
  const world = (different: object) => ({
    states,
    settings,
    report: reportOf({ agents: [agentOf('backup', different)] }),
  });
  await pings(world({ done: 1 }));
  const since = states.get('since');
  const { result, periods } = await pings(world({ done: 0 }));
  expect(result).toEqual({ pinged: null });
  expect(periods).toMatchObject([{ from: since }]);
  await pings({ states, settings: { watch: 'price-watch' }, report: busyReport() });
  expect(told().map(([path]) => path)).toEqual(['', '/fail']);
  expect(told()[1]![1]).toContain('job-a02: TypeError: prices is not iterable');
  await expect(pings({ settings: { watch: 'nobody' } })).rejects.toThrow('there is no agent nobody');
});

it('passes on what another agent sends: start and end of a run, and lines for the log', async () => {
  const { pings, told } = await monitor();
  const run = '00000000-0000-4000-8000-000000000009';
  for (const ping of ['start', 'log', 'success', 'fail']) await pings({ input: { ping, text: ping, run } });
  expect(told()).toEqual(
    ['/start', '/log', '', '/fail'].map((path, place) => [
      `${path}?rid=${run}`,
      ['start', 'log', 'success', 'fail'][place],
    ]),
  );
});

it('a check that does not exist and a ping that was not counted are no success, though the status is 200', async () => {
  const { pings } = await monitor();
  await expect(pings({ secrets: { HEARTBEAT_CHECK: 'wrong' } })).rejects.toThrow(GiveUp);
  const busy = await monitor('OK (rate limited)');
  await expect(busy.pings()).rejects.toThrow('did not count the ping');
});
