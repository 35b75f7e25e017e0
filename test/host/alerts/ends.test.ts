import { expect, it } from 'vitest';
import type { Incident } from '../../../src/healing/ports.ts';
import { T0 } from '../../clock.ts';
import { agentOf, noIncidents, startedAlerts } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const host = startedAlerts();

it('an alert of dead letters holds while they wait, whatever the agent does next, and ends when nobody waits for them', async () => {
  const at = await host();
  at.ended('shop', 'dead');
  at.ended('shop', 'dead');
  await at.pass(MINUTE);
  expect(at.titles()).toEqual(['✗ shop has failed']);
  expect(at.told[0]!.text).toContain('2 dead letters wait');
  at.look('shop', { state: 'running' });
  await at.pass(MINUTE);
  at.ended('shop', 'done');
  await at.pass(70 * MINUTE);
  expect(at.titles()).toEqual(['✗ shop has failed', '✗ shop has 2 dead letters, still after 1h']);
  expect(at.told[1]!.text).toContain('next: daruma jobs shop --state dead; daruma replay --agent shop');
  at.clear('shop');
  await at.pass(MINUTE);
  expect(at.titles().at(-1)).toMatch(/^✓ over: shop has 2 dead letters/);
  expect(at.told.at(-1)!.text).toContain('it is ok, and no dead letter of it waits any more');
});

it('a dead letter of an agent that is busy with other jobs is told, too', async () => {
  const at = await host();
  at.ended('shop', 'dead');
  at.ended('shop', 'done');
  await at.pass(MINUTE);
  expect(at.titles()).toEqual(['✗ shop has 1 dead letter']);
});

it('an agent that runs always is back when it has run for a minute, not when it is started again', async () => {
  const at = await host();
  const run = (state: 'running' | 'retrying', cause: string | null) => {
    const newest = { id: 'job-1', trigger: 'always', state, cause, startedAt: at.clock.wall, error: null };
    const overview = { agent: 'bot', queued: 0, running: 0, retrying: 0, dead: 0, newest, ended: null } as never;
    at.look('bot', { state: state === 'running' ? 'running' : 'failed', why: 'does not run', overview });
  };
  for (let starts = 0; starts < 5; starts++) {
    run('retrying', 'f-1');
    await at.pass(30_000);
    run('running', 'f-1');
    await at.pass(30_000);
  }
  expect(at.titles()).toEqual(['✗ bot has failed']);
  await at.pass(2 * MINUTE);
  expect(at.titles()).toEqual(['✗ bot has failed', expect.stringMatching(/^✓ over: bot has failed/)]);
});

it('a host that has just started ends no alert of what it has not looked at', async () => {
  let warnings = [warning('warning:disk:host')];
  const at = await host({ warnings: () => warnings });
  at.ended('shop', 'dead');
  await at.pass(MINUTE);
  expect(at.titles()).toHaveLength(2);
  // Neither the looks of warnings nor all agents are there in the first moments of the next host.
  const { statuses } = at;
  const shop = statuses.get('shop')!;
  statuses.delete('shop');
  const before = warnings;
  warnings = [];
  await at.restart();
  await at.pass(MINUTE);
  warnings = before;
  statuses.set('shop', shop);
  await at.pass(10 * MINUTE);
  expect(at.titles()).toHaveLength(2);
  statuses.delete('shop');
  warnings = [];
  await at.pass(MINUTE);
  const ends = at.told.slice(2).map(({ text }) => text.split('\n')[0]);
  expect(ends.sort()).toEqual(['it is seen no more', 'the agent is gone']);
});

it('a channel that gave up is in trouble until it delivers, also when its alert is long forgotten and the host another', async () => {
  const at = await host({ alerts: { open: ['mail'], warning: ['chat'], digest: [] } });
  at.away.set('mail', 'failing');
  at.ended('shop', 'dead');
  await at.pass(MINUTE);
  at.clear('shop');
  await at.leap(90 * 60_000);
  await at.leap(90 * 60_000);
  await at.restart();
  await at.leap(3 * HOUR);
  const ofMail = () => at.titles().filter((title) => title.includes('mail delivers no alerts'));
  expect(ofMail()[0]).toBe('✗ mail delivers no alerts');
  expect(ofMail().some((title) => title.includes('over'))).toBe(false);
  at.away.delete('mail');
  at.channels().proven('mail');
  await at.pass(MINUTE);
  expect(ofMail().at(-1)).toMatch(/^✓ over: mail delivers no alerts/);
});

it('a leak is over after a day without one, with another version, or when a person closes it, not with its worker', async () => {
  const incident = (more: object) =>
    ({
      ...{ id: 'inc-1', agent: 'shop', verdict: 'leaking', seen: 'w1 grows', openedAt: T0, fingerprint: 'f-1' },
      ...{ timeline: [], remedies: [{ what: 'w1 goes', held: true }], evidence: null, version: 'v1' },
      ...{ state: 'open', endedAt: null, ...more },
    }) as unknown as Incident;
  const lives = async (end: object, version: string) => {
    let open = [incident({})];
    const at = await host({ open: () => open, store: { ...noIncidents, incident: async () => incident(end) } });
    at.agents.set('shop', { ...agentOf('shop'), version: { id: version } } as never);
    await at.pass(MINUTE);
    open = [];
    await at.leap(HOUR);
    const early = at.titles().length;
    await at.leap(24 * HOUR);
    await at.service().stop();
    return [early, at.titles().filter((title) => title.includes('shop')).length];
  };
  expect(await lives({ state: 'healed', endedAt: T0 + MINUTE }, 'v1')).toEqual([1, 2]);
  expect(await lives({ state: 'healed', endedAt: T0 + MINUTE }, 'v2')).toEqual([2, 2]);
  expect(await lives({ state: 'closed', endedAt: T0 + MINUTE }, 'v1')).toEqual([2, 2]);
});

function warning(fingerprint: string) {
  return {
    ...{
      fingerprint,
      severity: 'warning' as const,
      agent: null,
      since: 0,
      title: 'disk of host is rising',
      seen: '71 %',
    },
    ...{ done: [], left: 'see to it', next: 'daruma doctor', culprit: null, incident: null, parent: null },
    needsPerson: true,
  };
}
