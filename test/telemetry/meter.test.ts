import { expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/kernel/measures.ts';
import { firstValue } from '../../src/kernel/series.ts';
import { sketchQuantile } from '../../src/kernel/sketch.ts';
import { createMeter } from '../../src/telemetry/meter/meter.ts';

const T0 = Date.UTC(2026, 10, 24, 12);

function freshMeter() {
  const clock = { now: T0 };
  return { clock, meter: createMeter(() => clock.now) };
}

test('values add up by series and minute, and each minute is taken once, when it is over', () => {
  const { clock, meter } = freshMeter();
  meter.count('calls', { agent: 'a', labels: { b: '1', a: '2' } });
  meter.count('calls', { agent: 'a', labels: { a: '2', b: '1' } }, 4);
  meter.count('calls', {}, 2);
  expect(meter.take()).toEqual([]);
  clock.now += MINUTE_MS;
  meter.count('calls', {}, 1);
  expect(meter.take()).toEqual([
    { agent: null, name: 'calls', labels: '', at: T0, value: { kind: 'counter', sum: 2 } },
    { agent: 'a', name: 'calls', labels: '[["a","2"],["b","1"]]', at: T0, value: { kind: 'counter', sum: 5 } },
  ]);
  expect(meter.take()).toEqual([]);
  expect(meter.take(true)).toMatchObject([{ at: T0 + MINUTE_MS, value: { sum: 1 } }]);
});

test('totals only grow, over minutes and agents, until their agent is gone', () => {
  const { clock, meter } = freshMeter();
  for (const ms of [5, 50, 500]) {
    meter.time('took', { agent: 'a' }, ms);
    meter.gauge('level', { agent: 'a' }, ms);
    clock.now += MINUTE_MS;
  }
  meter.merge({ agent: 'a', name: 'took', labels: '', value: firstValue('histogram', 50) });
  const [took, level] = [...meter.totals('a')];
  expect(took!.value.sum).toBe(605);
  expect(took!.value.kind === 'histogram' && sketchQuantile(took!.value.sketch, 0.5)).toBeCloseTo(50, -0.5);
  expect(level!.value).toMatchObject({ count: 3, least: 5, most: 500, last: 500 });
  meter.keep(new Set(['b']));
  expect([...meter.totals('a')]).toEqual([]);
  expect(meter.take()).toHaveLength(7);
});

test('values of another kind than before, and series beyond all bounds, are left out', () => {
  const { meter } = freshMeter();
  meter.count('x', {}, 1);
  meter.gauge('x', {}, 9);
  for (let at = 0; at < 60_000; at++) meter.count(`n${at}`, { agent: `a${at % 100}` });
  const taken = meter.take(true);
  expect(taken).toHaveLength(50_000);
  expect(taken.find(({ name }) => name === 'x')?.value).toEqual({ kind: 'counter', sum: 1 });
});
