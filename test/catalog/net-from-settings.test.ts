import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostsOf } from '../../src/catalog/resolve/net.ts';
import { makeWorld, plugin, type World } from './world.ts';

const SCHEMA = {
  properties: {
    url: { type: 'string', default: 'https://api.shop.example/health' },
    mirrors: { type: 'array', items: { type: 'string' } },
    either: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    targets: { type: 'array', items: { properties: { url: { type: 'string' } } } },
    db: { properties: { host: { type: 'string', default: 'localhost:5432' } }, default: {} },
    sites: { additionalProperties: { type: 'string' } },
    n: { type: 'number' },
  },
};
const of = (net: string[], settings: Record<string, unknown> = {}) => hostsOf(net, settings, SCHEMA);

describe('hosts of settings', () => {
  it.each([
    [['settings.url'], {}, ['api.shop.example:443']],
    [['settings.url'], { url: 'http://LOCALHOST:8099/x?y' }, ['localhost:8099']],
    [['settings.url'], { url: 'http://[::1]/' }, ['[::1]:80']],
    [['settings.url'], { url: 'redis://cache/' }, ['cache']],
    [['settings.url'], { url: 'postgres://me@db.example/shop' }, ['db.example:5432']],
    [['settings.url'], { url: 'https://a/*?q=*' }, ['a:443']],
    [['settings.db.host'], {}, ['localhost:5432']],
    [['settings.db.host'], { db: { host: 'db.example' } }, ['db.example']],
    [['settings.mirrors'], { mirrors: ['http://a/', 'http://b/', 'http://a/'] }, ['a:80', 'b:80']],
    [['settings.either'], { either: ['ws://a/'] }, ['a:80']],
    [['settings.targets.url'], { targets: [{ url: 'https://a/' }, {}, { url: 'https://b/' }] }, ['a:443', 'b:443']],
    [['settings.sites.eu'], { sites: { eu: 'https://eu.example' } }, ['eu.example:443']],
    [
      ['settings.mirrors', '*.shop.example', 'settings.shop.example:443'],
      {},
      ['*.shop.example', 'settings.shop.example:443'],
    ],
  ])('%j with %j are %j', (net, settings, hosts) => expect(of(net, settings)).toEqual({ net: hosts }));

  it.each(['*', 'http://*/', 'https://*.example/', 'not a url', '', 'file:///etc/passwd', 'http://', 7, {}])(
    '%j names no single host',
    (url) => {
      expect(of(['settings.url'], { url })).toMatchObject({ wrong: { at: 'value' } });
    },
  );

  it.each([
    ['settings.ulr', 'the plugin has no setting ulr, did you mean url?'],
    ['settings.db.hots', 'the plugin has no setting db.hots, did you mean db.host?'],
    ['settings.constructor', 'the plugin has no setting constructor'],
  ])('%s is no setting', (entry, message) => expect(of([entry])).toMatchObject({ wrong: { at: 'entry', message } }));

  it('never stand for more than one host each', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl()), (url) => {
        const found = of(['settings.url'], { url });
        if ('net' in found) for (const host of found.net) expect(host).not.toMatch(/[*,\s]/);
      }),
    );
  });
});

describe('an agent whose hosts come from a setting', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/watch.ts': plugin(
        'watch',
        "schedule: '@daily', settings: z.strictObject({ url: z.url().default('https://api.shop.example/') }), needs: { net: ['settings.url'] },",
      ),
      'plugins/typo.ts': plugin(
        'typo',
        "settings: z.strictObject({ url: z.url().optional() }), needs: { net: ['settings.ulr'] },",
      ),
    });
  });
  afterAll(() => world.end());

  it('may reach the host of its default, or the one that its file sets, and no other', async () => {
    expect(world.agent('watch').needs.net).toEqual(['api.shop.example:443']);
    world.write('agents/local.yaml', 'plugin: watch\nsettings: { url: "http://127.0.0.1:8099/x" }\n');
    await world.until('it is live', () => world.catalog.agents().has('local'));
    expect(world.agent('local').needs.net).toEqual(['127.0.0.1:8099']);
    expect(world.catalog.origins('local')).toContainEqual({
      path: 'needs.net',
      value: ['127.0.0.1:8099'],
      origin: 'plugins/watch.ts (settings.url of agents/local.yaml:2:13)',
    });
    world.write(
      'agents/local.yaml',
      'plugin: watch\nsettings: { url: "http://127.0.0.1:8099/x" }\nneeds: { net: [other.example] }\n',
    );
    await world.until('it is refused', () => world.problem('agents/local.yaml'));
    expect(world.problem('agents/local.yaml')).toMatchObject({ code: 'NEEDS_WIDENED', line: 3 });
  });

  it('is told where a setting does not exist, at the place in the plugin', () => {
    expect(world.problem('plugins/typo.ts')).toMatchObject({
      code: 'NEEDS_INVALID',
      line: expect.any(Number),
      message: expect.stringContaining('the plugin has no setting ulr, did you mean url?'),
    });
  });
});
