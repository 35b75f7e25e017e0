import { expect, it } from 'vitest';
import { resolveAlways } from '../../src/catalog/resolve/always.ts';
import { resolveLimits } from '../../src/catalog/resolve/limits.ts';
import { NO_TIMEOUT_MS } from '../../src/jobs/agent.ts';

type Terms = Parameters<typeof resolveAlways>;
const pick: Terms[2] = (_, ofFile, ofPlugin, fallback) => ofFile ?? ofPlugin ?? fallback;
const resolved = (plugin: object, said?: object) =>
  resolveAlways(said as Terms[0], { about: 'x', settingsSchema: null, ...plugin } as Terms[1], pick);
const input = { schema: {}, takesNothing: true };

it.each<[string, object, object | undefined, object]>([
  ['a plugin that runs always', { always: true }, undefined, { always: true }],
  ['a plugin that does not', {}, undefined, {}],
  ['one that an agent file switches off', { always: true }, { always: false }, {}],
  ['one that is off, with another trigger', { always: true }, { always: false, schedule: '@daily' }, {}],
  ['other triggers that are off', { always: true, on: [], firstRun: false }, { webhook: false }, { always: true }],
])('%s', (_, plugin, said, expected) => expect(resolved(plugin, said)).toEqual(expected));

it.each<[object, object | undefined, (string | number)[]]>([
  [{ always: true, schedule: '@daily' }, undefined, ['always']],
  [{ always: true, at: '2026-12-24T18:00' }, undefined, ['always']],
  [{ always: true, on: ['a'] }, undefined, ['always']],
  [{ always: true, firstRun: true }, undefined, ['always']],
  [{ always: true, webhook: {} }, undefined, ['always']],
  [{ always: true, input }, undefined, ['always']],
  [{ always: true }, { schedule: '@daily' }, ['schedule']],
  [{ always: true }, { on: ['a'] }, ['on']],
  [{ always: true, workers: { max: 2 } }, undefined, ['workers']],
  [{ always: true }, { workers: { min: 0, max: 3 } }, ['workers']],
  [{ always: true, concurrency: 2 }, undefined, ['concurrency']],
  [{}, { always: true }, ['always']],
])('%j with %j is refused, with words and the place', (plugin, said, path) => {
  const found = resolved(plugin, said);
  expect(found).toMatchObject({ wrong: { code: 'ALWAYS_INVALID', path, next: expect.any(String) } });
});

it('has no timeout unless one is set, and has to beat within 15 minutes', () => {
  expect(resolveLimits(undefined, undefined, pick, true)).toMatchObject({
    timeoutMs: NO_TIMEOUT_MS,
    silenceMs: 900_000,
  });
  expect(resolveLimits({ timeout: '2h' }, undefined, pick, true)).toMatchObject({ timeoutMs: 7_200_000 });
  expect(resolveLimits(undefined, undefined, pick)).toMatchObject({ timeoutMs: 300_000, silenceMs: 300_000 });
});
