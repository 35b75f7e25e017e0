import { describe } from 'vitest';
import type { StorePorts } from '../../src/store/ports.ts';
import { chainLaws } from './laws/chains.ts';
import { endLaws } from './laws/ends.ts';
import { queueLaws } from './laws/queue.ts';
import { viewLaws } from './laws/views.ts';
import type { OpenStore } from './laws/world.ts';
import { memoryJobs } from './memory.ts';

/** Two hosts on one store. Only jobs are kept; the laws of jobs ask for nothing else. */
const open: OpenStore = async () => {
  const clock = { now: 0 };
  let seed = 7;
  const chance = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const { handle } = memoryJobs(clock, chance);
  const [store, other] = [handle(), handle()] as unknown as [StorePorts, StorePorts];
  return { store, other, clock, close: async () => {} };
};

describe('jobs in memory, of two hosts', () => {
  describe('queue', () => queueLaws(open));
  describe('chains', () => chainLaws(open));
  describe('ends', () => endLaws(open));
  describe('views', () => viewLaws(open));
});
