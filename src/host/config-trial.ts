import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  HOST_SETTINGS_FILE,
  type HostSettings,
  readHostSettings,
  resolveHostSettings,
} from '../catalog/host-settings.ts';
import type { OriginValue } from '../catalog/ports.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';

/** The text of config/daruma.yaml with which a host last worked, relative to the installation. */
export const LAST_GOOD_FILE = 'data/config/last-good.yaml';

export interface ConfigOnTrial {
  settings: HostSettings;
  origins: OriginValue[];
  /** What people are told while the host runs on other settings than the file's. */
  concern: PlainFault[];
  /** The host has worked for a while: these settings are the ones to go back to. A disk that takes no file costs only that. */
  proven(): void;
}

/**
 * Reads the settings of the host. When they are wrong and nobody is there to mend them (`unattended`: a guardian or
 * systemd starts the host), the ones that last worked are used and that is told: a typing mistake that is found in the
 * night must not stop the fleet. A person who starts the host is refused, with the place and both ways out.
 */
export function readConfig(folder: string, unattended: boolean): ConfigOnTrial {
  const text = textOf(join(folder, HOST_SETTINGS_FILE)) ?? '';
  try {
    return { ...readHostSettings(folder), concern: [], proven: () => keep(folder, text) };
  } catch (error) {
    const good = textOf(join(folder, LAST_GOOD_FILE));
    if (!(error instanceof Fault) || good === undefined || good === text) throw error;
    const { plain } = error;
    if (!unattended) throw new Fault({ ...plain, next: nextOf(plain) }, { cause: error });
    const message = `${plain.message}; the settings that last worked are used instead`;
    const concern: PlainFault = { ...plain, code: 'CONFIG_REJECTED', message, next: nextOf(plain) };
    return { ...resolveHostSettings(good, LAST_GOOD_FILE), concern: [concern], proven() {} };
  }
}

function nextOf({ next }: PlainFault): string {
  const back = `cp ${LAST_GOOD_FILE} ${HOST_SETTINGS_FILE}`;
  return `${next ? `${next}, or` : 'mend it, or'} go back to the one that last worked: ${back}`;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function keep(folder: string, text: string): void {
  const file = join(folder, LAST_GOOD_FILE);
  if (textOf(file) === text) return;
  try {
    mkdirSync(join(folder, 'data/config'), { recursive: true });
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  } catch {
    // The next host that works will try again.
  }
}
