import { expect, test } from 'vitest';
import { composeDigest, healedAlert } from '../../../src/telemetry/alerts/digest.ts';
import { composePost } from '../../../src/telemetry/alerts/text.ts';
import { alertWorld, T0 } from './world.ts';

const HOUR = 3_600_000;
const facts = { clock: { now: T0, zone: 'UTC' }, place: 'ops-1 my-ops', page: 'https://daruma.example/' };

test('an alert says what, since when, what was done, what is left, the next command and who causes it', () => {
  const one = alertWorld();
  one.begin('shop', {
    done: ['it was killed'],
    culprit: 'chrome (pid 7, 2 GB)',
    seen: '*stuck* for 9m',
    incident: 'inc-4',
  });
  const [alert] = one.world.known;
  const post = composePost(alert!, alert!.steps[0]!, facts);
  expect(post).toMatchObject({
    title: '✗ shop is stuck',
    level: 'critical',
    url: 'https://daruma.example/incidents/inc-4',
  });
  expect(post.text.split('\n')).toEqual([
    '*stuck* for 9m',
    'since: 12:00 (0ms ago)',
    'done: it was killed',
    'caused by: chrome (pid 7, 2 GB)',
    'left to you: mend it',
    'next: daruma status',
    'installation: ops-1 my-ops',
  ]);
  expect(post.markdown).toContain('\\*stuck\\* for 9m\n\n- **since**');
  expect(post.markdown).toContain('- **next**: `daruma status`');
});

test('an end says how long it was, and all of it to a channel that heard nothing before', () => {
  const one = alertWorld();
  one.begin('shop');
  one.post('mail');
  one.pass(2 * HOUR);
  one.end('shop');
  const [alert] = one.world.known;
  const step = alert!.steps.at(-1)!;
  const over = composePost(alert!, step, facts);
  expect(over).toMatchObject({ title: '✓ over: shop is stuck (2h)', level: 'recovery' });
  expect(over.text).toContain('left to you: nothing');
  const both = composePost(alert!, step, { ...facts, both: true });
  expect(both.text.split('\n').slice(0, 2)).toEqual(['it is', 'It is over: it is gone. Nobody could be told before.']);
});

test('a warning has a sign of its own', () => {
  const one = alertWorld();
  one.begin('disk', { severity: 'warning', title: 'disk of host is rising' });
  const [alert] = one.world.known;
  expect(composePost(alert!, alert!.steps[0]!, facts)).toMatchObject({
    title: '! disk of host is rising',
    level: 'warning',
  });
});

test('a digest counts what was healed by cause, and names what holds; there is none of a day without both', () => {
  const healed = (incident: string, took: number) => ({
    ...{ incident, fingerprint: 'f', agent: 'shop', title: 'shop was over its memory limit', seen: 's', done: [] },
    ...{ since: T0 - took, endedAt: T0, ending: 'healed' },
  });
  const one = alertWorld();
  one.begin('cart');
  const since = T0 - 24 * HOUR;
  expect(composeDigest({ healed: [], holding: [], since }, facts.clock)).toBeUndefined();
  const digest = composeDigest(
    { healed: [healed('inc-9', 4_000), healed('inc-8', 9_000)], holding: one.world.known, since },
    facts.clock,
  )!;
  expect(digest.seen.split('\n')).toEqual([
    '2 troubles were healed since Mon 12:00',
    '✓ shop was over its memory limit ×2 (longest 9.0s, inc-9)',
    '1 still holds',
    '✗ cart is stuck since 12:00: daruma status',
  ]);
  const single = healedAlert(healed('inc-9', 4_000), T0);
  expect(composePost(single, single.steps[0]!, facts)).toMatchObject({ level: 'recovery' });
  expect(healedAlert(healed('inc-9', 4_000), T0 + HOUR).id).toBe(single.id);
});
