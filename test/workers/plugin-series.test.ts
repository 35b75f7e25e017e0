import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOwnSeries } from '../../src/kernel/own-series.ts';
import { mergeMeasures } from '../../src/workers/measures.ts';
import { createWorld, runs, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** Does one job of a plugin with this body; resolves with its series and the lines for its author, when its worker is gone. */
async function counted(agent: string, body: string) {
  world.measures.length = 0;
  await world.agent(agent, runs(body));
  const { outcome } = await world.run(agent).then((one) => ({ outcome: one }));
  world.remove(agent);
  await world.until('its worker is gone', () => world.workers.view().workers.every((one) => one.agent !== agent));
  const book = createOwnSeries();
  const lines = world.measures.flatMap((measures) => mergeMeasures(book, measures, { agent, at: 1 }) ?? []);
  return { outcome, series: book.take(), lines, messages: world.measures.length };
}

test('a hundred thousand calls are a message or two, and every call is in them', async () => {
  const { outcome, series, lines, messages } = await counted(
    'often',
    `const { count, gauge, time } = context;
     for (let at = 0; at < 100_000; at++) count('calls', 1, { even: String(at % 2 === 0) });
     for (const level of [3, 1, 2]) gauge('level', level);
     time('given', 12);
     const answer = await time('waited', async () => { await null; return 7; });
     try { time('threw', () => { throw new Error('x'); }); } catch {}
     return answer + time('at once', () => 1) * 0;`.replace("'at once'", "'atOnce'"),
  );
  expect(outcome).toMatchObject({ is: 'done', result: '7' });
  expect(messages).toBeLessThan(5);
  expect(lines).toEqual([]);
  const of = (name: string) => series.filter((one) => one.name === name);
  expect(of('calls').map(({ labels, value }) => [labels, value.sum])).toEqual([
    ['[["even","true"]]', 50_000],
    ['[["even","false"]]', 50_000],
  ]);
  expect(of('level')).toMatchObject([{ value: { count: 3, least: 1, most: 3, last: 2 } }]);
  expect(of('given')).toMatchObject([{ value: { kind: 'histogram', sum: 12 } }]);
  for (const name of ['waited', 'threw', 'atOnce']) expect(of(name)).toHaveLength(1);
});

test('what is beyond the bounds is left out and told, and what is no figure is refused', async () => {
  const { outcome, series, lines } = await counted(
    'floods',
    `const { count, gauge } = context;
     for (let at = 0; at < 5_000; at++) count('users', 1, { user: 'u' + at });
     for (let at = 0; at < 5_000; at++) count('name' + at);
     const codes = [];
     for (const call of [
       () => count('no name'), () => count('x', -1), () => gauge('y', NaN), () => gauge('users', 1),
       () => count('z', 1, { a: 1 }), () => count('z', 1, { a: 'x'.repeat(65) }),
     ]) { try { call(); codes.push('taken'); } catch (error) { codes.push(error.code); } }
     return codes;`,
  );
  expect(outcome).toMatchObject({ is: 'done', result: JSON.stringify(Array(6).fill('METRIC_INVALID')) });
  expect(series.filter(({ name }) => name === 'users')).toHaveLength(50);
  expect(new Set(series.map(({ name }) => name)).size).toBe(50);
  expect(lines[0]!.message).toContain('users are left out');
});
