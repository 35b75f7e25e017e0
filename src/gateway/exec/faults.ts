import { Fault } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { ExecResult } from '../../plugin/context.ts';

/** The faults of commands that have no result. */
export const execFaults = {
  timeout: (command: string, ms: number, result: ExecResult) =>
    new Fault({
      code: 'EXEC_TIMEOUT',
      message: `${command} took longer than ${formatDuration(ms)} and was killed`,
      next: 'give it a longer timeout, or less to do',
      data: { stderr: lastLines(result.stderr), stdout: lastLines(result.stdout) },
    }),
  stopped: (command: string) =>
    new Fault({ code: 'EXEC_STOPPED', message: `${command} was killed, because its job was stopped or has ended` }),
  hostStops: (command: string) =>
    new Fault({ code: 'EXEC_STOPPED', message: `${command} was not run or was killed, because the host stops` }),
  unstarted: (command: string, why: string) =>
    new Fault({ code: 'EXEC_NOT_STARTED', message: `${command} could not be started: ${why}` }),
  unrecorded: (command: string, why: string) =>
    new Fault({
      code: 'EXEC_NOT_STARTED',
      message: `${command} was not started, because its process could not be recorded: ${why}`,
      next: 'see whether data/run can be written and the disk has room',
    }),
  lost: (command: string, how: string) =>
    new Fault({ code: 'EXEC_LOST', message: `${command} was killed, because the exec broker ${how}` }),
};

/** The last lines of an output, at most ten and 2,000 characters. */
function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-10).join('\n').slice(-2_000);
}
