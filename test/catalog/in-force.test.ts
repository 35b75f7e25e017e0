import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createInForceFile, NOTHING_IN_FORCE } from '../../src/catalog/in-force.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

it('what is in force is found again after the installation was moved, or came out of a backup', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-in-force-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const version = {
    plugin: 'shop',
    id: '1234',
    file: '/old/shop/1234/plugin.mjs',
    mapFile: '/old/shop/1234/plugin.mjs.map',
  };
  const resolved = { agent: { name: 'shop', version, settings: { version: '1.2' } } };
  const now = { ...NOTHING_IN_FORCE, agents: new Map([['shop', resolved as never]]) };
  const written = createInForceFile(folder, quiet);
  written.write(now, async () => {});
  await written.settled();
  const { agents } = await createInForceFile(folder, quiet).read();
  expect(agents.get('shop')!.agent.version).toEqual({
    plugin: 'shop',
    id: '1234',
    file: join(folder, 'shop/1234/plugin.mjs'),
    mapFile: join(folder, 'shop/1234/plugin.mjs.map'),
  });
  // What only has the same name stays what it is.
  expect(agents.get('shop')!.agent.settings).toEqual({ version: '1.2' });
  writeFileSync(join(folder, 'in-force.json'), readFileSync(join(folder, 'in-force.json'), 'utf8').slice(1));
  expect(await createInForceFile(folder, quiet).read()).toEqual(NOTHING_IN_FORCE);
});

it('an agent whose row is damaged is left out, and the others are there: no host fails to start for it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-in-force-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const whole = { agent: { name: 'shop', version: { plugin: 'shop', id: '1234' } }, origins: [] };
  const agents = { shop: whole, empty: {}, none: null, half: { agent: { version: { plugin: 7 } } } };
  writeFileSync(join(folder, 'in-force.json'), JSON.stringify({ format: 1, agents }));
  expect([...(await createInForceFile(folder, quiet).read()).agents.keys()]).toEqual(['shop']);
});

it('an upgrade keeps which versions are good, on probation and bad: earlier hosts had other words for them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-in-force-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const rejected = { fingerprint: 'v3', version: 'v3', at: 1, kind: 'errors', why: 'failed', cause: 'f-1' };
  const old = {
    good: 'in force',
    before: null,
    trial: { fingerprint: 'v2', since: 5, excused: ['f-1'] },
    bad: [{ ...rejected, excused: ['f-2'] }],
    pin: null,
  };
  const places = { file: join(folder, 'shop/v1/plugin.mjs'), mapFile: join(folder, 'shop/v1/plugin.mjs.map') };
  const agents = { shop: { agent: { name: 'shop', version: { plugin: 'shop', id: 'v1', ...places } } } };
  writeFileSync(join(folder, 'in-force.json'), JSON.stringify({ format: 1, agents, standings: { shop: old } }));
  const file = createInForceFile(folder, quiet);
  const { rollouts } = await file.read();
  const rollout = {
    good: agents.shop,
    before: null,
    probation: { fingerprint: 'v2', since: 5, waived: ['f-1'] },
    bad: [{ ...rejected, waived: ['f-2'] }],
    pin: null,
  };
  expect([...rollouts]).toEqual([['shop', rollout]]);
  file.write({ ...NOTHING_IN_FORCE, rollouts }, async () => {});
  await file.settled();
  expect([...(await createInForceFile(folder, quiet).read()).rollouts]).toEqual([['shop', rollout]]);
  expect(readFileSync(join(folder, 'in-force.json'), 'utf8')).not.toMatch(/trial|excused|standing/);
});
