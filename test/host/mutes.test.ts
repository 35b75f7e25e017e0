import { beforeEach, expect, test } from 'vitest';
import { needsYou } from '../../src/control/words/agent.ts';
import type { Incident } from '../../src/healing/ports.ts';
import { countIncidents, incidentLookups, incidentOps } from '../../src/host/api/incidents.ts';
import { createStates } from '../../src/host/api/states.ts';
import { statusResult } from '../../src/operations/results/status.ts';
import { agent, status } from '../cli/views.ts';
import { Clock, T0 } from '../clock.ts';
import { memoryStore } from '../store/memory/store.ts';

const HOUR = 3_600_000;
const TERMS = { owner: { host: 'host', run: 'run 1' }, leaseMs: HOUR };

let clock: Clock;
let store: ReturnType<ReturnType<typeof memoryStore>['handle']>;
let told: string[];

const incident = (more: Partial<Incident> = {}): Omit<Incident, 'id'> => ({
  agent: 'a',
  verdict: 'crash-looping',
  state: 'open',
  openedAt: T0,
  endedAt: null,
  fingerprint: 'f-1',
  seen: 'it fell',
  version: null,
  jobs: [],
  remedies: [],
  timeline: [],
  evidence: null,
  repeats: 0,
  note: null,
  ...more,
});
const open = async (more: Partial<Incident> = {}) => (await store.openIncident(incident(more), TERMS)).id;
const needs = () => ({ time: clock, store });
const ops = () =>
  incidentOps({
    ...needs(),
    healer: {},
    events: { record: (_: string, { kind }: { kind: string }) => told.push(kind) },
  } as never);
const lookups = () => incidentLookups(needs());

async function stateOfA() {
  const listing = { name: 'a', plugin: 'a', is: 'live', why: '', problem: null };
  const catalog = { listings: () => [listing], agents: () => new Map(), gone: () => [] };
  const unended = await store.incidents({ states: ['open', 'escalated'], limit: 10 });
  const parts = { ...needs(), catalog, placements: { holdOf: () => null }, healer: { open: () => unended } };
  return (await createStates(parts as never).all()).get('a')!;
}

beforeEach(() => {
  clock = new Clock();
  store = memoryStore({ now: T0 } as never, () => 0).handle();
  told = [];
});

test('a muted cause opens incidents as before, which need nobody until its time', async () => {
  const first = await open();
  expect(await countIncidents(store, clock)).toEqual({ open: 1, healedToday: 0, muted: 0 });
  const until = new Date(T0 + 24 * HOUR).toISOString();
  expect(await ops().mute({ id: first, forMs: 24 * HOUR }, {} as never)).toMatchObject({ mutedUntil: until });
  const second = await open({ openedAt: T0 + 1 });
  expect(await lookups().incident({ id: second })).toMatchObject({ state: 'open', mutedUntil: until });
  expect(await countIncidents(store, clock)).toEqual({ open: 0, healedToday: 0, muted: 2 });
  expect((await stateOfA()).mutedUntil).toBe(T0 + 24 * HOUR);
  clock.wall = T0 + 24 * HOUR;
  expect(await countIncidents(store, clock)).toMatchObject({ open: 2, muted: 0 });
  expect((await stateOfA()).mutedUntil).toBeNull();
  expect(await lookups().incident({ id: second })).toMatchObject({ mutedUntil: null });
});

test('an agent is quiet only while all its open incidents are muted', async () => {
  const id = await open();
  await ops().mute({ id, forMs: HOUR }, {} as never);
  const other = await open({ fingerprint: 'f-2' });
  expect((await stateOfA()).mutedUntil).toBeNull();
  await ops().mute({ id: other, forMs: 2 * HOUR }, {} as never);
  expect((await stateOfA()).mutedUntil).toBe(T0 + HOUR);
  await ops().unmute({ id }, {} as never);
  expect((await stateOfA()).mutedUntil).toBeNull();
  expect(told).toEqual(['incident.muted', 'incident.muted', 'incident.unmuted']);
});

test('a cause of no incident cannot be muted', async () => {
  await expect(ops().mute({ id: 'inc-9', forMs: HOUR }, {} as never)).rejects.toMatchObject({
    plain: { code: 'INCIDENT_UNKNOWN' },
  });
});

test('a status needs nobody for what is muted, and still for what is not', () => {
  const mutedUntil = '2026-11-23T11:00:00.000Z';
  const of = (more: object) =>
    needsYou(
      statusResult.parse(
        status({
          agents: [agent({ dead: 0, problem: null, ...more })],
          incidents: { open: 0, healedToday: 0, muted: 1 },
          problems: [],
        }),
      ),
    );
  for (const state of ['quarantined', 'late', 'unscheduled'] as const) {
    expect(of({ state })).toBe(true);
    expect(of({ state, mutedUntil })).toBe(false);
  }
  expect(of({ state: 'needs setup', mutedUntil })).toBe(true);
  expect(of({ state: 'quarantined', mutedUntil, dead: 1 })).toBe(true);
});
