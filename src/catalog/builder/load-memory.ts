import type { PlainFault } from '../../kernel/fault.ts';

/** The heap that a plugin is given to be loaded in for a look. */
export const LOAD_HEAP_MB = 128;

/** The fault of a plugin that fills its memory while it is loaded. */
export function outOfMemory(file: string): PlainFault {
  return {
    code: 'PLUGIN_LOAD_MEMORY',
    message: `needs more than ${LOAD_HEAP_MB} MB of memory only to be loaded`,
    file,
    next: 'move what it builds at load into `run`',
  };
}
