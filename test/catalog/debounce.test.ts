import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeWorld, plugin, type World } from './world.ts';

/** The line of what {@link debounced} is given. */
const LINE = 5;
const debounced = (value: string) => plugin('debounced', `debounce: ${value},`);

const INPUT = 'input: z.strictObject({ order: z.object({ id: z.string() }) })';

let world: World;
beforeAll(async () => {
  world = await makeWorld({
    'plugins/page.ts': debounced(`{ period: '30s' }`),
    'plugins/order.ts': debounced(`{ period: '1m', timeout: '1h', key: 'body.order.id' }`),
    'plugins/long.ts': debounced(`{ period: '24d' }`),
    'plugins/plain.ts': plugin('plain', ''),
    'agents/order.yaml': 'plugin: order\n',
    'agents/plain.yaml': 'plugin: plain\n',
    'agents/order-soon.yaml': 'plugin: order\ndebounce: { period: 5s }\n',
    'agents/order-each.yaml': 'plugin: order\ndebounce: false\n',
    'agents/plain-one.yaml': 'plugin: plain\ndebounce: { period: 90s }\n',
    'agents/plain-none.yaml': 'plugin: plain\ndebounce: { key: a }\n',
    'agents/order-late.yaml': 'plugin: order\ndebounce: { timeout: 2s }\n',
    'agents/page-late.yaml': 'plugin: page\ndebounce: { period: 1h, timeout: 59m }\n',
    'plugins/zero.ts': debounced(`{ period: '0s' }`),
    'plugins/minus.ts': debounced(`{ period: '-1s' as never }`),
    'plugins/number.ts': debounced(`{ period: 30 as never }`),
    'plugins/year.ts': debounced(`{ period: '400d' }`),
    'plugins/path.ts': debounced(`{ period: '1s', key: 'a..b' }`),
    'plugins/word.ts': debounced(`{ period: '1s', maximum: '5s' } as never`),
    'plugins/empty.ts': debounced('{} as never'),
    'plugins/short.ts': debounced(`{ period: '1m', timeout: '59s' }`),
    'plugins/wrong-key.ts': debounced(`{ period: '1s', key: 'ordr.id' }, ${INPUT}`),
    'plugins/right-key.ts': debounced(`{ period: '1s', key: 'order.id' }, ${INPUT}`),
    'agents/right-key.yaml': 'plugin: right-key\n',
    'agents/right-other.yaml': 'plugin: right-key\ndebounce: { key: shop }\n',
    'plugins/always.ts': debounced(`{ period: '1s' }, always: true`),
  });
});
afterAll(() => world.end());

it('has a timeout of ten periods where nobody says another, within what a timer reaches', () => {
  expect(world.agent('page').debounce).toEqual({ periodMs: 30_000, timeoutMs: 300_000 });
  expect(world.agent('long').debounce).toEqual({ periodMs: 24 * 86_400_000, timeoutMs: 24 * 86_400_000 });
  expect(world.agent('plain').debounce).toBeUndefined();
});

it('is set anew, value by value, or switched off by an agent file', () => {
  const order = { periodMs: 60_000, timeoutMs: 3_600_000, key: 'body.order.id' };
  expect(world.agent('order').debounce).toEqual(order);
  expect(world.agent('order-soon').debounce).toEqual({ ...order, periodMs: 5_000 });
  expect(world.agent('order-each').debounce).toBeUndefined();
  expect(world.agent('plain-one').debounce).toEqual({ periodMs: 90_000, timeoutMs: 900_000 });
});

it.each([
  ['agents/plain-none.yaml', 'DEBOUNCE_INVALID', 2],
  ['agents/order-late.yaml', 'DEBOUNCE_INVALID', 2],
  ['agents/page-late.yaml', 'DEBOUNCE_INVALID', 2],
  ['plugins/zero.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/minus.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/number.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/year.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/path.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/word.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/empty.ts', 'PLUGIN_INVALID', LINE],
  ['plugins/short.ts', 'DEBOUNCE_INVALID', LINE],
  ['plugins/wrong-key.ts', 'DEBOUNCE_INVALID', LINE],
  ['agents/right-other.yaml', 'DEBOUNCE_INVALID', 2],
])('that nobody can mean is refused: %s', (file, code, line) => {
  expect(world.problem(file)).toMatchObject({ code, file, line });
});

it('names the value of the input that was meant: jobs without a value at the key would all become one', () => {
  expect(world.agent('right-key').debounce).toMatchObject({ key: 'order.id' });
  expect(world.problem('plugins/wrong-key.ts')).toMatchObject({
    message: 'debounce.key "ordr.id": the plugin’s `input` has no ordr, did you mean order?',
    next: 'name a value of the input: order',
  });
});

it('has no use beside `always`, whose one job nobody asks for', () => {
  expect(world.problem('plugins/always.ts')).toMatchObject({
    code: 'ALWAYS_INVALID',
    message: expect.stringContaining('`debounce`'),
  });
});
