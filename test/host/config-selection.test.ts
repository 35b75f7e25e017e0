import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueSource } from '../../src/catalog/ports.ts';
import { changedSettings, changeWords, configId } from '../../src/host/config/change.ts';
import {
  approveConfig,
  type ConfigHistory,
  type ConfigSelection,
  configBegun,
  configEnded,
  configReported,
  forgiveConfig,
  MOST_LOST,
  NO_CONFIG_HISTORY,
  rejectConfig,
  selectConfig,
} from '../../src/host/config/selection.ts';

const said = (values: Record<string, unknown>, origin = 'config/daruma.yaml:1:1'): ValueSource[] =>
  Object.entries(values).map(([path, value]) => ({ path, value, origin }));
const CHANGED = [{ path: 'cells.idle', before: '60s', after: '1ms' }];
const BY_HAND = { kind: 'by-hand' as const, why: 'was taken back by hand', changed: CHANGED };

/** Starts and ends of hosts on files, one after the other. */
class Installation {
  history: ConfigHistory = NO_CONFIG_HISTORY;
  selection: ConfigSelection = { is: 'good' };
  now = 0;

  /** A host begins; whichever ran before without an `end` was lost. */
  start(id: string, { isFirstStart = false } = {}) {
    this.now += 1;
    const { history, selection } = selectConfig(this.history, id, id === 'good' ? [] : CHANGED, this.now);
    this.history = configBegun(history, { isFirstStart, now: this.now });
    this.selection = selection;
    return selection.is;
  }
  end() {
    this.history = configEnded(this.history);
  }
}

describe('what a change is', () => {
  it('is told by path, old and new value; what is the same, and comments, are none', () => {
    const before = said({ 'cells.idle': '60s', 'logs.level': 'info', 'cells.size': 50 }, 'default');
    const after = said({
      'cells.idle': '1ms',
      'logs.level': 'info',
      'control.socket': '/run/a.sock',
      'cells.size': 50,
    });
    const changed = changedSettings(before, after);
    expect(changeWords(changed)).toBe('cells.idle 60s → 1ms, control.socket unset → /run/a.sock');
    expect(changedSettings(before, said({ 'cells.size': 50, 'logs.level': 'info', 'cells.idle': '60s' }))).toEqual([]);
  });

  it('never shows what is secret', () => {
    const text = changeWords(
      changedSettings(
        said({ 'store.url': 'postgres://ann:wonder@db/one', 'llm.apiKey': 'sk-1' }),
        said({ 'store.url': 'postgres://ann:secret@db/two', 'llm.apiKey': 'sk-2' }),
      ),
    );
    expect(text).toContain('postgres://(hidden)@db/two');
    expect(text).not.toMatch(/wonder|secret|ann|sk-/);
  });

  it('has a name that depends on what is said alone', () => {
    const one = configId(said({ a: 1, b: 'x' }));
    expect(configId(said({ b: 'x', a: 1 }, 'other:9:9'))).toBe(one);
    expect(configId([...said({ a: 1, b: 'x' }), ...said({ c: 3 }, 'default')])).toBe(one);
    expect(configId(said({ a: 1, b: 'y' }))).not.toBe(one);
  });

  it('is the same for both ways round, and nothing for the same', () => {
    const values = fc.dictionary(fc.constantFrom('a', 'b.c', 'd'), fc.oneof(fc.integer(), fc.string()));
    fc.assert(
      fc.property(values, values, (one, other) => {
        const there = changedSettings(said(one), said(other));
        const back = changedSettings(said(other), said(one));
        expect(back.map(({ path, before, after }) => ({ path, before: after, after: before }))).toEqual(there);
        expect(there.length === 0).toBe(configId(said(one)) === configId(said(other)));
      }),
    );
  });
});

