import { describe } from 'vitest';
import { aggregateLaws } from './laws/aggregates.ts';
import { alertLaws } from './laws/alerts.ts';
import { batchLaws } from './laws/batches.ts';
import { chainLaws } from './laws/chains.ts';
import { dayRowLaws } from './laws/day-rows.ts';
import { debounceLaws } from './laws/debounce.ts';
import { endLaws } from './laws/ends.ts';
import { eventLaws } from './laws/events.ts';
import { figureLaws } from './laws/figures.ts';
import { incidentLaws } from './laws/incidents.ts';
import { keyLimitLaws } from './laws/key-limits.ts';
import { metricLaws } from './laws/metrics.ts';
import { queueLaws } from './laws/queue.ts';
import { recordLaws } from './laws/records.ts';
import { slotLaws } from './laws/slots.ts';
import { viewLaws } from './laws/views.ts';
import type { OpenStore } from './laws/world.ts';

/** The laws that every store keeps. `open` gives a new, empty and started store. */
export function describeStore(name: string, open: OpenStore): void {
  describe(name, () => {
    describe('queue', () => queueLaws(open));
    describe('debounce', () => debounceLaws(open));
    describe('limits of keys', () => keyLimitLaws(open));
    describe('chains', () => chainLaws(open));
    describe('batches', () => batchLaws(open));
    describe('ends', () => endLaws(open));
    describe('views', () => viewLaws(open));
    describe('slots', () => slotLaws(open));
    describe('records', () => recordLaws(open));
    describe('incidents', () => incidentLaws(open));
    describe('events', () => eventLaws(open));
    describe('figures', () => figureLaws(open));
    describe('aggregates', () => aggregateLaws(open));
    describe('metrics', () => metricLaws(open));
    describe('rows of days', () => dayRowLaws(open));
    describe('alerts', () => alertLaws(open));
  });
}
