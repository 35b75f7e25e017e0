import { warningTroubles } from '../../../src/host/alerts/warnings.ts';
import type { BoundedQuantity } from '../../../src/host/warnings/quantities.ts';
import { createHostWarnings } from '../../../src/host/warnings/sources.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { CallEnd } from '../../../src/kernel/origin.ts';
import { T0 } from '../../clock.ts';
import { randomOf } from '../../healing/courses.ts';
import { type World, world } from '../../healing/world.ts';
import { agentOf, fleetAlerts, type Told, turnOfEvents } from './world.ts';

/**
 * A day of an installation to which the stories happen that Daruma was made for, and some of their neighbours, in which no person does
 * anything. Decisions and services are those of a host: healing, early warnings, alerts with their grouping, quiet children and digest.
 * Time is given, and the machine, the ends of jobs and the readings of workers follow the courses below.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MB = 1024 ** 2;
const GB = 1024 * MB;
const STEP_MS = 30_000;
/** The host starts at noon, UTC. */
const DAY_HOURS = 24;
const PROVIDER = 'https://api.provider.example';

/** A thing that goes wrong in the day. */
export interface Story {
  name: string;
  /** Words that are in the titles of its messages. */
  about: RegExp;
  /** When it reaches its limit if nobody acts, in hours from the start; null: it has none, or is there at once. */
  limitHour: number | null;
}

export const STORIES: readonly Story[] = [
  { name: 'memory 2 → 8 GB in 18 h', about: /shop/, limitHour: 18 },
  { name: 'connection pool empty after 14 h', about: /api/, limitHour: 14 },
  { name: 'debug logs, 12 GB a day', about: /disk|logs/, limitHour: 30 },
  { name: 'dev dashboard that spawns children', about: /dash/, limitHour: 13.8 },
  { name: 'provider down at 3 AM, for two hours', about: /provider|digest-a|digest-b|triage/, limitHour: null },
  {
    name: 'key of a service expired at 9: six agents fail',
    about: /agents failed of one cause|sync-/,
    limitHour: null,
  },
  { name: 'a crash that a retry mends, thrice', about: /fetch/, limitHour: null },
  { name: 'the host is killed once', about: /^✗ host is/, limitHour: null },
  { name: 'a batch of three hours each night', about: /nightly/, limitHour: null },
  { name: 'processes of commands left behind, each hour', about: /shots/, limitHour: null },
];

/** A worker whose memory grows from the moment at which it was made. */
interface Growing {
  agent: string;
  from: number;
  perHour: number;
  limit: number;
  isOfChildren: boolean;
  madeAt: number;
  worker: number;
}

const newGrowing = (agent: string, from: number, perHour: number, limit: number, isOfChildren = false): Growing => ({
  ...{ agent, from, perHour, limit, isOfChildren },
  ...{ madeAt: T0, worker: 1 },
});

interface Day {
  told: readonly Told[];
  /** Alerts that people were told of, digests left out. */
  alerts: number;
  healed: number;
}

