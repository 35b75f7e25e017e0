import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, isStable, lineOf, matchesRange } from '../../plugins/lib/versions.ts';
import updateCheck from '../../plugins/update-check.ts';
import { llmSaying, runPlugin, tempFolder, type World } from './context.ts';
import { jsonOf, network, type Reply } from './network.ts';

describe('versions', () => {
  it('are ordered as Semantic Versioning says', () => {
    const rising = [
      'junk',
      '0.9.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.10',
      '2.0.0',
    ];
    const place = fc.nat(rising.length - 1);
    fc.assert(
      fc.property(place, place, (a, b) => Math.sign(compareVersions(rising[a]!, rising[b]!)) === Math.sign(a - b)),
    );
    expect([lineOf('4.1.2'), lineOf('0.3.9'), isStable('1.0.0-rc.1'), isStable('1.0.0')]).toEqual([
      '4',
      '0.3',
      false,
      true,
    ]);
  });

  it('lie in the ranges of advisories, or do not', () => {
    const inside = ['>=1.0.0 <1.4.2', '<2.0.0', '= 1.4.1', '<1.0.0 || >=1.4.0', '*', '>1.4.0, <=1.4.1'];
    const outside = ['<1.4.1', '>=1.0.0 <1.4.1', '=1.4.0', '>=2.0.0 || <1.0.0', '', '>1.4.1'];
    expect(inside.map((range) => matchesRange('1.4.1', range))).toEqual(inside.map(() => true));
    expect(outside.map((range) => matchesRange('1.4.1', range))).toEqual(outside.map(() => false));
  });
});

const ADVISORY = {
  id: 1_104,
  url: 'https://github.com/advisories/GHSA-x',
  title: 'Prototype pollution',
  severity: 'high',
};

/** A stub of the npm registry: abbreviated metadata with ETag, and the bulk endpoint of advisories. */
async function world(advisories: Reply = { body: { deep: [{ ...ADVISORY, vulnerable_versions: '<1.0.3' }] } }) {
  const versions = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, name === '4.9.0' ? { deprecated: 'broken' } : {}]));
  const documents: Record<string, { 'dist-tags': { latest: string }; versions: object }> = {
    '/zod': { 'dist-tags': { latest: '5.0.0' }, versions: versions('4.6.7', '4.7.0', '4.9.0', '5.0.0', '5.1.0-rc.1') },
    '/@types%2fnode': { 'dist-tags': { latest: '26.6.6' }, versions: versions('26.6.6') },
  };
  const registry = await network(({ method, path, headers }) => {
    if (method === 'POST') return advisories;
    const body = documents[path];
    if (body === undefined) return { status: 404 };
    const etag = `"${body['dist-tags'].latest}"`;
    return headers['if-none-match'] === etag ? { status: 304 } : { headers: { etag }, body };
  });
  const folder = tempFolder();
  const pack = {
    dependencies: { zod: '^4.0.0', daruma: 'file:packages/daruma.tgz' },
    devDependencies: { '@types/node': '26.6.6' },
  };
  const packages = {
    '': {},
    'node_modules/a/node_modules/zod': { version: '3.0.0' },
    'node_modules/zod': { version: '4.6.7' },
    'node_modules/daruma': { version: '0.1.0', resolved: 'file:packages/daruma.tgz' },
    'node_modules/@types/node': { version: '26.6.6' },
    'node_modules/zod/node_modules/deep': { version: '1.0.2' },
    'node_modules/deep': { version: '1.0.3' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(pack));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  const states = new Map<string, unknown>();
  const look = (more: World = {}) =>
    runPlugin(updateCheck, {
      folder,
      states,
      ...more,
      settings: { registry: registry.url, channels: ['post-file'], ...(more.settings as object) },
    });
  return { look, seen: registry.seen, documents };
}

it('tells what is newer and what is unsafe, once, and asks for nothing that is no package of a registry', async () => {
  const { look, seen, documents } = await world();
  const { result, sent, summary } = await look();
  expect(result).toMatchObject({
    packages: 2,
    updates: [{ name: 'zod', installed: '4.6.7', within: '4.7.0', latest: '5.0.0' }],
    advisories: [{ name: 'deep', version: '1.0.2', severity: 'high' }],
    advisoriesMissing: null,
  });
  expect(sent).toMatchObject([{ agent: 'post-file', input: { title: 'Updates: 1 advisory', level: 'warning' } }]);
  expect(summary).toContain('| zod | 4.6.7 | 4.7.0 | 5.0.0 |');
  expect(seen[0]!.path).toBe('/-/ping');
  expect(seen[1]!.headers.accept).toMatch(/^application\/vnd\.npm\.install-v1\+json/);
  expect(jsonOf(seen.find(({ method }) => method === 'POST'))).toEqual({
    zod: ['3.0.0', '4.6.7'],
    '@types/node': ['26.6.6'],
    deep: ['1.0.2', '1.0.3'],
  });
  expect(seen.map(({ path }) => path)).not.toContain('/daruma');

  const again = await look();
  expect(again.sent).toEqual([]);
  expect(again.result.updates).toEqual(result.updates);
  documents['/@types%2fnode'] = { 'dist-tags': { latest: '26.7.0' }, versions: { '26.7.0': {} } };
  expect((await look()).sent).toMatchObject([
    { input: { title: 'Updates: 1 newer package', text: '@types/node 26.7.0' } },
  ]);
});

it('goes on where the registry has no advisories, and fails where it does not answer', async () => {
  const { look } = await world({ status: 404 });
  const { result, warnings } = await look();
  expect(result).toMatchObject({ advisories: [], advisoriesMissing: 'the registry has none: 404' });
  expect(warnings).toEqual(['no advisories']);
  const offline = await look({ settings: { registry: 'http://127.0.0.1:9' } });
  expect(offline.result).toMatchObject({ reached: false });
  expect(offline.warnings).toEqual(['the registry cannot be reached']);
  const down = await network(() => ({ status: 503 }));
  await expect(look({ settings: { registry: down.url } })).rejects.toThrow('the registry answered 503');
});

it('tells of models of the chain that come and go', async () => {
  const { look } = await world();
  let ids = ['auto', 'gpt-oss-20b'];
  const gateway = await network(() => ({ body: { data: ids.map((id) => ({ id })) } }));
  const llm = { ...llmSaying({}), baseURL: gateway.url, apiKey: 'dk-test' };
  await look({ llm, settings: { models: true } });
  ids = ['auto', 'gpt-oss-120b'];
  const { result } = await look({ llm, settings: { models: true } });
  expect(result.models).toEqual({ come: ['gpt-oss-120b'], gone: ['gpt-oss-20b'] });
  expect(gateway.seen[0]).toMatchObject({ path: '/models', headers: { authorization: 'Bearer dk-test' } });
});
