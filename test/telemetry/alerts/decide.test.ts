import { describe, expect, test } from 'vitest';
import { CHILD_GRACE_MS } from '../../../src/telemetry/alerts/decide.ts';
import { alertWorld, T0 } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('one trouble', () => {
  test('is told once, reminded of after 1 h, 6 h and 24 h, and its end is told', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail');
    for (let minutes = 0; minutes < 30 * 60; minutes += 10) {
      one.pass(10 * MINUTE);
      one.post('mail');
    }
    one.end('shop');
    expect(one.said()).toEqual(['mail firing', 'mail reminder', 'mail reminder', 'mail reminder', 'mail over']);
    const hours = one.world.sent.map(({ at }) => (at - T0) / HOUR);
    expect(hours).toEqual([0, 1, 6, 24, 30]);
    expect(one.world.known[0]).toMatchObject({ state: 'over', ending: 'it is gone', returns: 0 });
  });

  test('that happens anew is told once a day after the reminders, and not for nothing', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail');
    for (let hours = 0; hours < 5 * 24; hours++) {
      const newestAt = hours > 3 * 24 ? one.world.now : T0;
      one.world.troubles.set('shop', { ...one.world.troubles.get('shop')!, newestAt });
      one.pass(HOUR);
      one.post('mail');
    }
    const hours = one.world.sent.map(({ at }) => (at - T0) / HOUR);
    expect(hours).toEqual([0, 1, 6, 24, 74, 98]);
  });

  test('a warning is told once, without reminders', () => {
    const one = alertWorld();
    one.begin('disk', { severity: 'warning' });
    one.post('mail');
    one.pass(30 * HOUR);
    one.end('disk');
    expect(one.said()).toEqual(['mail firing', 'mail over']);
  });

  test('that comes back is the same alert, and its end is believed later each time', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail');
    one.end('shop');
    one.post('mail');
    one.pass(MINUTE);
    one.begin('shop');
    one.post('mail');
    expect(one.said()).toEqual(['mail firing', 'mail over', 'mail firing']);
    for (let flaps = 0; flaps < 60; flaps++) {
      one.end('shop');
      one.pass(MINUTE);
      one.begin('shop');
      one.pass(MINUTE);
      one.post('mail');
    }
    expect(one.said().slice(3)).toEqual(['mail reminder']);
    one.end('shop');
    one.pass(7 * HOUR);
    expect(one.said().slice(4)).toEqual(['mail over']);
    expect(new Set(one.world.sent.map(({ alert }) => alert)).size).toBe(1);
  });

  test('that comes back after an hour is another alert', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail');
    one.end('shop');
    one.post('mail');
    one.pass(61 * MINUTE);
    one.begin('shop');
    expect(new Set(one.world.sent.map(({ alert }) => alert)).size).toBe(2);
  });
});

