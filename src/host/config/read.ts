import { HOST_SETTINGS_FILE, readHostSettings, resolveHostSettings } from '../../catalog/files/host-settings.ts';
import type { ValueSource } from '../../catalog/ports.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { machineZone } from '../../kernel/time.ts';
import { changedSettings, changeWords, configId } from './change.ts';
import { type ConfigFiles, LAST_GOOD_FILE } from './files.ts';
import { type ConfigInUse, createConfigInUse, type SaidConfig } from './in-use.ts';
import { selectConfig } from './selection.ts';

/**
 * Reads the settings of the host and selects those to work with: config/daruma.yaml, on probation when it differs from the
 * settings that last worked; or the latter, when the file did harm before. No file is written. `now` in epoch ms.
 *
 * A file that is wrong gives way to the settings that last worked when no person is there to mend it (`unattended`: a guardian
 * or systemd starts the host): a typing mistake that is found in the night must not stop the fleet. A person who starts the
 * host gets a Fault, with the place and both ways out.
 */
export function readConfig(files: ConfigFiles, { unattended, now }: { unattended: boolean; now: number }): ConfigInUse {
  const good = goodOf(files);
  const history = files.history();
  let file: SaidConfig;
  try {
    file = said(files.text(), HOST_SETTINGS_FILE);
  } catch (error) {
    if (!(error instanceof Fault) || !good) throw error;
    const { plain } = error;
    const next = nextWithWayBack(plain);
    if (!unattended) throw new Fault({ ...plain, next }, { cause: error });
    const message = `${plain.message}; the settings that last worked are used instead`;
    const invalid: PlainFault = { ...plain, code: 'CONFIG_REJECTED', message, next };
    return createConfigInUse({ files, file: good, good, history, selection: { is: 'good' }, invalid });
  }
  const changed = good ? changedSettings(good.origins, file.origins) : [];
  return createConfigInUse({ files, file, good, ...selectConfig(history, configId(file.origins), changed, now) });
}

/** Problems of config/daruma.yaml as it is now: the next start would stumble over them. */
export function configProblems(folder: string): PlainFault[] {
  try {
    readHostSettings(folder);
    return [];
  } catch (error) {
    if (error instanceof Fault) return [error.plain];
    throw error;
  }
}

/** Whether a host may start with other settings, although it failed with these. Another host on the folder stays there. */
export function mayBeSettings(error: unknown): boolean {
  return !(error instanceof Fault && error.plain.code === 'HOST_RUNNING');
}

/** The same failure for a person who starts the host: with the settings that changed since a host last worked, and the way back. */
export function withChanges(fault: Fault, { changed, selection }: Pick<ConfigInUse, 'changed' | 'selection'>): Fault {
  if (selection().is !== 'on-probation') return fault;
  const { plain } = fault;
  const message = `${plain.message} (since a host last worked, ${HOST_SETTINGS_FILE} has changed: ${changeWords(changed)})`;
  return new Fault({ ...plain, message, next: nextWithWayBack(plain) }, { cause: fault });
}

/** A text that a newer Daruma kept, and this release cannot read, is as good as none. */
function goodOf(files: ConfigFiles): SaidConfig | undefined {
  const text = files.lastGood();
  try {
    return text === undefined ? undefined : said(text, LAST_GOOD_FILE);
  } catch {
    return undefined;
  }
}

function said(text: string, file: string): SaidConfig {
  return { text, ...resolveHostSettings(text, file) };
}

/** The problem that people see while schedules follow a zone of the machine that is not understood: config/daruma.yaml names none. */
export function zoneWarning(origins: readonly ValueSource[]): PlainFault[] {
  const { problem } = machineZone();
  const isSaid = origins.some(({ path, origin }) => path === 'timezone' && origin !== 'default');
  return problem && !isSaid ? [problem] : [];
}

/** The next steps after a fault of the file: its own, and the way back to the settings that last worked. */
function nextWithWayBack({ next }: Pick<PlainFault, 'next'>): string {
  const back = `cp ${LAST_GOOD_FILE} ${HOST_SETTINGS_FILE}`;
  return `${next ? `${next}, or` : 'mend it, or'} go back to the one that last worked: ${back}`;
}
