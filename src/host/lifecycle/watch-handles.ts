import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileId, hostFilePath } from '../../control/place.ts';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop, type Turn } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { Events } from '../../telemetry/events.ts';
import type { ControlServer } from '../api/control-server.ts';
import { type HostFacts, VERSIONS_FOLDER, writeHostFile } from '../facts.ts';
import type { Foundation } from '../foundation.ts';
import { decideHandles, type HandleFact, type HandleName, handleFaultWords, type NamedHandle } from './handles.ts';

interface WatchHandlesNeeds {
  time: Time;
  log: Log;
  events: Pick<Events, 'record'>;
  /** The handles of now. */
  held(): NamedHandle[];
  /** The folder's present path, wherever it was moved to; undefined when the system does not say. */
  placeNow(): string | undefined;
  /** Make a handle anew; throw why that cannot be done. */
  repair: Record<'socket' | 'token' | 'log' | 'host-file', () => Promise<void> | void>;
  /** The host is to start anew in this process. */
  again(why: string): void;
  /** The host is to end, and no other one to take its place. */
  end(fault: PlainFault): void;
}

/**
 * Checks the files that the host holds open: writes to a deleted or replaced file are lost, and its lock keeps no other host
 * out.
 */
export interface HandlesWatch extends Service {
  /** Handles that are gone and cannot be made anew, for people. */
  warnings(): PlainFault[];
}

/** The time between two looks; the host ends only for what two of them have found. */
const LOOK_EVERY_MS = 2_000;

/**
 * Looks every 2 s. A lost handle is repaired (socket, log, `host.json`), starts the host anew (lock, the store's log, folders
 * of compiled code) or ends it (store, folder).
 */
export function watchHandles(needs: WatchHandlesNeeds): HandlesWatch {
  const { time, log, events } = needs;
  const warnings = new Map<HandleName, PlainFault>();
  let suspects: ReadonlySet<HandleName> = new Set();
  /** The host ends or starts anew: nothing more is decided. */
  let isLeaving = false;

  async function turn({ signal }: Turn) {
    const facts = await Promise.all(needs.held().map(factOf));
    if (signal.aborted || isLeaving) return;
    const decision = decideHandles(facts, suspects, needs.placeNow());
    switch (decision.do) {
      case 'start-again':
        log.error(`${decision.why}: the host starts again`);
        isLeaving = true;
        return needs.again(decision.why);
      case 'end': {
        const { message, code, next } = decision.fault;
        // Found again by commands, when nothing else is left that could tell why no host is there.
        log.error(message, { code, next, ends: true });
        isLeaving = true;
        return needs.end(decision.fault);
      }
      case 'go-on':
        suspects = decision.suspects;
        await mend(facts, decision.repair);
    }
  }

  async function mend(facts: readonly HandleFact[], broken: readonly HandleFact[]) {
    for (const fact of broken) await repair(fact);
    for (const { what, path } of facts) {
      if (!warnings.has(what) || broken.some((one) => one.what === what)) continue;
      warnings.delete(what);
      log.info(`${path} is there again`);
    }
  }

  async function repair(fact: HandleFact) {
    const { what, path } = fact;
    try {
      await needs.repair[what as keyof WatchHandlesNeeds['repair']]();
      warnings.delete(what);
      const message = `${path} ${handleFaultWords(fact)} while the host had it open; it is made anew`;
      events.record('warn', { kind: 'host.repaired', agent: null, message, data: { what, path } });
    } catch (error) {
      if (!warnings.has(what)) report(fact, toPlainFault(error));
    }
  }

  /** Called once, when the handle turns bad. Standard error too: the log may be what is gone. */
  function report(fact: HandleFact, { message: why, next: then }: PlainFault) {
    const { what, path } = fact;
    const lost = what === 'log' ? 'log lines are kept nowhere' : 'no command reaches this host';
    const message = `${path} ${handleFaultWords(fact)} and cannot be made anew, so ${lost}: ${why}`;
    const next = then ?? 'see that it can be written; the host tries again every 2 s';
    const warning = { code: what === 'log' ? 'LOG_GONE' : 'SOCKET_GONE', message, next };
    warnings.set(what, warning);
    log.error(message, { code: warning.code });
    process.stderr.write(`✗ ${message}\n  → ${next}\n`);
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('the check of open files failed', { fault: toPlainFault(error) }) },
    { everyMs: LOOK_EVERY_MS, firstMs: LOOK_EVERY_MS, turn },
  );

  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    warnings: () => [...warnings.values()],
  };
}

/** `host.json` counts as held as long as there is one: it is not open. */
async function factOf({ what, path, id }: NamedHandle): Promise<HandleFact> {
  return { what, path, has: id, named: await nameNow(path) };
}

async function nameNow(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'nothing' : 'unknown';
  }
}

interface OwnHandlesNeeds extends Pick<WatchHandlesNeeds, 'time' | 'again' | 'end'> {
  foundation: Foundation;
  facts: HostFacts;
  control: Pick<ControlServer, 'held' | 'listenAgain' | 'tokenAgain'>;
}

/** Folders with compiled versions, and those in which the processes run that load and run them. */
const CODE_FOLDERS = [VERSIONS_FOLDER, `${VERSIONS_FOLDER}/.staging`, `${VERSIONS_FOLDER}/.empty`, 'data/run/empty'];

/** The watch over the handles of this host, wired to the rooms. */
export function watchOwnHandles({ foundation, facts, time, control, again, end }: OwnHandlesNeeds): HandlesWatch {
  const { journal, events, lock, held } = foundation;
  const hostFile = hostFilePath(facts.folder);
  let hostFileId = fileId(hostFile);
  // Fences of builder and cells hold these folders themselves: one that is made anew under the same name is closed to them.
  const code = CODE_FOLDERS.map((name) => join(facts.folder, name)).map((path) => ({ path, id: fileId(path) }));
  return watchHandles({
    time,
    events,
    log: journal.child('host'),
    held: () => [
      ...held,
      ...code.map((folder) => ({ what: 'code' as const, ...folder })),
      { what: 'socket', ...control.held().socket },
      { what: 'token', ...control.held().token },
      { what: 'log', ...journal.file.held() },
      { what: 'host-file', path: hostFile, id: hostFileId },
    ],
    placeNow: lock.claim.placeNow,
    repair: {
      socket: control.listenAgain,
      token: control.tokenAgain,
      log: journal.file.reopen,
      'host-file'() {
        writeHostFile(facts);
        hostFileId = fileId(hostFile);
      },
    },
    again,
    end,
  });
}
