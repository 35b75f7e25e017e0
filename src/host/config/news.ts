import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import { changeWords } from '../../catalog/rollout/config-change.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Events } from '../../telemetry/events.ts';
import { badFile } from './files.ts';
import type { ConfigNews } from './probation.ts';
import { disturbanceOf, FORCE, harmWords } from './words.ts';

/** Settings that are taken back are one incident of healing; each change of their standing is an event. */
export function recordConfigChange(events: Pick<Events, 'record'>, healer: Pick<Healer, 'report'>): ConfigNews {
  return {
    begun(changed) {
      const message = `${HOST_SETTINGS_FILE} is on probation: ${changeWords(changed)}`;
      events.record('info', { kind: 'config.trial', agent: null, message, data: { changed } });
    },
    takenBack(bad, runAgain) {
      const jobs = runAgain === 0 ? '' : `; ${runAgain} ${runAgain === 1 ? 'job is' : 'jobs are'} run again`;
      const other = bad.changed.find(({ path }) => path === 'store.file');
      const left = other ? `; what was accepted meanwhile stays in ${other.after}` : '';
      const back = `the settings that last worked are in force again${jobs}${left}`;
      if (bad.kind === 'by-hand') {
        const message = `${HOST_SETTINGS_FILE} was taken back by hand (${changeWords(bad.changed)}); ${back}`;
        return events.record('info', { kind: 'config.chosen', agent: null, message, data: { changed: bad.changed } });
      }
      const mend = `mend ${HOST_SETTINGS_FILE} (what it said is kept in ${badFile(bad.id)})`;
      healer.report(disturbanceOf(bad), `${back}; ${mend}, or force it: ${FORCE}`);
      events.record('warn', {
        kind: 'config.taken-back',
        agent: null,
        message: `${harmWords(bad)}; ${back}`,
        data: { id: bad.id, reason: bad.kind, changed: bad.changed, struck: bad.struck, force: FORCE },
      });
    },
    excused(bad) {
      const seen = `${harmWords(bad)}; the settings that last worked do the same, so it was not them: they are tried again, and that is not held against them`;
      healer.report({ ...disturbanceOf(bad), seen }, null);
      events.record('warn', { kind: 'config.excused', agent: null, message: seen, data: { id: bad.id } });
    },
    approved(changed, why) {
      const message = `${HOST_SETTINGS_FILE} is good (${changeWords(changed)}): ${why}`;
      events.record('info', { kind: 'config.good', agent: null, message, data: { changed } });
    },
  };
}
