import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import { changeWords } from '../../catalog/rollout/config-change.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ConfigInUse } from './in-use.ts';
import { nextOf } from './read.ts';

/** Whether other settings could change that a host cannot start. Another host on the folder is no matter of settings. */
export function mayBeSettings(error: unknown): boolean {
  return !(error instanceof Fault && error.plain.code === 'HOST_RUNNING');
}

/** The same failure, with what has changed since a host last worked, and the way back; for a person who starts it. */
export function blamed(fault: Fault, { changed, taken }: Pick<ConfigInUse, 'changed' | 'taken'>): Fault {
  if (taken().is !== 'on-trial') return fault;
  const { plain } = fault;
  const message = `${plain.message} (since a host last worked, ${HOST_SETTINGS_FILE} has changed: ${changeWords(changed)})`;
  return new Fault({ ...plain, message, next: nextOf(plain) }, { cause: fault });
}
