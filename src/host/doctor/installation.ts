import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { toPlainFault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { machineTime } from '../../kernel/time.ts';
import { formatSize } from '../../kernel/units.ts';
import type { DoctorCheck } from '../../operations/results/doctor.ts';
import type { Ops } from '../../operations/table.ts';
import { openStoreForReading } from '../../store/open.ts';
import { openOffline } from '../api/offline.ts';
import { openConfigFiles } from '../config/files.ts';
import { readConfig } from '../config/read.ts';
import { checkStopped } from './doctor.ts';
import { fine, problem, unknown } from './machine-checks.ts';

/** The checks of an installation whose host is down, also where there is no store yet, or one that cannot be read. */
export async function checkInstallation(folder: string): Promise<Ops['doctor']['value']> {
  const offline = await openOffline(folder, { knowsSecrets: true }).catch(() => undefined);
  try {
    if (offline) return (await offline.ask('doctor', {})) as Ops['doctor']['value'];
    const needs = { time: machineTime, folder, settings: settingsOf(folder), states: undefined, secrets: undefined };
    return { checks: await checkStopped(needs) };
  } finally {
    offline?.close();
  }
}

/** A larger store takes longer than a second to look at. */
const QUICK_BYTES = 128 * MB;

/** Has SQLite look at the file of the store, beside a running host too, where that takes no longer than about a second. */
export async function checkStoreFile(folder: string): Promise<DoctorCheck> {
  return { ...(await storeFileCheck(resolve(folder, settingsOf(folder).store.file))), group: 'host' };
}

async function storeFileCheck(file: string): Promise<Omit<DoctorCheck, 'group'>> {
  if (!existsSync(file)) return unknown('store', 'there is no store yet: the first host makes it');
  const { size } = statSync(file);
  if (size > QUICK_BYTES)
    return unknown('store', `the store has ${formatSize(size)}: daruma store check looks at all of it`);
  try {
    const store = openStoreForReading({ file });
    try {
      const { detail } = await store.health({ thorough: true });
      return detail === null
        ? fine('store', 'the file of the store is whole')
        : problem('store', `the store is damaged: ${detail}`, FIX);
    } finally {
      store.close();
    }
  } catch (thrown) {
    return problem('store', toPlainFault(thrown).message, FIX);
  }
}

const FIX = 'daruma store check; daruma backup list has what can be restored';

function settingsOf(folder: string) {
  return readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() }).settings;
}