/** Lives the day. */
export async function liveStories(): Promise<Day> {
  const w = await world();
  const { clock } = w;
  const random = randomOf(7919);
  const growing = [
    newGrowing('shop', 2 * GB, (6 * GB) / 18, 8 * GB),
    newGrowing('dash', 300 * MB, 200 * MB, 3 * GB, true),
  ];
  const bytesOf = ({ from, perHour, madeAt }: Growing) => from + (perHour * (clock.wall - madeAt)) / HOUR;
  const hour = () => (clock.wall - T0) / HOUR;
  const isNight = () => hour() >= 14 && hour() < 17;
  const nightly = () => (isNight() ? (100 + 100 * (hour() - 14)) * MB : 100 * MB);

  const steady = ['api', 'fetch', 'shots', 'nightly'];
  const callers = ['digest-a', 'digest-b', 'triage'];
  const syncs = Array.from({ length: 6 }, (_, at) => `sync-${at}`);
  const names = [...growing.map(({ agent }) => agent), ...steady, ...callers, ...syncs];
  for (const name of names) w.agents.set(name, { ...w.agents.get('a')!, name });
  for (const name of ['a', 'b']) w.agents.delete(name);

  function machine() {
    const held = growing.reduce((sum, one) => sum + bytesOf(one), 0) + nightly() + 3 * GB;
    const [memoryTotal, diskTotal] = [16 * GB, 40 * GB];
    const logs = (hour() * 12 * GB) / 24;
    const diskFree = diskTotal - 25 * GB - logs - random() * 50 * MB;
    return { room: { memoryFree: memoryTotal - held, memoryTotal, diskFree, diskTotal }, logs: logs + 200 * MB };
  }
  w.resources = machine().room;

  const early = createHostWarnings({
    ...{ time: clock, log: silentLog, events: { record() {} }, bus: { emit: () => fleet.service().soon() } },
    store: {
      ...{ aggregates: async () => [], aggregateSums: async () => [], durationSketches: async () => [] },
      putFinding: (finding) => w.incidentStore.putFinding(finding),
      findings: (filter) => w.incidentStore.findings(filter),
    },
    catalog: { agents: () => w.agents },
    healer: {
      open: () => w.healer.open(),
      versionLeaks: () => w.healer.versionLeaks(),
      highMemory: () => w.healer.highMemory(),
    },
    billing: { ledger: { rising: () => [] } },
    room: async () => machine().room,
    quantities: async () => quantitiesOf(machine(), hour(), random),
  });
  const fleet = fleetAlerts({
    ...{ clock, store: w.incidentStore, open: () => w.healer.open() },
    warnings: () => warningTroubles(early.current(), clock.now()),
  });
  for (const name of names)
    fleet.agents.set(name, agentOf(name, callers.includes(name) ? 'api.provider.example' : undefined));
  w.incidentStore.healingChanges(() => fleet.service().soon());
  await early.start();
  await fleet.service().start();

  function recycleAsAsked() {
    for (const one of growing) {
      if (!w.asked.includes(`recycle w-${one.agent}-${one.worker}`)) continue;
      Object.assign(one, { madeAt: clock.wall, worker: one.worker + 1 });
    }
  }

  function readings() {
    const at = clock.monotonic();
    const shares = { version: 'v1', cell: 1, at, cpu: 0, loop: 0, answers: true, externalBytes: 0 };
    const ofGrowing = growing.map((one) => {
      const bytes = Math.round(bytesOf(one) + random() * one.limit * 0.01);
      const children = one.isOfChildren ? bytes - 100 * MB : 0;
      const memory = { heapBytes: bytes - children, childrenBytes: children, limitBytes: one.limit };
      return { ...shares, worker: `w-${one.agent}-${one.worker}`, agent: one.agent, job: null, ...memory };
    });
    const ofNightly = { ...shares, worker: 'w-nightly', agent: 'nightly', job: isNight() ? 'job-night' : null };
    w.healer.readings([
      ...ofGrowing,
      { ...ofNightly, heapBytes: Math.round(nightly()), childrenBytes: 0, limitBytes: 512 * MB },
    ]);
  }

  let calls = 0;
  /** A job of an agent that calls the provider: held up, or done. */
  function call(agent: string, isDown: boolean) {
    const ref = { job: `call-${++calls}`, attempt: 1 };
    const mayReach = () => true;
    const end: CallEnd = isDown
      ? { is: 'bad', ms: 5, failure: { what: '503 Service Unavailable', status: 503 } }
      : { is: 'good', ms: 5 };
    const admission = w.origins.admit({ ...ref, agent, origin: PROVIDER, alone: false, mayReach });
    const isOut = admission.is === 'go';
    const { origins } = w;
    const down = isOut
      ? origins.callEnded({ ...ref, meant: PROVIDER, origin: admission.origin, pass: admission.pass, end })
      : true;
    if (down) origins.heldUp(ref, { agent, mayReach });
    origins.ended([ref]);
    if (isOut && !isDown) done(agent);
    else fleet.look(agent, { state: 'retrying', why: `waits for ${PROVIDER}` });
  }

  function done(agent: string) {
    const worker = growing.find((one) => one.agent === agent);
    w.settle(agent, 'done', { worker: worker ? `w-${agent}-${worker.worker}` : `w-${agent}` });
    fleet.ended(agent, 'done');
  }

  function dead(agent: string, message: string) {
    w.settle(agent, 'dead', { worker: `w-${agent}` });
    fleet.ended(agent, 'dead', { code: 'PLUGIN_ERROR', message });
  }

  /** What happens each five minutes. */
  function jobs() {
    const now = hour();
    for (const { agent } of growing) done(agent);
    if (now < 14) done('api');
    else dead('api', 'timeout exceeded when trying to connect');
    for (const agent of ['nightly', 'shots']) done(agent);
    for (const agent of callers) call(agent, now >= 15 && now < 17);
    for (const agent of syncs)
      if (now < 21) done(agent);
      else dead(agent, 'the service answers 401: the key has expired');
  }

  async function events(minute: number) {
    // A worker that crashes in a job, and whose job is done at its next attempt.
    if ([180, 560, 1_010].includes(minute)) w.end('fetch', 'CRASHED', { message: 'read ECONNRESET' });
    else if (minute % 5 === 0) done('fetch');
    if (minute % 60 === 30) {
      const message = 'chromium left 2 processes running: chromium';
      const because = { code: 'CHILDREN_LEFT', message };
      w.healer.mended({ agent: 'shots', verdict: 'children-left', because, seen: message }, 'nothing of them is left');
    }
    if (minute !== 23.5 * 60) return;
    await early.stop();
    await w.restart();
    await early.start();
    await fleet.restart();
    for (const one of growing) Object.assign(one, { madeAt: clock.wall, worker: one.worker + 1 });
    w.healer.hostLost({ code: 'HOST_LOST', message: 'the host was ended by SIGKILL' }, ['job-night']);
  }

  for (let ms = 0; ms < DAY_HOURS * HOUR; ms += STEP_MS) {
    w.resources = machine().room;
    recycleAsAsked();
    readings();
    if (ms % (5 * MINUTE) === 0) jobs();
    if (ms % MINUTE === 0) await events(ms / MINUTE);
    await clock.pass(STEP_MS, turnOfEvents);
  }
  await Promise.all([early.stop(), fleet.service().stop(), w.healer.stop()]);
  if (fleet.errors.length > 0) throw new Error(JSON.stringify(fleet.errors[0]));
  const alerts = await fleet.store.alerts({ limit: 1_000 });
  return {
    told: fleet.told,
    alerts: alerts.filter(({ severity, steps }) => severity !== 'digest' && steps.length > 0).length,
    healed: [...w.incidentStore.kept.values()].filter(({ state }) => state === 'healed').length,
  };
}

