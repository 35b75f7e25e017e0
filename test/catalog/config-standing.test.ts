import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueSource } from '../../src/catalog/ports.ts';
import { changedSettings, changeWords, configId } from '../../src/catalog/rollout/config-change.ts';
import {
  approve,
  begun,
  type ConfigStanding,
  type ConfigTaken,
  excuse,
  forgive,
  HOST_CAUSE,
  isFresh,
  MOST_FAILED,
  NO_CONFIG_STANDING,
  reject,
  stopped,
  takeConfig,
  told,
  worked,
} from '../../src/catalog/rollout/config-standing.ts';

const said = (values: Record<string, unknown>, origin = 'config/daruma.yaml:1:1'): ValueSource[] =>
  Object.entries(values).map(([path, value]) => ({ path, value, origin }));
const CHANGED = [{ path: 'cells.idle', before: '60s', after: '1ms' }];
const FLEET = { kind: 'fleet' as const, why: '2 of 2 agents do worse', changed: CHANGED, struck: [] };

/** Starts of hosts on files, one after the other. */
class Installation {
  rollout: ConfigStanding = NO_CONFIG_STANDING;
  taken: ConfigTaken = { is: 'good' };
  now = 0;

  start(id: string, { wasLost = false, afresh = false } = {}) {
    this.now += 1;
    const { rollout, taken } = takeConfig(this.rollout, id, id === 'good' ? [] : CHANGED, this.now);
    this.rollout = begun(rollout, taken, { wasLost, afresh });
    this.taken = taken;
    return taken.is;
  }
  worked() {
    this.rollout = worked(this.rollout, this.taken);
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
  it('that say what is good are on no trial', () => {
    const place = new Installation();
    expect(place.start('good')).toBe('good');
    expect(place.start('new')).toBe('on-trial');
    expect(place.start('good')).toBe('good');
    expect(place.rollout.trial).toBeNull();
  });

  it('stay on the same trial from host to host, and begin another when they change', () => {
    const place = new Installation();
    place.start('new');
    place.worked();
    place.start('new', { wasLost: true });
    expect(place.rollout.trial).toMatchObject({ since: 1, starts: 2, lost: 1, failed: 1 });
    place.start('newer', { wasLost: true });
    expect(place.rollout.trial).toMatchObject({ since: 3, starts: 1, lost: 0 });
  });

  it('are taken back when two hosts in a row did not work for long, before the third begins with them', () => {
    const place = new Installation();
    for (let i = 0; i < MOST_FAILED; i++) expect(place.start('new', { wasLost: i > 0 })).toBe('on-trial');
    expect(place.start('new', { wasLost: true })).toBe('taken-back');
    expect(isFresh(place.taken)).toBe(true);
    expect(place.rollout.bad).toMatchObject([{ id: 'new', kind: 'lost', changed: CHANGED, isTold: false }]);
  });

  it('are given time by a host that worked, one that was stopped, and a person who starts it', () => {
    const place = new Installation();
    for (let i = 0; i < 9; i++) {
      expect(place.start('new', { wasLost: true })).toBe('on-trial');
      place.worked();
    }
    place.start('new');
    place.rollout = stopped(place.rollout);
    for (let i = 0; i < 9; i++) expect(place.start('new', { afresh: true })).toBe('on-trial');
  });

  it('were not it when the host before does not work for long with the good ones either', () => {
    const place = new Installation();
    for (let i = 0; i <= MOST_FAILED; i++) place.start('new', { wasLost: true });
    expect(place.taken.is).toBe('taken-back');
    place.rollout = told(place.rollout, 'new');
    expect(place.start('new', { wasLost: true })).toBe('on-trial');
    expect(place.rollout.trial?.excused).toEqual([HOST_CAUSE]);
    // From now on it is no matter of the settings.
    for (let i = 0; i < 9; i++) expect(place.start('new', { wasLost: true })).toBe('on-trial');
  });

  it('were it when the host works with the good ones', () => {
    const place = new Installation();
    for (let i = 0; i <= MOST_FAILED; i++) place.start('new', { wasLost: true });
    place.worked();
    for (let i = 0; i < 9; i++) expect(place.start('new', { wasLost: true })).toBe('taken-back');
    expect(isFresh(place.taken)).toBe(true);
    place.rollout = told(place.rollout, 'new');
    place.start('new');
    expect(isFresh(place.taken)).toBe(false);
  });

  it('that are bad stay so until they are changed, excused or forced', () => {
    const place = new Installation();
    place.start('new');
    place.rollout = reject(place.rollout, FLEET, 5);
    expect(place.start('new')).toBe('taken-back');
    expect(place.start('other')).toBe('on-trial');
    expect(place.start('new')).toBe('taken-back');
    place.rollout = excuse(place.rollout, 'new', ['f-1'], 6);
    expect(place.start('new')).toBe('on-trial');
    expect(place.rollout.trial).toMatchObject({ since: 6, excused: ['f-1'] });
    // Once is enough: they are not tried by turns.
    place.rollout = reject(place.rollout, FLEET, 7);
    expect(place.rollout.bad[0]).toMatchObject({ appeal: 'over', excused: ['f-1'] });
    place.rollout = forgive(place.rollout, 'new');
    expect(place.start('new')).toBe('on-trial');
    place.rollout = approve(place.rollout);
    expect(place.rollout).toEqual(NO_CONFIG_STANDING);
  });

  it('keep to the law in any history: nothing bad in force, no trial beside it, no more than ten remembered', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('start' as const),
        id: fc.constantFrom('good', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'),
        wasLost: fc.boolean(),
        afresh: fc.boolean(),
      }),
      fc.record({ do: fc.constantFrom('work', 'stop', 'reject', 'excuse', 'approve', 'told') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const place = new Installation();
        for (const one of steps) {
          const id = place.taken.is === 'taken-back' ? place.taken.bad.id : '';
          if (one.do === 'start' && 'id' in one) {
            const is = place.start(one.id, one);
            expect(is === 'good').toBe(one.id === 'good');
            expect(is === 'on-trial').toBe(place.rollout.trial !== null);
            if (place.rollout.trial) expect(place.rollout.trial.id).toBe(one.id);
          } else if (one.do === 'work') place.worked();
          else if (one.do === 'stop') place.rollout = stopped(place.rollout);
          else if (one.do === 'reject') place.rollout = reject(place.rollout, FLEET, place.now);
          else if (one.do === 'excuse') place.rollout = excuse(place.rollout, id, ['f-1'], place.now);
          else if (one.do === 'approve') place.rollout = approve(place.rollout);
          else if (one.do === 'told') place.rollout = told(place.rollout, id);
          const { trial, bad } = place.rollout;
          expect(bad.length).toBeLessThanOrEqual(10);
          expect(new Set(bad.map((each) => each.id)).size).toBe(bad.length);
          if (trial) {
            expect(bad.map((each) => each.id)).not.toContain(trial.id);
            expect(trial.lost).toBeLessThan(Math.max(1, trial.starts));
            expect(trial.failed).toBeLessThanOrEqual(trial.starts);
            if (!trial.excused.includes(HOST_CAUSE)) expect(trial.failed).toBeLessThanOrEqual(MOST_FAILED);
          }
        }
      }),
    );
  });
});
