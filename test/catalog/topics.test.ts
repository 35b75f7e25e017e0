import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitsIn, mayEmit } from '../../src/catalog/builder/emits.ts';
import { createInputCheck } from '../../src/catalog/files/input-check.ts';
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
      'plugins/typo.ts': listener(['incident.open']),
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

  it('to what happens in the host is told nothing; to what never happens there, what was meant', () => {
    expect(world.catalog.agents().get('alert')?.on).toEqual(['incident.opened']);
    expect(world.catalog.problems()).toMatchObject([
      {
        code: 'TOPIC_UNKNOWN',
        file: 'plugins/typo.ts',
        message: expect.stringContaining('typo listens to incident.open: topics that begin so are the host'),
        next: 'did you mean incident.opened?',
      },
    ]);
  });

  it('to the host alone takes its events, and nothing else', () => {
    const { input } = world.catalog.agents().get('alert')!;
    expect(input).toMatchObject({
      takesNothing: false,
      schema: { properties: { topic: { enum: ['incident.opened'] } } },
    });
    const check = createInputCheck();
    const event = { topic: 'incident.opened', from: null, data: {} };
    const alert = { name: 'alert', ...(input ? { input } : {}) };
    expect(check(alert, JSON.stringify(event))).toBeUndefined();
    for (const wrong of [null, { ...event, topic: 'job.dead' }, { ...event, from: 'shop' }])
      expect(check(alert, wrong && JSON.stringify(wrong)), JSON.stringify(wrong)).toMatchObject({
        code: 'INPUT_INVALID',
      });
  });

  it('is left alone while a plugin emits what it only knows when it runs; a topic of the host is nobody else’s to emit', async () => {
    world.write(
      'plugins/bridge.ts',
      plugin('bridge', '', 'export const hand = (emit: (topic: string) => void, topic: string) => emit(topic);'),
    );
    await world.until('it is there', () => world.catalog.agents().has('bridge'));
    await world.until('nothing is noted', () => world.catalog.notes().length === 0);
    expect(world.catalog.problems()).toMatchObject([{ code: 'TOPIC_UNKNOWN', file: 'plugins/typo.ts' }]);
    world.write(
      'plugins/typo.ts',
      plugin('typo', '', "export const hand = (emit: (topic: string) => void) => emit('incident.opened');"),
    );
    await world.until('the emit is a problem', () => world.catalog.problems()[0]?.code === 'TOPIC_RESERVED');
    expect(world.catalog.problems()).toMatchObject([
      { message: "typo emits incident.opened: topics that begin with incident. are the host's own" },
    ]);
  });

  it('and has a schedule beside needs to say what it takes', async () => {
    world.write('plugins/both.ts', plugin('both', "on: ['job.dead'], schedule: '@daily',"));
    const found = () => world.catalog.problems().find(({ code }) => code === 'INPUT_NEEDED');
    await world.until('it is refused', () => found() !== undefined);
    expect(found()?.message).toContain('is given no event, and it listens to events of the host alone');
  });
});
