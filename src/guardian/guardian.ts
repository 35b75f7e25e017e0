import { constants } from 'node:os';
import type { HostEndRecord } from '../kernel/pulse.ts';
import { machineTime, type Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import { type HostProcess, startHostProcess } from './child.ts';
import { afterEnd, NO_HISTORY, type RestartHistory } from './restart.ts';

interface GuardianOptions {
  /** Path of the file that `node <file> host` starts a host with. */
  main: string;
  /** The installation, absolute. */
  folder: string;
  /** The host says its one line of JSON instead of the banner. */
  json?: boolean;
  /** Its hosts start with every agent paused. */
  safe?: boolean;
}

/** Ctrl-C reaches a process on two ways when npm stands in between; within this time it is one. */
const SAME_KEYPRESS_MS = 500;
/** Hosts lost one after the other that the next host hears of, at most. */
const MOST_LOST = 10;

/**
 * Keeps a host running on a folder: starts it, judges it by the progress of its loops, kills one that stands still,
 * starts the next with a growing pause, and hands on what the last ones said. It opens no file, knows no plugin and
 * never gives up. Resolves with the exit code once the host has ended as it was asked to, or cannot start at all.
 *
 * A guardian that is killed leaves its host running: the work is worth more than the watch.
 */
export async function runGuardian(options: GuardianOptions): Promise<number> {
  const time: Time = machineTime;
  const asked = new AbortController();
  let host: HostProcess | undefined;
  let lastInterrupt = Number.NEGATIVE_INFINITY;

  function onSignal(signal: NodeJS.Signals) {
    asked.abort(new Error(signal));
    const again = signal === 'SIGINT' && time.monotonic() - lastInterrupt < SAME_KEYPRESS_MS;
    if (signal === 'SIGINT') lastInterrupt = time.monotonic();
    // A terminal that is gone wants the host gone, too, but in order.
    if (!again) host?.signal(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  }
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  // The reader of the host's output may go away: that must not end the guardian.
  process.stderr.on('error', () => {});

  try {
    return await keepRunning();
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }

  async function keepRunning(): Promise<number> {
    let history: RestartHistory = NO_HISTORY;
    let lost: HostEndRecord[] = [];
    for (let restart = false; !asked.signal.aborted; restart = true) {
      host = startHostProcess(time, commandOf(options), {
        guardian: process.pid,
        restart,
        safe: options.safe === true,
        lost,
      });
      if (host.pid !== undefined) history = { ...history, pids: [...history.pids.slice(-100), host.pid] };
      const { words, workedMs, refused, final } = await host.ended;
      host = undefined;
      const next = afterEnd(
        history,
        { code: words.code, signal: words.signal, workedMs, refused, final, asked: asked.signal.aborted },
        time.random(),
        constants.signals,
      );
      if (next.do === 'end') return next.code;
      // The host that worked has reported the hosts before it.
      lost = [...(workedMs === undefined ? lost : []), words].slice(-MOST_LOST);
      history = next.history;
      say(words, next.afterMs);
      await time.sleep(next.afterMs, asked.signal).catch(() => {});
    }
    return 0;
  }
}

function commandOf({ main, folder, json }: GuardianOptions) {
  return { args: [...process.execArgv, main, 'host', '--dir', folder, ...(json ? ['--json'] : [])], folder };
}

function say({ pid, why, uptimeMs }: HostEndRecord, afterMs: number) {
  const who = pid === null ? 'the host' : `the host (pid ${pid})`;
  const age = uptimeMs === null ? '' : ` after ${formatDuration(uptimeMs)}`;
  process.stderr.write(`✗ ${who} ${why}${age}; a new one starts in ${formatDuration(afterMs)}\n`);
}
