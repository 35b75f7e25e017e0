import type { PlainFault } from './fault.ts';

/**
 * Whether another attempt may help, for the faults of an attempt that Daruma itself names. `false`: a fault of the
 * programmer or of the set-up, which a second attempt only repeats, with all the effects before it: the job is dead at once.
 * What is not in the table (errors of plugins, of libraries, of Node) may pass, so it is tried again.
 */
const MAY_HELP: ReadonlyMap<string, boolean> = new Map([
  // What cannot be a result, an input, a state or an option.
  ['NOT_JSON', false],
  ['TOO_LARGE', false],
  ['CALL_INVALID', false],
  ['VALUE_INVALID', false],
  ['INPUT_INVALID', false],
  // Rights that nobody gave.
  ['NOT_IN_NEEDS', false],
  ['NOT_ALLOWED', false],
  // A file beside the source that its version does not hold.
  ['NOT_KEPT', false],
  // A chain of jobs that is too long, or grows too fast: its next hop is the same.
  ['CHAIN_TOO_DEEP', false],
  ['CHAIN_TOO_FAST', false],
  // A plugin that is none, settings that its schema refuses, a command that is not installed.
  ['NO_PLUGIN', false],
  ['SETTINGS_INVALID', false],
  ['EXEC_NOT_FOUND', false],
  // Effects of `once` that must not be done again, and the plugin's own word.
  ['EFFECT_UNKNOWN', false],
  ['EFFECT_NOT_KEPT', false],
  ['GIVE_UP', false],
  // What passes: time, memory, processes, servers.
  ['RETRY_LATER', true],
  ['RETRY_AFTER_INVALID', true],
  ['TIMEOUT', true],
  ['SILENT', true],
  ['CRASHED', true],
  ['BOOT_FAILED', true],
  ['OUT_OF_MEMORY', true],
  ['OVER_LIMIT', true],
  ['CELL_LOST', true],
  ['HOST_LOST', true],
  ['HOST_STOPPED', true],
  ['ATTEMPT_ENDED', true],
  ['TOO_MANY_CALLS', true],
  ['AGENT_UNKNOWN', true],
  ['FETCH_TIMEOUT', true],
  ['ORIGIN_DOWN', true],
  ['EXEC_FAILED', true],
  ['EXEC_TIMEOUT', true],
  ['EXEC_STOPPED', true],
  ['EXEC_NOT_STARTED', true],
  ['EXEC_LOST', true],
]);

/** Whether another attempt may help against the fault; what kept a plugin from being loaded decides for a load. */
export function mayHelp({ code, data }: Pick<PlainFault, 'code' | 'data'>): boolean {
  const cause = code === 'BOOT_FAILED' ? data?.cause : undefined;
  return MAY_HELP.get(typeof cause === 'string' ? cause : code) ?? true;
}
