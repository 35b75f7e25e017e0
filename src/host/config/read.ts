import { HOST_SETTINGS_FILE, resolveHostSettings } from '../../catalog/files/host-settings.ts';
import { changedSettings, configId } from '../../catalog/rollout/config-change.ts';
import { takeConfig } from '../../catalog/rollout/config-standing.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { type ConfigFiles, LAST_GOOD_FILE } from './files.ts';
import { type ConfigInUse, createConfigInUse, type SaidConfig } from './in-use.ts';

/**
 * Reads the settings of the host, and decides which are in force: those of config/daruma.yaml (on trial, when they differ
 * from those that last worked well) or, when that has done harm before, the ones that last worked. Nothing is written.
 *
 * A file that is wrong gives way to what last worked when nobody is there to mend it (`unattended`: a guardian or systemd
 * starts the host): a typing mistake that is found in the night must not stop the fleet. A person who starts the host is
 * refused, with the place and both ways out.
 */
export function readConfig(files: ConfigFiles, { unattended, now }: { unattended: boolean; now: number }): ConfigInUse {
  const good = goodOf(files);
  let file: SaidConfig;
  try {
    file = said(files.text(), HOST_SETTINGS_FILE);
  } catch (error) {
    if (!(error instanceof Fault) || !good) throw error;
    const { plain } = error;
    if (!unattended) throw new Fault({ ...plain, next: nextOf(plain) }, { cause: error });
    const message = `${plain.message}; the settings that last worked are used instead`;
    const invalid: PlainFault = { ...plain, code: 'CONFIG_REJECTED', message, next: nextOf(plain) };
    return createConfigInUse({ files, file: good, good, rollout: files.rollout(), taken: { is: 'good' }, invalid });
  }
  const changed = good ? changedSettings(good.origins, file.origins) : [];
  const { rollout, taken } = takeConfig(files.rollout(), configId(file.origins), changed, now);
  return createConfigInUse({ files, file, good, rollout, taken });
}

/** Text that a newer Daruma kept, and this one cannot read, is as good as none. */
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

/** The way back to what last worked, beside what is to be done about the fault itself. */
export function nextOf({ next }: Pick<PlainFault, 'next'>): string {
  const back = `cp ${LAST_GOOD_FILE} ${HOST_SETTINGS_FILE}`;
  return `${next ? `${next}, or` : 'mend it, or'} go back to the one that last worked: ${back}`;
}
