import { fileURLToPath } from 'node:url';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import type { Log } from '../../kernel/log.ts';
import { entryFile } from '../../kernel/paths.ts';
import { formatDuration } from '../../kernel/units.ts';
import { openPipedChild, type PipedChild, type PipedChildNeeds } from '../child/process.ts';
import { BROKER_FD, FROM_BROKER, readFromBroker } from './broker-messages.ts';
import { type ChildrenFile, openChildrenFile } from './children-file.ts';
import type { ExecNeeds } from './ports.ts';
import type { BrokerTerms, ChildRecord, FromBroker, ToBroker } from './wire.ts';

const BROKER = 'gateway/exec/inside/broker.js';
/** The broker kills all that it started within 1.5 s when its host is gone, and then ends itself. */
const END_MS = 2_500;
/** A broker that has work tells of it each second. */
const SILENT_MS = 15_000;
const WATCH_EVERY_MS = 5_000;
/** A broker that dies while it kills what the former one left is started anew after this, doubled each time up to 30 s. */
const AGAIN_MS = 100;
const AGAIN_LONGEST_MS = 30_000;

interface BrokerSupervisorNeeds extends Pick<ExecNeeds, 'time' | 'log'> {
  receive(message: FromBroker): void;
  /** The broker sent text that is no message, or a message that the host could not handle: the host kills the broker. */
  broken(why: string): void;
  /** The broker died with all that it ran; what it left is being killed. */
  lost(how: string): void;
  /** True: commands run, and the host expects messages of the broker. */
  isBusy(): boolean;
}

interface BrokerSupervisorOptions extends Omit<BrokerTerms, 'leftovers'> {
  file: string;
  cwd: string;
  idleMs: number;
}

/** Keeps the broker: it is there while it is needed, and another takes its place when it dies. */
interface BrokerSupervisor {
  /** Resolves when nothing of an earlier host runs any more. */
  start(): Promise<void>;
  /** Starts the broker when there is none. */
  post(message: ToBroker): void;
  /** Resolves when the process is on record, on disk. */
  record(child: ChildRecord): Promise<void>;
  /** No process of the command is left: its record goes. */
  forget(mark: string): void;
  /** Looks whether the broker can go. */
  rest(): void;
  /** The time of the broker's last message, in monotonic ms; undefined without a broker. */
  receivedAt(): number | undefined;
  /** Ends the broker with all that it runs. */
  end(): Promise<void>;
}