describe('nobody is told', () => {
  test('of a muted cause, neither of its end; reminders stop with it', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail');
    one.world.muted.add('shop');
    one.pass(2 * HOUR);
    one.end('shop');
    one.pass(MINUTE);
    one.world.muted.clear();
    one.pass(MINUTE);
    expect(one.said()).toEqual(['mail firing']);
    expect(one.world.steps.at(-1)).toMatchObject({ is: 'over', silent: true });
  });

  test('in a maintenance window; at its end, if it still holds', () => {
    const one = alertWorld();
    one.world.windows.add('shop');
    one.begin('shop');
    one.begin('cart');
    one.world.windows.add('bill');
    one.begin('bill');
    one.end('bill');
    one.pass(HOUR);
    expect(one.world.sent.map(({ fingerprint }) => fingerprint)).toEqual(['cart']);
    one.world.windows.clear();
    one.pass(MINUTE);
    expect(one.world.sent.map(({ fingerprint }) => fingerprint)).toEqual(['cart', 'shop']);
  });

  test('in a window of an end either, which is told after it', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail');
    one.world.windows.add(null);
    one.end('shop');
    one.pass(HOUR);
    expect(one.said()).toEqual(['mail firing']);
    one.world.windows.clear();
    one.pass(MINUTE);
    expect(one.said()).toEqual(['mail firing', 'mail over']);
  });

  test('of troubles that come of another one: that one is told, and they are if they outlive it', () => {
    const one = alertWorld();
    one.begin('api.example', { agent: null, needsPerson: false });
    expect(one.said()).toEqual([]);
    one.begin('shop', { parent: 'api.example' });
    one.begin('cart', { parent: 'api.example' });
    expect(one.world.sent.map(({ fingerprint }) => fingerprint)).toEqual(['api.example']);
    one.post('mail');
    one.end('api.example');
    one.post('mail');
    one.pass(CHILD_GRACE_MS / 2);
    one.end('cart');
    one.pass(CHILD_GRACE_MS);
    expect(one.world.sent.map(({ fingerprint, is }) => `${fingerprint} ${is}`)).toEqual([
      'api.example firing',
      'api.example over',
      'shop firing',
    ]);
  });

  test('of a trouble that comes back as one that is only shown', () => {
    const one = alertWorld();
    one.begin('disk', { severity: 'warning' });
    one.post('mail');
    one.end('disk');
    one.post('mail');
    one.begin('disk', { severity: 'warning', needsPerson: false });
    one.pass(30 * MINUTE);
    expect(one.said()).toEqual(['mail firing', 'mail over']);
    one.begin('disk', { severity: 'warning' });
    expect(one.said()).toEqual(['mail firing', 'mail over', 'mail firing']);
  });

  test('of what somebody deals with, as long as nothing comes of it', () => {
    const one = alertWorld();
    one.begin('api.example', { agent: null, needsPerson: false });
    one.begin('slow', { parent: 'api.example', severity: 'warning' });
    one.pass(HOUR);
    expect(one.said()).toEqual([]);
  });
});

describe('a channel', () => {
  test('that delivered nothing before the end gets begin and end in one', () => {
    const one = alertWorld();
    one.world.state.set('mail', 'held');
    one.begin('shop');
    one.pass(7 * HOUR);
    expect(one.said()).toEqual(['mail firing']);
    one.end('shop');
    one.turn();
    expect(one.said()).toEqual(['mail firing', 'mail both']);
    one.post('mail');
    expect(one.world.jobs.size).toBe(1);
  });

  test('that is posting when the trouble ends is told of the end after it', () => {
    const one = alertWorld();
    one.begin('shop');
    one.post('mail', 'running');
    one.end('shop');
    one.turn();
    expect(one.said()).toEqual(['mail firing']);
    one.post('mail');
    expect(one.said()).toEqual(['mail firing', 'mail over']);
  });

  test('that gave up is replaced by another one, which hears of the end, too', () => {
    const one = alertWorld({ open: ['mail'], digest: ['chat'] });
    one.begin('shop');
    one.post('mail', 'failed');
    expect(one.said()).toEqual(['mail firing', 'chat firing']);
    one.post('chat');
    one.end('shop');
    expect(one.said().slice(2)).toEqual(['mail both', 'chat over']);
  });

  test('that is late for a minute, or held, is helped out by another one; what waits for it stays', () => {
    const one = alertWorld({ open: ['mail'], digest: ['chat'] });
    one.begin('shop');
    one.pass(59_000);
    expect(one.said()).toEqual(['mail firing']);
    one.pass(2_000);
    expect(one.said()).toEqual(['mail firing', 'chat firing']);
    one.world.state.set('mail', 'held');
    one.begin('cart');
    expect(one.said().slice(2)).toEqual(['mail firing', 'chat firing']);
  });

  test('is not told of its own trouble, nor is one that is missing', () => {
    const one = alertWorld({ open: ['mail', 'gone'], warning: ['chat'] });
    one.world.state.set('gone', 'missing');
    one.begin('mail');
    expect(one.said()).toEqual(['chat firing']);
  });
});
