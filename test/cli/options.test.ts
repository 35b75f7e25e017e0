import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readJson } from '../../src/cli/given.ts';
import { argumentsOf, type Given } from '../../src/cli/options.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z'), zone: 'UTC' };
const jobs = (given: Given) => argumentsOf('jobs', given, { clock, command: 'jobs' });

it('reads each option as the row of its operation says', () => {
  expect(jobs({ state: 'dead, retrying,dead', since: '24h', cause: 'f-3a9', limit: '7', drills: true })).toEqual({
    states: ['dead', 'retrying'],
    since: '2026-11-21T12:00:00.000Z',
    cause: 'f-3a9',
    limit: 7,
    drills: true,
  });
  const terms = { clock, command: 'cancel' };
  expect(argumentsOf('cancelMany', { state: 'all', dryRun: true, yes: true }, terms)).toEqual({
    states: ['queued', 'retrying', 'running'],
    dryRun: true,
  });
  expect(argumentsOf('pause', { for: '2h' }, terms)).toEqual({ forMs: 7_200_000 });
  expect(argumentsOf('stateSet', { set: '{"n":1}' }, terms)).toEqual({ value: '{"n":1}' });
});

it('leaves out what is not given, and options that no argument is', () => {
  expect(jobs({ json: true, dir: '.' })).toEqual({});
});

it.each([
  [{ limit: '0' }, '--limit 0 is no whole number from 1 to 1000', '--limit 20'],
  [{ limit: '1e3' }, '--limit 1e3 is no whole number from 1 to 1000', '--limit 20'],
  [{ since: 'soon' }, '--since soon is no time', 'daruma jobs --since 24h'],
  [{ state: 'ded' }, 'ded is no state, did you mean dead?', 'daruma jobs --state dead'],
])('refuses %j with an example to paste', (given, message, next) => {
  expect(() => jobs(given)).toThrow(expect.objectContaining({ plain: { code: 'USAGE', message, next } }));
});

it('reads JSON as it was typed, or out of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-options-'));
  try {
    writeFileSync(join(folder, 'input.json'), '{"n":1}');
    expect(readJson(`@${join(folder, 'input.json')}`)).toEqual({ n: 1 });
    expect(readJson('[1]')).toEqual([1]);
    expect(() => readJson('{')).toThrow(SyntaxError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