describe('settings of the host', () => {
  it('that say what is good are on no probation', () => {
    const place = new Installation();
    expect(place.start('good')).toBe('good');
    expect(place.start('new')).toBe('on-probation');
    expect(place.start('good')).toBe('good');
    expect(place.history.probation).toBeNull();
  });

  it('stay on the same probation from host to host, and begin another when they change', () => {
    const place = new Installation();
    place.start('new');
    place.start('new');
    expect(place.history.probation).toEqual({ id: 'new', since: 1, lost: 1, isOpen: true });
    place.start('newer');
    expect(place.history.probation).toEqual({ id: 'newer', since: 3, lost: 0, isOpen: true });
  });

  it('are taken back when two hosts were lost, before the third begins with them; the next start knows it already', () => {
    const place = new Installation();
    for (let i = 0; i < MOST_LOST; i++) expect(place.start('new')).toBe('on-probation');
    expect(place.start('new')).toBe('taken-back');
    expect(place.selection).toMatchObject({ isNew: true });
    expect(place.history.bad).toMatchObject([
      {
        id: 'new',
        kind: 'lost',
        why: 'the host was lost twice in its first ten minutes with them',
        since: 1,
        at: 3,
        changed: CHANGED,
        isReported: false,
      },
    ]);
    expect(place.start('new')).toBe('taken-back');
    expect(place.selection).toMatchObject({ isNew: false });
  });

  it('are not blamed for hosts that were stopped, nor for those before a person started the host', () => {
    const place = new Installation();
    for (let i = 0; i < 9; i++) {
      expect(place.start('new')).toBe('on-probation');
      place.end();
    }
    for (let i = 0; i < 9; i++) expect(place.start('new', { isFirstStart: true })).toBe('on-probation');
    expect(place.history.probation).toMatchObject({ since: 18, lost: 0 });
  });

  it('that lost one host, and another one after a stop in between, are taken back all the same', () => {
    const place = new Installation();
    place.start('new');
    place.start('new');
    place.end();
    place.start('new');
    expect(place.start('new')).toBe('taken-back');
  });

  it('that are bad stay so until they are changed or forced', () => {
    const place = new Installation();
    place.start('new');
    place.history = rejectConfig(place.history, BY_HAND, 5);
    expect(place.start('new')).toBe('taken-back');
    expect(place.start('other')).toBe('on-probation');
    expect(place.start('new')).toBe('taken-back');
    place.history = configReported(place.history, 'new');
    expect(place.history.bad[0]).toMatchObject({ id: 'new', isReported: true });
    place.history = forgiveConfig(place.history, 'new');
    expect(place.start('new')).toBe('on-probation');
    place.history = approveConfig(place.history);
    expect(place.history).toEqual(NO_CONFIG_HISTORY);
  });

  it('that are bad are remembered beside each other, the newest ten; what befalls one is no matter of the others', () => {
    const place = new Installation();
    for (let i = 0; i < 12; i++) {
      place.start(`new-${i}`);
      place.history = rejectConfig(place.history, BY_HAND, i);
    }
    expect(place.history.bad.map(({ id }) => id)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((i) => `new-${i}`));
    place.history = configReported(place.history, 'new-11');
    expect(place.history.bad.filter(({ isReported }) => isReported).map(({ id }) => id)).toEqual(['new-11']);
    place.history = forgiveConfig(place.history, 'new-11');
    expect(place.history.bad).toHaveLength(9);
  });

  it('are on probation no longer when the clock is set back', () => {
    const place = new Installation();
    place.now = 1_000;
    place.start('new');
    place.now = 10;
    place.start('new');
    expect(place.history.probation).toMatchObject({ since: 11 });
  });

  it('keep to the law in any history: nothing bad in force, no probation beside it, no more than ten remembered', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('start' as const),
        id: fc.constantFrom('good', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'),
        isFirstStart: fc.boolean(),
      }),
      fc.record({ do: fc.constantFrom('end', 'reject', 'forgive', 'approve', 'report') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const place = new Installation();
        for (const one of steps) {
          const id = place.selection.is === 'taken-back' ? place.selection.bad.id : '';
          if (one.do === 'start' && 'id' in one) {
            const is = place.start(one.id, one);
            expect(is === 'good').toBe(one.id === 'good');
            expect(is === 'on-probation').toBe(place.history.probation !== null);
            if (place.history.probation) expect(place.history.probation.id).toBe(one.id);
          } else if (one.do === 'end') place.end();
          else if (one.do === 'reject') place.history = rejectConfig(place.history, BY_HAND, place.now);
          else if (one.do === 'forgive') place.history = forgiveConfig(place.history, id);
          else if (one.do === 'approve') place.history = approveConfig(place.history);
          else if (one.do === 'report') place.history = configReported(place.history, id);
          const { probation, bad } = place.history;
          expect(bad.length).toBeLessThanOrEqual(10);
          expect(new Set(bad.map((each) => each.id)).size).toBe(bad.length);
          if (!probation) continue;
          expect(bad.map((each) => each.id)).not.toContain(probation.id);
          expect(probation.lost).toBeLessThan(MOST_LOST);
        }
      }),
    );
  });
});
