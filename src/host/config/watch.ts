import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import type { Events } from '../../telemetry/events.ts';
import { type ChangedSetting, changeWords } from './change.ts';
import { badFile } from './files.ts';
import { type ConfigInUse, FORCE, harmWords } from './in-use.ts';
import { type BadConfig, PROBATION_MS } from './selection.ts';

/**
 * Ends the probation of the host's settings: after ten minutes they are the settings to go back to. Settings that the host
 * went back from are recorded once, and jobs that died with a host are queued again.
 */
export interface ConfigWatch extends Service {
  /** When the settings are good, if no second host is lost before; null when they are not on probation. Epoch ms. */
  until(): number | null;
  /** By hand: back to the settings that last worked. False: the settings are not on probation. */
  rollBack(): boolean;
  /** By hand: what the file says counts as good. Returns what that changes; throws a Fault when the file is wrong. */
  force(): ChangedSetting[];
}

interface ConfigWatchNeeds {
  time: Time;
  log: Log;
  config: ConfigInUse;
  store: Pick<JobRecords, 'list'>;
  jobs: Pick<Jobs, 'redrive'>;
  /** Settings cannot be changed in place: the host has to start again. */
  again(why: string): void;
  records: ConfigRecords;
}

const TURN_MS = 10_000;
const MOST_JOBS = 1_000;

export function createConfigWatch(needs: ConfigWatchNeeds): ConfigWatch {
  const { time, log, config, store, jobs, records } = needs;
  /** The host starts again: nothing more is decided. */
  let isLeaving = false;
  let isRecorded = false;

  async function turn() {
    const selection = config.selection();
    if (isLeaving || selection.is === 'good') return;
    if (selection.is === 'taken-back') return selection.bad.isReported ? undefined : report(selection.bad);
    if (!isRecorded && config.isFirst) records.begun(config.changed);
    isRecorded = true;
    if (!config.hasWorked() || time.now() < selection.probation.since + PROBATION_MS) return;
    config.approve();
    records.approved(config.changed);
  }

  /** Once the settings that last worked are in force. A store that is full leaves it to the next turn. */
  async function report(bad: BadConfig) {
    const dead = await store.list({ states: ['dead'], limit: MOST_JOBS });
    const lost = dead
      .filter(({ error }) => error?.code === 'HOST_LOST')
      .filter(({ startedAt }) => startedAt !== null && startedAt >= bad.since && startedAt <= bad.at)
      .map(({ id }) => id);
    if (lost.length > 0) await jobs.redrive(lost);
    config.reported();
    records.takenBack(bad, lost.length);
  }

  /** The decision is in force, or will be when the host has started again. */
  function changed(isInForce: boolean, why: string) {
    if (isInForce) return loop.soon();
    isLeaving = true;
    needs.again(why);
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('the settings could not be looked after', { fault: toPlainFault(error) }) },
    { everyMs: TURN_MS, turn },
  );

  return {
    ...loop,
    until() {
      const selection = config.selection();
      return selection.is === 'on-probation' ? selection.probation.since + PROBATION_MS : null;
    },
    rollBack() {
      if (config.selection().is !== 'on-probation' || isLeaving) return false;
      const isInForce = config.reject({ kind: 'by-hand', why: 'was taken back by hand' }, time.now());
      changed(isInForce, 'the settings are taken back by hand');
      return true;
    },
    force() {
      const { differs, isInForce } = config.force();
      changed(isInForce, `${HOST_SETTINGS_FILE} was forced by hand`);
      return differs;
    },
  };
}

/** Records what becomes of the host's settings: each change is an event, settings that did harm are an incident of healing. */
interface ConfigRecords {
  begun(changed: readonly ChangedSetting[]): void;
  /** `again`: so many jobs that died with a host are queued again. */
  takenBack(bad: BadConfig, again: number): void;
  approved(changed: readonly ChangedSetting[]): void;
}

/** The records of the settings, written by `events` and `healer`. */
export function recordConfig(events: Pick<Events, 'record'>, healer: Pick<Healer, 'report'>): ConfigRecords {
  return {
    begun(changed) {
      const message = `${HOST_SETTINGS_FILE} is on probation: ${changeWords(changed)}`;
      const about = [subject.config()];
      events.record('info', { kind: 'config.probation', agent: null, message, data: { changed }, about });
    },
    takenBack(bad, again) {
      const { kind, id, changed } = bad;
      const jobs = again === 0 ? '' : `; ${again} ${again === 1 ? 'job is' : 'jobs are'} run again`;
      const other = changed.find(({ path }) => path === 'store.file');
      const left = other ? `; what was accepted meanwhile stays in ${other.after}` : '';
      const back = `the settings that last worked are in force again${jobs}${left}`;
      if (kind === 'by-hand') {
        const message = `${HOST_SETTINGS_FILE} was taken back by hand (${changeWords(changed)}); ${back}`;
        return events.record('info', { kind: 'config.chosen', agent: null, message, data: { changed }, ...ofConfig });
      }
      const mend = `mend ${HOST_SETTINGS_FILE} (what it said is kept in ${badFile(id)})`;
      const data = { id, reason: kind, changed, force: FORCE };
      const event = { level: 'warn', kind: 'config.taken-back', message: `${harmWords(bad)}; ${back}`, data } as const;
      healer.report(incidentOf(bad), `${back}; ${mend}, or force it: ${FORCE}`, {
        ...event,
        ...{ who: 'config', about: ofConfig.about },
      });
    },
    approved(changed) {
      const message = `${HOST_SETTINGS_FILE} is good (${changeWords(changed)}): the host has worked with it for ten minutes`;
      events.record('info', { kind: 'config.good', agent: null, message, data: { changed }, ...ofConfig });
    },
  };
}

const ofConfig = { about: [subject.config()], cameOf: [subject.config()] };

function incidentOf(bad: BadConfig) {
  const seen = harmWords(bad);
  const { id, kind, changed } = bad;
  const because: PlainFault = {
    code: 'BAD_CONFIG',
    message: seen,
    file: HOST_SETTINGS_FILE,
    data: { kind, changed, kept: badFile(id) },
  };
  return { agent: null, verdict: 'bad-config' as const, because, seen, cameOf: ofConfig.cameOf };
}
