import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeWorld, plugin, type World } from './world.ts';

const LINE = 5;
const limited = (value: string, more = '') => plugin('limited', `limit: ${value},${more}`);
const INPUT = ` input: z.strictObject({ shop: z.string(), day: z.string() }),`;

let world: World;
beforeAll(async () => {
  world = await makeWorld({
    'plugins/shop.ts': limited(`{ key: 'shop', concurrency: 2 }`),
    'plugins/fast.ts': limited(`{ rate: 10, per: '1m' }`),
    'agents/shop.yaml': 'plugin: shop\n',
    'agents/shop-one.yaml': 'plugin: shop\nlimit: { concurrency: 1, rate: 5, per: 2s }\n',
    'agents/shop-free.yaml': 'plugin: shop\nlimit: false\n',
    'agents/shop-half.yaml': 'plugin: shop\nlimit: { per: 2s }\n',
    'plugins/number.ts': limited('5 as never'),
    'agents/shop-workers.yaml': 'plugin: shop\nworkers: 5\n',
    'plugins/zero.ts': limited('{ concurrency: 0 }'),
    'plugins/minus.ts': limited('{ concurrency: -1 }'),
    'plugins/part.ts': limited('{ concurrency: 1.5 }'),
    'plugins/many.ts': limited('{ concurrency: 10_001 }'),
    'plugins/nothing.ts': limited(`{ key: 'shop' }`),
    'plugins/no-per.ts': limited('{ rate: 5 }'),
    'plugins/no-rate.ts': limited(`{ concurrency: 1, per: '1m' }`),
    'plugins/path.ts': limited(`{ key: 'a..b', concurrency: 1 }`),
    'plugins/wrong-key.ts': limited(`{ key: 'shp', concurrency: 1 }`, INPUT),
    'plugins/right-key.ts': limited(`{ key: 'shop', concurrency: 1 }`, INPUT),
  });
});
afterAll(() => world.end());

it.each([
  ['shop', { key: 'shop', concurrency: 2 }],
  ['fast', { rate: { starts: 10, perMs: 60_000 } }],
  ['shop-one', { key: 'shop', concurrency: 1, rate: { starts: 5, perMs: 2_000 } }],
  ['shop-free', undefined],
  ['right-key', { key: 'shop', concurrency: 1 }],
])('%s has its limit', (name, limit) => expect(world.agent(name)!.keyLimit).toEqual(limit));

it.each([
  ['plugins/number.ts', 'PLUGIN_INVALID', 'limit: expected keys with values, such as `{ concurrency: 2 }`'],
  ['plugins/zero.ts', 'PLUGIN_INVALID', 'expected a whole number from 1 to 10000'],
  ['plugins/minus.ts', 'PLUGIN_INVALID', 'expected a whole number from 1 to 10000'],
  ['plugins/part.ts', 'PLUGIN_INVALID', 'expected a whole number from 1 to 10000'],
  ['plugins/many.ts', 'PLUGIN_INVALID', 'expected a whole number from 1 to 10000'],
  ['plugins/nothing.ts', 'LIMIT_INVALID', 'limits nothing'],
  ['plugins/no-per.ts', 'LIMIT_INVALID', 'within how long'],
  ['plugins/no-rate.ts', 'LIMIT_INVALID', 'how many may begin'],
  ['plugins/path.ts', 'PLUGIN_INVALID', 'expected a path in the input such as account.id'],
  ['plugins/wrong-key.ts', 'LIMIT_INVALID', 'has no shp, did you mean shop?'],
])('%s is refused with its line', (file, code, words) => {
  const problem = world.problem(file)!;
  expect(problem).toMatchObject({ code, file, line: LINE });
  expect(problem.message).toContain(words);
  if (code === 'LIMIT_INVALID') expect(problem.next).toBeTruthy();
});

it('an agent file is refused with its place', () => {
  expect(world.problem('agents/shop-workers.yaml')).toMatchObject({
    ...{ code: 'AGENT_FILE_INVALID', line: 2 },
    message: 'workers: expected keys with values, such as `{ max: 4 }`',
  });
  expect(world.problem('agents/shop-half.yaml')).toMatchObject({ code: 'LIMIT_INVALID', line: 2 });
});
