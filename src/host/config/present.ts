import { readHostSettings } from '../../catalog/files/host-settings.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';

/** What is wrong with config/daruma.yaml as it is now, whatever is in force: the next start would stumble over it. */
export function configProblems(folder: string): PlainFault[] {
  try {
    readHostSettings(folder);
    return [];
  } catch (error) {
    if (error instanceof Fault) return [error.plain];
    throw error;
  }
}
