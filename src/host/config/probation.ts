import type { Catalog } from '../../catalog/ports.ts';
import type { ChangedSetting } from '../../catalog/rollout/config-change.ts';
import type { BadConfig, ConfigTrial } from '../../catalog/rollout/config-standing.ts';
import { HOST_CAUSE } from '../../catalog/rollout/config-standing.ts';
import {
  type FleetJudgement,
  goodBy,
  type HostRecord,
  judgeFleet,
  judgeFleetAppeal,
} from '../../catalog/rollout/fleet-band.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { JobStore, Settlement } from '../../jobs/ports.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { EventStore } from '../../telemetry/ports.ts';
import { failedBy } from './again.ts';
import type { ConfigInUse } from './in-use.ts';
import { createWitnesses, type Past, type Witnesses } from './witnesses.ts';

/**
 * Watches the fleet while the host's settings are on probation. Settings with which agents do worse than before, or hosts
 * are lost, are taken back, and the jobs that failed meanwhile are run again; if the agents fail in the same way with the
 * good ones, it was not the settings. Settings under which the fleet works as it did are the ones to go back to.
 */
export interface ConfigProbation extends Service {
  /** The set of agents in force has changed. */
  use(): void;
  /** An attempt's end was written down. */
  settled(end: Settlement, agent: string): void;
  /** When the settings are good at the latest; null when they are not on trial. Epoch ms. */
  until(): number | null;
  /** By hand: back to those that last worked. False: they are not on trial. */
  rollBack(): boolean;
  /** By hand: what the file says counts as good. Returns what that changes; throws a Fault when it is wrong. */
  force(): ChangedSetting[];
}

export interface ConfigProbationNeeds {
  time: Time;
  log: Log;
  config: ConfigInUse;
  catalog: Pick<Catalog, 'agents' | 'rollouts'>;
  store: Past & Pick<JobStore, 'hasten'> & Pick<EventStore, 'events'>;
  /** The store of the good settings, when that is another one. */
  past(): (Past & { close(): void }) | undefined;
  jobs: Pick<Jobs, 'redrive' | 'wake'>;
  /** Paused, or in quarantine. */
  isHeld(agent: string): boolean;
  /** Settings cannot be changed in place: the host has to start again. */
  again(why: string): void;
  tell: ConfigNews;
}

/** What people are told. */
export interface ConfigNews {
  begun(changed: ConfigInUse['changed']): void;
  takenBack(bad: BadConfig, runAgain: number): void;
  /** The good settings fail in the same way: the others are tried again. */
  excused(bad: BadConfig): void;
  approved(changed: ConfigInUse['changed'], why: string): void;
}

const TURN_MS = 10_000;
/** Failures that come together are judged together. */
const GATHER_MS = 200;
/** Hosts of before are counted over this time. */
const HOSTS_MS = 30 * 86_400_000;
const MOST_EVENTS = 1_000;