export function createBrokerSupervisor(
  needs: BrokerSupervisorNeeds,
  options: BrokerSupervisorOptions,
): BrokerSupervisor {
  const { time, log } = needs;
  const { file: fileName, cwd, idleMs, ...terms } = options;
  const file = openChildrenFile(fileName);
  let records = new Map<string, ChildRecord>();
  let broker: PipedChild<ToBroker> | undefined;
  /** The processes that the broker which is starting has to kill, by their marks, and the promise of those who wait for that. */
  let sweeping: { marks: string[]; done: PromiseWithResolvers<void> } | undefined;
  let isEnding = false;
  let receivedAt = 0;
  let lostInARow = 0;
  let hasWarnedOfCgroups = false;
  /** Functions that cancel the timers. */
  const cancel: { idle?: () => void; watch?: () => void; again?: () => void } = {};

  function begin(): PipedChild<ToBroker> {
    cancel.again?.();
    cancel.idle?.();
    const leftovers = [...records.values()];
    sweeping = { marks: leftovers.map(({ mark }) => mark), done: sweeping?.done ?? Promise.withResolvers() };
    receivedAt = time.monotonic();
    watch();
    return openBroker({ ...terms, leftovers }, { time, receive, broken, lost }, cwd);
  }

  function receive(message: FromBroker) {
    receivedAt = time.monotonic();
    if (message.say === 'ready') ready(message.killed, message.noCgroup);
    else needs.receive(message);
  }

  function ready(killed: number, noCgroup: string | null) {
    for (const mark of sweeping!.marks) forget(mark);
    swept();
    lostInARow = 0;
    if (killed > 0) log.warn(`commands of a host or broker that died had left ${killed} processes: killed`);
    if (noCgroup !== null && terms.cgroups && !hasWarnedOfCgroups) warnOfCgroups(log, noCgroup);
    hasWarnedOfCgroups = true;
    rest();
  }

  function broken({ message, stack }: PlainFault) {
    log.error(`the exec broker is killed: ${message}`, given({ stack }));
    needs.broken(message);
  }

  function lost(how: string) {
    broker = undefined;
    lostInARow += 1;
    log.error(`the exec broker ${how}; what it ran is killed`);
    needs.lost(how);
    if (isEnding) return;
    // No job asks for a command now, but processes on record may still run.
    if (records.size > 0) again();
    else swept();
  }

  function swept() {
    sweeping?.done.resolve();
    sweeping = undefined;
  }

  function again() {
    const pause = lostInARow === 1 ? 0 : Math.min(AGAIN_MS * 2 ** lostInARow, AGAIN_LONGEST_MS);
    cancel.again?.();
    cancel.again = time.after(pause, () => {
      if (!isEnding) broker ??= begin();
    });
  }

  function watch() {
    cancel.watch?.();
    cancel.watch = time.after(WATCH_EVERY_MS, () => {
      if (!broker) return;
      if (!sweeping && !needs.isBusy()) receivedAt = time.monotonic();
      if (time.monotonic() - receivedAt > SILENT_MS)
        broker.kill(`it has said nothing for ${formatDuration(SILENT_MS)}`);
      watch();
    });
  }

  function forget(mark: string) {
    if (records.delete(mark)) file.remove(mark);
  }

  function rest() {
    cancel.idle?.();
    if (!broker || sweeping || records.size > 0 || needs.isBusy()) return;
    cancel.idle = time.after(idleMs, () => {
      const idle = broker;
      broker = undefined;
      void idle?.end();
    });
  }

  return {
    async start() {
      isEnding = false;
      records = ownRecords(file, await file.read(), terms.installation);
      if (records.size === 0) return;
      broker = begin();
      await sweeping?.done.promise;
    },
    post(message) {
      if (message.do === 'run') {
        cancel.idle?.();
        broker ??= begin();
      }
      broker?.send(message);
    },
    async record(child) {
      records.set(child.mark, child);
      await file.add(child);
    },
    forget,
    rest,
    receivedAt: () => (broker ? receivedAt : undefined),
    async end() {
      isEnding = true;
      for (const one of Object.values(cancel)) one();
      const last = broker;
      broker = undefined;
      await last?.end();
      sweeping?.done.resolve();
      // Processes that a sweep had not come to stay on record for the next start.
      for (const mark of records.keys()) if (!sweeping?.marks.includes(mark)) forget(mark);
      sweeping = undefined;
      await file.close();
    },
  };
}

/**
 * Starts a broker, whose first order is `terms`. An order carries the environment of its command: the broker gets no variable of the
 * host's own environment. `cwd`: the folder for data of this run, which the process list shows beside the broker.
 */
function openBroker(terms: BrokerTerms, needs: PipedChildNeeds<FromBroker>, cwd: string): PipedChild<ToBroker> {
  const program = {
    args: ['--no-warnings', '--disable-sigusr1', fileURLToPath(entryFile(BROKER)), cwd],
    ...{ cwd, env: {}, niceness: 0, fd: BROKER_FD, endMs: END_MS },
    ...{ bounds: FROM_BROKER, read: readFromBroker },
  };
  const child = openPipedChild<ToBroker, FromBroker>(program, needs);
  child.send({ do: 'begin', terms });
  return child;
}

function warnOfCgroups(log: Log, why: string): void {
  const warning = 'no cgroup can be made for commands: sessions, parents and marks tell what belongs to them';
  log.warn(warning, { why, next: 'under systemd: Delegate=yes in the unit' });
}

/** The records of this installation's own commands: a copy of a folder brings the records of the original along, and removes them. */
function ownRecords(file: ChildrenFile, found: readonly ChildRecord[], installation: string): Map<string, ChildRecord> {
  const own = found.filter(({ mark }) => mark.startsWith(`${installation}:`));
  for (const { mark } of found) if (!own.some((one) => one.mark === mark)) file.remove(mark);
  return new Map(own.map((one) => [one.mark, one]));
}
