import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alertWorld } from './world.ts';

const MINUTE = 60_000;
const NAMES = ['shop', 'cart', 'bill', 'api.example'] as const;

type Deed =
  | { do: 'begin' | 'end' | 'mute' | 'unmute' | 'open window' | 'close window'; who: (typeof NAMES)[number] }
  | { do: 'pass'; ms: number }
  | { do: 'post'; channel: 'mail' | 'chat'; is: 'done' | 'failed' | 'running' }
  | { do: 'hold' | 'free'; channel: 'mail' | 'chat' };

const who = fc.constantFrom(...NAMES);
const channel = fc.constantFrom('mail' as const, 'chat' as const);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('begin' as const, 'end' as const), who }) },
  fc.record({
    do: fc.constantFrom('mute' as const, 'unmute' as const, 'open window' as const, 'close window' as const),
    who,
  }),
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90 * MINUTE }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('post' as const),
      channel,
      is: fc.constantFrom('done' as const, 'failed' as const, 'running' as const),
    }),
  },
  fc.record({ do: fc.constantFrom('hold' as const, 'free' as const), channel }),
);

function lived(deeds: readonly Deed[]) {
  const one = alertWorld({ open: ['mail'], warning: ['mail', 'chat'] });
  const { world } = one;
  for (const deed of deeds) {
    switch (deed.do) {
      case 'begin':
        if (world.troubles.has(deed.who)) break;
        one.begin(deed.who, {
          parent: deed.who === 'api.example' ? null : 'api.example',
          needsPerson: deed.who !== 'api.example',
          severity: deed.who === 'bill' ? 'warning' : 'open',
        });
        break;
      case 'end':
        one.end(deed.who);
        break;
      case 'mute':
        world.muted.add(deed.who);
        break;
      case 'unmute':
        world.muted.delete(deed.who);
        break;
      case 'open window':
        world.windows.add(deed.who);
        break;
      case 'close window':
        world.windows.delete(deed.who);
        break;
      case 'pass':
        one.pass(deed.ms);
        break;
      case 'post':
        one.post(deed.channel, deed.is);
        break;
      case 'hold':
        world.state.set(deed.channel, 'held');
        break;
      case 'free':
        world.state.set(deed.channel, 'up');
    }
    one.turn();
    const firing = world.known.filter(({ state }) => state === 'firing').map(({ fingerprint }) => fingerprint);
    expect(new Set(firing).size).toBe(firing.length);
  }
  return one;
}

test('whatever happens, people hear little, in order, and never half of it', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
      const { world } = lived(deeds);
      // Decided: an end only after its begin, and a begin only after the end of the one before.
      for (const steps of Map.groupBy(world.steps, ({ alert }) => alert).values()) {
        let knows = false;
        for (const { is } of steps) {
          expect(is === 'firing').toBe(!knows);
          knows = is !== 'over';
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('whatever happens, no step is decided in a window, of a muted cause, or while the trouble holds that it came of', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
      const { world } = lived(deeds);
      for (const { is, silent, holds, kept } of world.steps) {
        expect(kept).toBe(silent ? 'muted' : null);
        expect(holds).toBe(is !== 'over');
      }
    }),
    { numRuns: 300 },
  );
});

test('whatever happens, a channel that works in the end knows of the end of all that it was to hear of', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
      const one = lived(deeds);
      const { world } = one;
      for (const name of NAMES) {
        world.muted.delete(name);
        world.windows.delete(name);
        world.troubles.delete(name);
      }
      for (const name of ['mail', 'chat']) world.state.set(name, 'up');
      for (let left = 0; left < 30; left++) {
        one.pass(30 * MINUTE);
        for (const name of ['mail', 'chat']) one.post(name);
      }
      expect(world.known).toEqual([]);
      const lines = Map.groupBy(world.sent, ({ channel, alert }) => `${channel} ${alert}`);
      for (const line of lines.values()) {
        const done = line.filter(({ job }) => world.jobs.get(job)?.is === 'done');
        // Each channel that was told of the begin is told of the end, and nothing of an end alone.
        let knows = false;
        for (const { is, both } of done) {
          if (is === 'over') expect(both).toBe(!knows);
          knows = is !== 'over';
        }
      }
    }),
    { numRuns: 300 },
  );
});
