import { constants } from 'node:os';

/** The longest report of a fence that is read, in characters; a fence has less to say. */
export const LONGEST_REPORT = 4_096;

/** Signals of which a shell reports nothing when they end its child; a program that ends with their code means them. */
const UNREPORTED = [constants.signals.SIGINT, constants.signals.SIGPIPE];
/** The number that a shell adds to that of a signal. */
const SIGNALLED = 128;

interface End {
  code: number | null;
  signal: string | null;
}

/**
 * The end of a command in bubblewrap: as its fence reports it (`exit 3`, after the shell's word about a signal: `Killed`), or the end of
 * bubblewrap's own process where the fence reports nothing, because it was killed as well. The command can write into the fence's
 * report, and gains nothing: each text there gives an exit code or a signal.
 */
export function reportedEnd(exit: End, report: string): End {
  const last = /(?:^|\n)exit (\d{1,3})\n$/.exec(report);
  if (!last) return exit.code !== null && exit.code > SIGNALLED ? signalled(exit.code) : exit;
  const status = Math.min(Number(last[1]), 255);
  if (status <= SIGNALLED) return { code: status, signal: null };
  const isSignal = report.slice(0, last.index).trim() !== '' || UNREPORTED.includes(status - SIGNALLED);
  return isSignal ? signalled(status) : { code: status, signal: null };
}

function signalled(status: number): End {
  const name = Object.entries(constants.signals).find(([, number]) => number === status - SIGNALLED)?.[0];
  return name ? { code: null, signal: name } : { code: status, signal: null };
}

/** The reason why the fence did not start the command; undefined when the command ran. */
export function whyUnfenced(report: string, stderr: string, code: number | null): string | undefined {
  const why = /^unfenced (.*)$/m.exec(report)?.[1];
  if (why !== undefined) return `its fence does not hold: ${why}`;
  // A fence that is up tells an end.
  return code !== 0 && report === '' && stderr.startsWith('bwrap: ') ? stderr.trim().split('\n')[0] : undefined;
}
