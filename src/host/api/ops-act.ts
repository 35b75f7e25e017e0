import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOrNull } from '../../kernel/instant.ts';
import { subject } from '../../kernel/subjects.ts';
import type { HostContext } from '../host-context.ts';
import { type OpCall, type OpTable, whoOf } from './handlers.ts';
import { incidentOps } from './incidents.ts';
import { listingOf } from './known.ts';

type Acting = Pick<
  OpTable,
  'restart' | 'pause' | 'resume' | 'pauseAll' | 'resumeAll' | 'ack' | 'mute' | 'unmute' | 'level' | 'stop'
>;

/**
 * The operations on agents, incidents and the host that change something. These operations are recorded as events and in the
 * log.
 */
export function actingOps(hostContext: HostContext): Acting {
  const { catalog, pauses, workers, events, healer, logLevels } = hostContext;

  async function pause(agent: string, forMs: number | undefined, who: string | undefined) {
    return { agent, until: isoOrNull(await pauses.pause(agent, forMs, who)) };
  }

  async function resume(agent: string, who: string | undefined) {
    const wasPaused = await hostContext.resume(agent, who);
    // A pause and a quarantine that end are events of their own, written with their end.
    if (healer.release(agent, 'resumed by hand', who) || wasPaused) return { agent };
    events.record('info', { kind: 'agent.resumed', agent, message: `${agent} goes on`, ...given({ who }) });
    return { agent };
  }

  const everyAgent = () => catalog.listings().map(({ name }) => name);

  return {
    async pause({ agent, forMs }, call) {
      listingOf(catalog, agent);
      return await pause(agent, forMs, whoOf(call));
    },

    async resume({ agent }, call) {
      listingOf(catalog, agent);
      return await resume(agent, whoOf(call));
    },

    pauseAll: async ({ forMs }, call) =>
      await Promise.all(everyAgent().map((agent) => pause(agent, forMs, whoOf(call)))),

    resumeAll: async (_, call) => await Promise.all(everyAgent().map((agent) => resume(agent, whoOf(call)))),

    ...incidentOps(hostContext),

    async restart({ agent, now }, call) {
      listingOf(catalog, agent);
      const gone = workers.restart(agent, now);
      if (gone.workers.length === 0) throw noWorker(agent);
      const jobs = gone.jobs.length === 0 ? '' : `, ${now ? 'stopped' : 'after'} ${gone.jobs.join(', ')}`;
      const message = `${agent} gets new workers instead of ${gone.workers.join(', ')}${jobs}`;
      const about = gone.workers.map((worker) => subject.order(hostContext.owner.run, worker));
      const who = given({ who: whoOf(call) });
      events.record('info', { kind: 'agent.restarted', agent, message, data: { ...gone, now }, about, ...who });
      return { agent, ...gone, now };
    },

    async level({ agent, level, forMs }) {
      listingOf(catalog, agent);
      return { agent, level, until: isoOrNull(logLevels.set(agent, level, forMs)) };
    },

    async stop() {
      hostContext.stop();
      return { pid: hostContext.facts.pid };
    },
  };
}

function noWorker(agent: string): Fault {
  return new Fault({
    code: 'NO_WORKER',
    message: `${agent} has no worker now: its next job gets a new one`,
    next: `daruma run ${agent}`,
  });
}

/** The op that mends the store. The command line looks at the file by itself, since a check of it would hold up the host's readers. */
export function storeOps({ store, asides }: Pick<HostContext, 'store' | 'asides'>): Pick<OpTable, 'storeMend'> {
  return {
    async storeMend() {
      const mended = await store.setAside();
      if (mended > 0) asides.found(mended);
      return { mended };
    },
  };
}

/** The operations on workers, and on agents that a client brings. */
export function workerOps({
  workers,
  guests,
}: Pick<HostContext, 'workers' | 'guests'>): Pick<OpTable, 'workers' | 'guests'> {
  return {
    async workers({ agent }) {
      const all = workers.view().workers.filter((worker) => agent === undefined || worker.agent === agent);
      return all.map(({ worker, agent: name, version, is, job, startedAt, jobs, memoryBytes }) => ({
        worker,
        agent: name,
        version,
        is,
        job,
        startedAt: isoOrNull(startedAt),
        jobs: jobs.map((one) => ({ job: one.job, startedAt: isoOrNull(one.startedAt), lastBeat: one.lastBeat })),
        memoryBytes,
      }));
    },

    async guests({ files }, { item, gone }) {
      await guests.admit(files, gone, (agents) => item({ agents }));
      return null;
    },
  };
}

/** The operations of diagnosis, and of drills that ask models. */
export function modelDrillOps({
  modelDrills,
  fleet,
}: Pick<HostContext, 'modelDrills' | 'fleet'>): Pick<OpTable, 'incidentEvidence' | 'drillModels' | 'drillDone'> {
  return {
    incidentEvidence: ({ id }) => fleet.evidenceOf(id),
    drillModels: () => modelDrills.fallback(),
    async drillDone({ kind, rows, tookMs }) {
      if (kind === 'faults') await modelDrills.keepFaults(rows, tookMs ?? null);
      else await modelDrills.keepDiagnosis(rows, tookMs ?? null);
      return null;
    },
  };
}

/** The operations that change which settings of the host are in force. */
export function configOps({
  config,
  configWatch,
  events,
}: Pick<HostContext, 'config' | 'configWatch' | 'events'>): Pick<OpTable, 'configRollback' | 'configForce'> {
  function record(kind: string, message: string, changed: unknown, call: Pick<OpCall, 'by'>) {
    const about = [subject.config()];
    const who = given({ who: whoOf(call) });
    events.record('info', { kind, agent: null, message, data: { changed }, about, cameOf: about, ...who });
  }
  return {
    async configRollback(_, call) {
      const changed = [...config.changed];
      if (configWatch.rollBack()) {
        const message = 'config/daruma.yaml is taken back by hand';
        record('config.ordered-back', message, changed, call);
        return { changed };
      }
      const message = 'config/daruma.yaml is not on probation: there is nothing to go back from';
      throw new Fault({ code: 'NOTHING_BEFORE', message, next: 'daruma config show' });
    },
    async configForce(_, call) {
      const changed = configWatch.force();
      record('config.forced', 'what config/daruma.yaml says counts as good: it was forced by hand', changed, call);
      return { changed };
    },
  };
}
