import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitsIn, mayEmit } from '../../src/catalog/builder/emits.ts';
import { makeWorld, plugin, type World } from './world.ts';

describe('what a source emits', () => {
  it.each([
    ["await context.emit('order.created', { id });", ['order.created', true], ['order.paid', false]],
    ['run({ emit, state }) { emit("a"); }', ['a', true], ['b', false]],
    ['emit<Order>(`a`)', ['a', true], ['b', false]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source
    ['emit(`order.${kind}`)', ['order.paid', true], ['note.paid', false]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source
    ['emit(`${a}.created.${b}`)', ['x.created.y', true], ['x.paid.y', false]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source
    ['emit(`order.${kind}`)', ['my.order.paid', false], ['order.', true]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source
    ['emit(`${a}.paid`)', ['order.paid', true], ['order.paid.twice', false]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source
    ['emit(`a.${b}.a`)', ['a.b.a', true], ['a.a', false]],
    ['emit ( "a" )', ['a', true], ['b', false]],
    ['run({ beat , emit , state }) { emit("a"); }', ['a', true], ['b', false]],
    ['emit(topic)', ['whatever', true], ['or.that', true]],
    ["emit('a' + b)", ['ab', true], ['c', true]],
    ['const tell = context.emit;', ['whatever', true], ['or.that', true]],
    ['const { emit: tell } = context;', ['whatever', true], ['or.that', true]],
    ['run() { return 1; }', ['a', false], ['b', false]],
    ['const emitter = reemit(premit);', ['a', false], ['b', false]],
  ] as [string, ...[string, boolean][]][])('%s', (text, ...wanted) => {
    for (const [topic, may] of wanted) expect(mayEmit(emitsIn([text]), topic), topic).toBe(may);
  });
});

describe('an agent that listens', () => {
  let world: World;
  const listener = (topics: string[]) => plugin('listens', `on: ${JSON.stringify(topics)},`);
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/alert.ts': listener(['incident.opened']),
      'plugins/ledger.ts': listener(['order.created', 'order.lost']),
      'plugins/shop.ts': `import { definePlugin } from 'daruma';
import { told } from './lib/told.ts';
export default definePlugin({ about: 'Sells.', run: (context) => told(context) });
`,
      'plugins/lib/told.ts': `import type { Context } from 'daruma';
export const told = ({ emit }: Context) => emit('order.created', {});
`,
    });
  });
  afterAll(() => world.end());

  it('to a topic that nobody emits is told, with the place; to one that a part of a plugin emits it is not', () => {
    expect(world.catalog.notes()).toMatchObject([
      {
        code: 'TOPIC_UNHEARD',
        file: 'plugins/ledger.ts',
        message: 'ledger listens to order.lost, which no plugin emits: it never gets a job of it',
      },
    ]);
  });

  it('to what happens in the host is a problem', () => {
    expect(world.catalog.problems()).toMatchObject([
      { code: 'TOPIC_UNHEARD', file: 'plugins/alert.ts', message: expect.stringContaining('is no topic of plugins') },
    ]);
  });

  it('is left alone while a plugin emits what it only knows when it runs; not so about the host', async () => {
    world.write(
      'plugins/bridge.ts',
      plugin('bridge', '', 'export const hand = (emit: (topic: string) => void, topic: string) => emit(topic);'),
    );
    await world.until('it is there', () => world.catalog.agents().has('bridge'));
    await world.until('nothing is noted', () => world.catalog.notes().length === 0);
    expect(world.catalog.problems()).toMatchObject([{ code: 'TOPIC_UNHEARD', file: 'plugins/alert.ts' }]);
    world.write(
      'plugins/incidents.ts',
      plugin('incidents', '', "export const hand = (emit: (topic: string) => void) => emit('incident.opened');"),
    );
    await world.until('somebody emits it', () => world.catalog.problems().length === 0);
  });
});
