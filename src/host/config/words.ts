import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import type { Healer } from '../../healing/healer.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Events } from '../../telemetry/events.ts';
import { type ChangedSetting, changeWords } from './change.ts';
import { badFile, LAST_GOOD_FILE } from './files.ts';
import type { BadConfig } from './selection.ts';

/** How a person puts settings in force that the host went back from. */
const FORCE = 'daruma config force';

/** Records what becomes of the host's settings: each change is an event, settings that did harm are an incident of healing. */
export interface ConfigRecords {
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
      events.record('info', { kind: 'config.trial', agent: null, message, data: { changed } });
    },
    takenBack(bad, again) {
      const { kind, id, changed } = bad;
      const jobs = again === 0 ? '' : `; ${again} ${again === 1 ? 'job is' : 'jobs are'} run again`;
      const other = changed.find(({ path }) => path === 'store.file');
      const left = other ? `; what was accepted meanwhile stays in ${other.after}` : '';
      const back = `the settings that last worked are in force again${jobs}${left}`;
      if (kind === 'by-hand') {
        const message = `${HOST_SETTINGS_FILE} was taken back by hand (${changeWords(changed)}); ${back}`;
        return events.record('info', { kind: 'config.chosen', agent: null, message, data: { changed } });
      }
      const mend = `mend ${HOST_SETTINGS_FILE} (what it said is kept in ${badFile(id)})`;
      healer.report(incidentOf(bad), `${back}; ${mend}, or force it: ${FORCE}`);
      const data = { id, reason: kind, changed, force: FORCE };
      events.record('warn', { kind: 'config.taken-back', agent: null, message: `${harmWords(bad)}; ${back}`, data });
    },
    approved(changed) {
      const message = `${HOST_SETTINGS_FILE} is good (${changeWords(changed)}): the host has worked with it for ten minutes`;
      events.record('info', { kind: 'config.good', agent: null, message, data: { changed } });
    },
  };
}

/** The problem that people see as long as the host does not use what the file says. */
export function takenBackProblem(bad: BadConfig): PlainFault {
  return {
    code: 'CONFIG_TAKEN_BACK',
    message: `the host went back to the settings that last worked: ${harmWords(bad)}`,
    file: HOST_SETTINGS_FILE,
    next: `mend ${HOST_SETTINGS_FILE}, then daruma stop and daruma start, or force it: ${FORCE}`,
    data: { id: bad.id, kept: badFile(bad.id), changed: bad.changed },
  };
}

/** What to do about a fault of the file: its own next step, and the way back to the settings that last worked. */
export function nextWithWayBack({ next }: Pick<PlainFault, 'next'>): string {
  const back = `cp ${LAST_GOOD_FILE} ${HOST_SETTINGS_FILE}`;
  return `${next ? `${next}, or` : 'mend it, or'} go back to the one that last worked: ${back}`;
}

/** `config/daruma.yaml (cells.idle 60s → 1ms): the host was lost twice …` */
function harmWords({ changed, why }: Pick<BadConfig, 'changed' | 'why'>): string {
  return `${HOST_SETTINGS_FILE} (${changeWords(changed)}): ${why}`;
}

function incidentOf(bad: BadConfig) {
  const seen = harmWords(bad);
  const { id, kind, changed } = bad;
  const because: PlainFault = {
    code: 'BAD_CONFIG',
    message: seen,
    file: HOST_SETTINGS_FILE,
    data: { kind, changed, kept: badFile(id) },
  };
  return { agent: null, verdict: 'bad-config' as const, because, seen };
}