/** A story with what people were told of it first. */
export interface StoryRow {
  name: string;
  limitHour: number | null;
  /** Hours from the start; null: nobody was told. */
  firstHour: number | null;
  title: string | null;
  next: string | null;
  /** Messages in all: begins, reminders, ends. */
  messages: number;
}

/** What became of each story. */
export function rowsOf({ told }: Pick<Day, 'told'>): StoryRow[] {
  return STORIES.map(({ name, about, limitHour }) => {
    const those = told.filter(({ title, level }) => level !== 'info' && about.test(title));
    const first = those[0];
    return {
      ...{ name, limitHour, messages: those.length, title: first?.title ?? null },
      firstHour: first ? (first.at - T0) / HOUR : null,
      next: first ? (/^next: (.*)$/m.exec(first.text)?.[1] ?? null) : null,
    };
  });
}

interface Machine {
  room: World['resources'];
  logs: number;
}

function quantitiesOf({ room, logs }: Machine, hour: number, random: () => number): BoundedQuantity[] {
  const { diskFree, diskTotal } = room;
  const held = Math.min(10, Math.floor((hour / 14) * 10) + (random() < 0.4 ? 1 : 0));
  return [
    { quantity: 'disk', agent: null, value: diskTotal - diskFree, limit: diskTotal },
    { quantity: 'logs', agent: null, value: logs, limit: logs + diskFree },
    { quantity: 'pool', agent: 'api', value: held, limit: 10 },
  ];
}
