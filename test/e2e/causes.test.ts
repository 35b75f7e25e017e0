import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventView } from '../../src/control/protocol.ts';
import { type Installation, installation, plugin } from './installation.ts';

/** A slot of `fresh` is missed when no host is there for so long. */
const MISSED_MS = 2_500;
const GOOD = plugin("return 'good';", 'limits: { attempts: 1 },');
const CRASHES = plugin(
  `setTimeout(() => { throw new Error('out of the blue'); }); await new Promise(() => {});`,
  'limits: { attempts: 1 },',
);

let place: Installation;

beforeAll(async () => {
  place = installation({
    'plugins/shop.ts': GOOD,
    'plugins/clock.ts': plugin("return 'tick';", "schedule: '* * * * * *',"),
    'plugins/dies.ts': plugin("throw new GiveUp('no use');"),
    'plugins/fresh.ts': plugin("return 'tick';", "schedule: '* * * * * *', limits: { staleAfter: '1s' },"),
  });
  await place.start();
});
afterAll(() => place.leave());

async function lineOf(of: string | number): Promise<EventView[]> {
  return (await place.daruma('events', '--cause', String(of), '--json')).json;
}
const eventsOf = async (topic: string): Promise<EventView[]> =>
  (await place.daruma('events', '--topic', topic, '--json')).json;
const kinds = (events: readonly EventView[]) => events.map(({ kind }) => kind);
/** Every event but the first came of one that stands before it. */
const isOneLine = (line: readonly EventView[]) =>
  line.every(({ cause }, i) => (i === 0 ? cause === null : cause === line[i - 1]!.id));

it('a version that crashes walks back from healed to the file that was saved, and whose it is', async () => {
  for (let i = 0; i < 4; i++) await place.daruma('run', 'shop', '--wait');
  await place.until(
    () => eventsOf('version.good'),
    (found) => found.some(({ agent }) => agent === 'shop'),
  );
  place.write('plugins/shop.ts', CRASHES);
  await place.until(
    async () => {
      await place.daruma('run', 'shop', '--wait');
      return await eventsOf('incident.healed');
    },
    (found) => found.some(({ agent }) => agent === 'shop'),
  );
  const [healed] = (await eventsOf('incident.healed')).filter(({ agent }) => agent === 'shop');
  const incident = String(healed!.data!.incident);
  const line = await lineOf(incident);
  expect(kinds(line)).toEqual([
    'file.saved',
    'agent.changed',
    'worker.gone',
    'incident.opened',
    'incident.remedied',
    'version.rolled-back',
    'incident.healed',
  ]);
  expect(isOneLine(line)).toBe(true);
  expect(line[0]).toMatchObject({
    who: expect.stringMatching(/^owner:./),
    data: { file: 'plugins/shop.ts' },
  });
  expect(line.slice(1).map(({ who }) => who)).toEqual(['catalog', null, 'healing', 'rollout', 'rollout', 'healing']);
  const { stdout, code } = await place.daruma('events', '--cause', incident);
  expect(code).toBe(0);
  expect(stdout).toMatch(/file\.saved host {2}plugins\/shop\.ts was saved: version \w{8}/);
  expect(stdout.split('\n')[1]).toMatch(/event \d+ by owner:\S+$/);
  // From the file's side: the same, and the dead letter that the worker left.
  const came = await lineOf(line[0]!.id);
  expect(came).toEqual(expect.arrayContaining(line));
  const dead = came.find(({ kind }) => kind === 'job.dead');
  expect(dead?.cause).toBe(line[2]!.id);
});

it('a slot that a pause skipped walks back to the person', async () => {
  await place.daruma('pause', 'clock');
  const [skipped] = await place.until(
    () => eventsOf('slot.skipped'),
    (found) => found.length > 0,
  );
  await place.daruma('resume', 'clock');
  const line = await lineOf(skipped!.id);
  expect(kinds(line)).toEqual(['agent.paused', 'slot.skipped']);
  expect(line[0]!.who).toMatch(/^cli:./);
  expect(line[1]!.message).toContain('was skipped: paused by hand');
  const [resumed] = await eventsOf('agent.resumed');
  expect(kinds(await lineOf(resumed!.id))).toEqual(['agent.paused', 'agent.resumed']);
});

it('what a person does with a dead letter came of its death', async () => {
  const { json: job } = await place.daruma('run', 'dies', '--wait', '--json');
  await place.daruma('replay', job.id);
  const replayed = await eventsOf('job.replayed');
  expect(kinds(await lineOf(replayed[0]!.id)).slice(0, 2)).toEqual(['job.dead', 'job.replayed']);
  expect(replayed[0]!.who).toMatch(/^cli:./);
});

it('what people are told came of the dead letter, and its end of the begin', async () => {
  const told = await place.until(
    () => eventsOf('alert.firing'),
    (found) => found.some(({ agent }) => agent === 'dies'),
  );
  const firing = told.find(({ agent }) => agent === 'dies');
  const line = await lineOf(firing!.id);
  expect(kinds(line)[0]).toBe('job.dead');
  expect(line.at(-1)).toMatchObject({ kind: 'alert.firing', who: 'alerts', data: { severity: 'open' } });
  expect(isOneLine(line)).toBe(true);
});

it('the start of a host, and the slots that were missed before it, came of the end of the host before', async () => {
  const [first] = await eventsOf('host.started');
  expect(first!.cause).toBe(null);
  // The guardian starts no host while it stands still, as on a machine that has much else to do.
  const guardian = place.started()!.pid!;
  process.kill(guardian, 'SIGSTOP');
  process.kill(place.host()!.pid, 'SIGKILL');
  const back = Date.now() + MISSED_MS;
  await place.until(
    async () => Date.now(),
    (now) => now > back,
  );
  process.kill(guardian, 'SIGCONT');
  const starts = await place.until(
    () => eventsOf('host.started').catch(() => []),
    (found) => found.length === 2,
  );
  expect(kinds(await lineOf(starts.at(-1)!.id)).slice(0, 2)).toEqual(['host.lost', 'host.started']);
  // A slot that was missed while a host was there has no cause that is known.
  const missed = await place.until(
    () => eventsOf('slot.missed'),
    (found) => found.some(({ cause }) => cause !== null),
  );
  const line = await lineOf(missed.find(({ cause }) => cause !== null)!.id);
  expect(kinds(line)[0]).toBe('host.lost');
  expect(line.at(-1)).toMatchObject({ kind: 'slot.missed', agent: 'fresh' });
});

it('an event that is not kept is said to be so, and other filters are refused', async () => {
  expect(await place.daruma('events', '--cause', '999999', '--json')).toMatchObject({
    code: 1,
    json: { error: { code: 'EVENT_UNKNOWN' } },
  });
  expect((await place.daruma('events', 'shop', '--cause', '1')).code).toBe(2);
});
