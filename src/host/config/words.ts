import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import { changeWords } from '../../catalog/rollout/config-change.ts';
import type { BadConfig } from '../../catalog/rollout/config-standing.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { badFile } from './files.ts';

/** How a person puts settings in force that were taken back. */
export const FORCE = 'daruma config force';

/** `config/daruma.yaml (cells.idle 60s → 1ms): 2 of 3 agents do worse than before: …` */
export function harmWords({ changed, why }: Pick<BadConfig, 'changed' | 'why'>): string {
  return `${HOST_SETTINGS_FILE} (${changeWords(changed)}): ${why}`;
}

/** What people are told as long as the file's settings are not in force. */
export function recordTakenBack(bad: BadConfig): PlainFault {
  return {
    code: 'CONFIG_TAKEN_BACK',
    message: `the host went back to the settings that last worked: ${harmWords(bad)}`,
    file: HOST_SETTINGS_FILE,
    next: `mend ${HOST_SETTINGS_FILE}, then daruma stop and daruma start, or force it: ${FORCE}`,
    data: { id: bad.id, kept: badFile(bad.id), changed: bad.changed },
  };
}

/** What it is blamed on, for the record of the incident. */
export function disturbanceOf(bad: BadConfig) {
  const seen = harmWords(bad);
  const { id, kind, changed, struck } = bad;
  const because: PlainFault = {
    code: 'BAD_CONFIG',
    message: seen,
    file: HOST_SETTINGS_FILE,
    data: { kind, changed, struck, kept: badFile(id) },
  };
  return { agent: null, verdict: 'bad-config' as const, because, seen };
}