export function createConfigProbation(needs: ConfigProbationNeeds): ConfigProbation {
  const { time, log, config, catalog, store, tell } = needs;
  let witnesses: Witnesses | undefined;
  let hosts = { before: NO_HOSTS, since: NO_HOSTS };
  /** When what is in force now came in force. */
  let inForceSince = 0;
  /** The host starts again: nothing more is decided. */
  let isLeaving = false;
  let turnedAt: number | undefined;
  let cancelTurn = () => {};
  let cancelSoon: (() => void) | undefined;
  const working = new Set<Promise<void>>();

  async function turn() {
    turnedAt = time.monotonic();
    try {
      // A store that was full has left it untold.
      const taken = config.taken();
      if (taken.is === 'taken-back' && !taken.bad.isTold && !isLeaving) await begin();
      await witnesses?.look(time.now(), needs.isHeld);
      judge();
    } catch (error) {
      log.error('the settings could not be judged; it is tried again', { fault: toPlainFault(error) });
    }
    if (turnedAt !== undefined) cancelTurn = time.after(TURN_MS, () => track(turn()));
  }

  /** Looks at what is in force from now on. */
  async function begin() {
    const taken = config.taken();
    inForceSince = time.now();
    witnesses = undefined;
    if (taken.is === 'on-trial') await watchTrial(taken.trial);
    if (taken.is !== 'taken-back') return;
    if (!taken.bad.isTold) await makeGood(taken.bad);
    if (taken.bad.appeal === 'open' && taken.bad.kind === 'fleet') watch(inForceSince, []);
  }

  async function watchTrial({ since, excused, starts, lost }: ConfigTrial) {
    const past = needs.past();
    watch(since, excused, past);
    if (starts <= 1) tell.begun(config.changed);
    const before = await hostsBefore(past ? undefined : store, since);
    hosts = { before, since: excused.includes(HOST_CAUSE) ? NO_HOSTS : { ended: Math.max(0, starts - 1), lost } };
    const known = witnesses!.known().then(judgeSoon);
    track(past ? known.finally(() => past.close()) : known);
  }

  function watch(since: number, excused: readonly string[], past?: Past) {
    witnesses = createWitnesses({ log, store, past: past ?? store }, { since, excused });
    use();
  }

  function use() {
    witnesses?.use(catalog.agents(), catalog.rollouts.probationers());
  }

  async function hostsBefore(events: Pick<EventStore, 'events'> | undefined, since: number): Promise<HostRecord> {
    const terms = { since: since - HOSTS_MS, limit: MOST_EVENTS };
    const [started, lost] = await Promise.all(
      ['host.started', 'host.lost'].map(
        async (kind) => (await events?.events({ kind, ...terms }))?.filter(({ at }) => at < since).length ?? 0,
      ),
    );
    return { ended: started!, lost: lost! };
  }

  function judge() {
    const taken = config.taken();
    if (!witnesses || isLeaving) return;
    if (taken.is === 'taken-back') return hear(taken.bad);
    // Nobody has anything against them, as long as nobody's past is known.
    if (taken.is !== 'on-trial' || !witnesses.areKnown()) return;
    const facts = { witnesses: witnesses.all(), hosts, since: taken.trial.since, now: time.now() };
    const decision = judgeFleet(facts);
    if (decision.is === 'good') approve(decision.why);
    if (decision.is === 'bad') takeBack(decision);
  }

  function judgeSoon() {
    cancelSoon ??= time.after(GATHER_MS, () => {
      cancelSoon = undefined;
      judge();
    });
  }

  function approve(why: string) {
    config.approve();
    witnesses = undefined;
    tell.approved(config.changed, why);
  }

  function takeBack({
    kind,
    why,
    struck,
  }: Pick<FleetJudgement & { is: 'bad' }, 'why' | 'struck'> & { kind: BadConfig['kind'] }) {
    const isInForce = config.reject({ kind, why, struck }, time.now());
    changed(isInForce, `the settings are taken back: ${why}`);
  }

  /** What was decided is in force, or will be when the host has started again. */
  function changed(isInForce: boolean, why: string) {
    if (isInForce) return track(begin());
    isLeaving = true;
    needs.again(why);
  }

  /** Once the good ones are in force: what failed meanwhile is run again, and it is told. */
  async function makeGood(bad: BadConfig) {
    const { dead, waiting } = await failedBy(store, bad);
    if (dead.length > 0) await needs.jobs.redrive(dead);
    if (waiting.length > 0) await store.hasten(waiting, time.now());
    for (const { agent } of bad.struck) needs.jobs.wake(agent);
    config.told();
    tell.takenBack(bad, dead.length + waiting.length);
  }

  function hear(bad: BadConfig) {
    const answer = judgeFleetAppeal(bad.struck, (agent) => witnesses?.of(agent));
    if (answer === 'upheld') {
      config.uphold();
      witnesses = undefined;
    }
    if (answer !== 'excused') return;
    tell.excused(bad);
    const causes = bad.struck.map(({ cause, kind }) => cause ?? kind);
    changed(config.excuse(causes, time.now()), 'it was not the settings: they are tried again');
  }

  /** An attempt that was still under way when the settings were taken back. */
  function failedLate(end: Settlement, agent: string) {
    const taken = config.taken();
    if (taken.is !== 'taken-back' || end.startedAt >= inForceSince || end.startedAt < taken.bad.since) return;
    if (!taken.bad.struck.some((one) => one.agent === agent)) return;
    const again = end.state === 'dead' ? needs.jobs.redrive([end.job]) : store.hasten([end.job], time.now());
    track(again.then(() => needs.jobs.wake(agent)));
  }

  function track(work: Promise<void>) {
    const one = work.catch((error) => log.error('a step of the probation failed', { fault: toPlainFault(error) }));
    working.add(one);
    void one.finally(() => working.delete(one));
  }

  return {
    async start() {
      if (turnedAt !== undefined) return;
      turnedAt = time.monotonic();
      // Nothing of it is worth more than that the host starts.
      await begin().catch((error) => log.error('the probation could not begin', { fault: toPlainFault(error) }));
      cancelTurn = time.after(TURN_MS, () => track(turn()));
    },
    async stop() {
      turnedAt = undefined;
      cancelTurn();
      cancelSoon?.();
      cancelSoon = undefined;
      await Promise.all(working);
    },
    alive: () => turnedAt,
    use,
    settled(end, agent) {
      if (end.state === 'dead' || end.state === 'retrying') failedLate(end, agent);
      witnesses?.settled(end, agent);
      if (witnesses) judgeSoon();
    },
    until() {
      const taken = config.taken();
      return taken.is === 'on-trial' ? goodBy(witnesses?.all().length ?? 0, taken.trial.since) : null;
    },
    rollBack() {
      if (config.taken().is !== 'on-trial' || isLeaving) return false;
      takeBack({ kind: 'by-hand', why: 'was taken back by hand', struck: [] });
      return true;
    },
    force() {
      const { differs, isInForce } = config.force();
      changed(isInForce, 'config/daruma.yaml was forced by hand');
      return differs;
    },
  };
}

const NO_HOSTS: HostRecord = { ended: 0, lost: 0 };
