import { constants } from 'node:os';
import { hardenProcess } from '../fence/status.ts';
import type { HostEndRecord } from '../kernel/pulse.ts';
import { machineTime, type Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import { type HostProcess, startHostProcess } from './child.ts';
import { createDeadMan } from './dead-man.ts';
import { afterEnd, NO_HISTORY, type RestartHistory } from './restart.ts';

interface GuardianOptions {
  /** Path of the file that `node <file> host` starts a host with. */
  main: string;
  /** The installation, absolute. */
  folder: string;
  /** The host prints one line of JSON instead of the banner. */
  json?: boolean;
  /** Hosts start in safe mode: every agent is held. */
  safe?: boolean;
}

/** Ctrl-C reaches a process on two ways when npm stands in between; within this time both are one. */
const SAME_KEYPRESS_MS = 500;
/** Hosts lost one after the other that the next host hears of, at most. */
const MOST_LOST = 10;

/**
 * Keeps a host running on a folder: starts a host, watches the progress of its loops, kills a host that stands still, starts
 * the next with a growing pause, and hands on what the last ones said. A guardian opens no file, knows no plugin and never
 * gives up. Resolves with the exit code once the host has ended as it was asked to, or cannot start at all.
 *
 * A guardian that is killed leaves its host running: the work is worth more than the watch.
 */
export async function runGuardian(options: GuardianOptions): Promise<number> {
  hardenProcess();
  const asked = new AbortController();
  const hosts = createHosts(options, asked.signal);
  let lastInterrupt = Number.NEGATIVE_INFINITY;

  function onSignal(signal: NodeJS.Signals) {
    asked.abort(new Error(signal));
    const again = signal === 'SIGINT' && machineTime.monotonic() - lastInterrupt < SAME_KEYPRESS_MS;
    if (signal === 'SIGINT') lastInterrupt = machineTime.monotonic();
    // A terminal that is gone wants the host gone, too, but in order.
    if (!again) hosts.signal(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  }
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  // The reader of the host's output may go away: that must not end the guardian.
  process.stderr.on('error', () => {});
  try {
    return await hosts.run();
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** The hosts of a guardian, one after the other. `asked` is aborted when the guardian is to end. */
function createHosts(options: GuardianOptions, asked: AbortSignal) {
  const time: Time = machineTime;
  const deadMan = createDeadMan({ time, say: (text) => say(`  ${text}`) });
  let host: HostProcess | undefined;
  let history: RestartHistory = NO_HISTORY;
  let lost: HostEndRecord[] = [];

  async function runOne(restart: boolean) {
    host = startHostProcess({ time, deadMan, say }, commandOf(options), {
      guardian: process.pid,
      restart,
      safe: options.safe === true,
      lost,
    });
    if (host.pid !== undefined) history = { ...history, pids: [...history.pids.slice(-100), host.pid] };
    const { words, isWished, ...ended } = await host.ended;
    host = undefined;
    // The host that worked has told of those before it.
    lost = [...(ended.workedMs === undefined ? lost : []), words].slice(-MOST_LOST);
    const exit = { ...ended, code: words.code, signal: words.signal, asked: asked.aborted || isWished };
    return { words, next: afterEnd(history, exit, time.random(), constants.signals) };
  }

  return {
    signal: (name: NodeJS.Signals) => host?.signal(name),
    /** Resolves with the exit code of the guardian. */
    async run(): Promise<number> {
      for (let restart = false; !asked.aborted; restart = true) {
        const { words, next } = await runOne(restart);
        if (next.do === 'end') {
          if (next.code !== 0) deadMan.fail(endWords(words));
          await deadMan.stop();
          return next.code;
        }
        deadMan.fail(endWords(words));
        history = next.history;
        reportEnd(words, next.afterMs);
        await time.sleep(next.afterMs, asked).catch(() => {});
      }
      return 0;
    },
  };
}

function commandOf({ main, folder, json }: GuardianOptions) {
  return { args: [...process.execArgv, main, 'host', '--dir', folder, ...(json ? ['--json'] : [])], folder };
}

function endWords({ pid, why, uptimeMs }: HostEndRecord): string {
  const who = pid === null ? 'the host' : `the host (pid ${pid})`;
  return `${who} ${why}${uptimeMs === null ? '' : ` after ${formatDuration(uptimeMs)}`}`;
}

function say(line: string) {
  process.stderr.write(`${line}\n`);
}

function reportEnd(words: HostEndRecord, afterMs: number) {
  say(`✗ ${endWords(words)}; a new one starts in ${formatDuration(afterMs)}`);
}
