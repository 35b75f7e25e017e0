import { expect, it } from 'vitest';
import { createLogLevels } from '../../src/host/log-levels.ts';
import type { LogLevel } from '../../src/kernel/log.ts';
import { HOUR_MS } from '../../src/kernel/measures.ts';
import { Clock, T0 } from '../clock.ts';

function world() {
  const time = new Clock();
  const agents = new Map<string, { logLevel?: LogLevel }>([['shop', {}]]);
  const said: string[] = [];
  const workers = { level: (agent: string, level: LogLevel) => void said.push(`${agent} ${level}`) };
  const levels = createLogLevels({ time, workers, agents: () => agents });
  const saidNow = () => said.splice(0);
  return { time, agents, levels, saidNow };
}

it('an agent logs at the level of its file, and workers are told of changes alone', () => {
  const { agents, levels, saidNow } = world();
  levels.use();
  expect(saidNow()).toEqual([]);
  agents.set('shop', { logLevel: 'warn' });
  levels.use();
  levels.use();
  expect(saidNow()).toEqual(['shop warn']);
  agents.delete('shop');
  levels.use();
  expect(saidNow()).toEqual(['shop info']);
});

it('a level by hand counts more, until its time is over', async () => {
  const { time, agents, levels, saidNow } = world();
  agents.set('shop', { logLevel: 'error' });
  levels.use();
  expect(levels.set('shop', 'debug', HOUR_MS)).toBe(T0 + HOUR_MS);
  await time.pass(HOUR_MS / 2);
  // Set anew: its time begins anew.
  levels.set('shop', 'debug', HOUR_MS);
  await time.pass(HOUR_MS - 1);
  expect(saidNow()).toEqual(['shop error', 'shop debug']);
  await time.pass(1);
  expect(saidNow()).toEqual(['shop error']);
  expect(levels.set('shop', 'warn')).toBe(null);
  await time.pass(100 * HOUR_MS);
  expect(saidNow()).toEqual(['shop warn']);
});

it('jobs that are run for debugging log debug lines until the last has ended, and a level by hand before them comes back', () => {
  const { levels, saidNow } = world();
  levels.set('shop', 'warn');
  const [first, second] = [levels.debug('shop'), levels.debug('shop')];
  first();
  expect(saidNow()).toEqual(['shop warn', 'shop debug']);
  levels.set('shop', 'error');
  expect(saidNow()).toEqual(['shop error']);
  second();
  expect(saidNow()).toEqual([]);
  levels.debug('shop')();
  expect(saidNow()).toEqual(['shop debug', 'shop error']);
});
