import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { UpkeepStore } from '../../telemetry/ports.ts';
import type { CopierStart, FromCopier } from './inside/thread.ts';

/** Copies of a store, one after the other, each in a thread of its own: a long copy holds up no report. */
interface Copies {
  make: UpkeepStore['backUp'];
  /** Ends the copy at hand, which rejects. */
  stop(): Promise<void>;
}

type Copy = ReturnType<UpkeepStore['backUp']>;

/** `isOpen`: whether the store is at work; else a copy is refused with `STORE_STOPPED`. */
export function createCopies(file: string, isOpen: () => boolean): Copies {
  let last: Promise<unknown> = Promise.resolve();
  let thread: Worker | undefined;

  async function copyTo(to: string): Copy {
    if (!isOpen()) throw new Fault(COPY_ENDED);
    claimFile(to);
    try {
      return await inThread({ file, role: 'copier', to });
    } catch (thrown) {
      for (const path of filesOf(to)) rmSync(path, { force: true });
      throw thrown;
    }
  }

  function inThread(workerData: CopierStart): Copy {
    return new Promise((resolve, reject) => {
      const fail = (fault: PlainFault) => reject(new Fault(copyFault(fault, workerData.to)));
      let said: FromCopier | undefined;
      const own = new Worker(entryFile('store/sqlite/inside/thread.js'), {
        workerData,
        name: 'store copier',
        execArgv: [],
      });
      thread = own;
      own.on('message', (message: FromCopier) => {
        said = message;
      });
      own.on('error', (thrown) => fail(toPlainFault(thrown, 'STORE_COPY_LOST')));
      own.once('exit', () => {
        thread = undefined;
        if (said?.is === 'copied') resolve(said.copy);
        else if (said) fail(said.fault);
        else reject(new Fault(COPY_ENDED));
      });
    });
  }

  return {
    make(to) {
      const copy = last.then(() => copyTo(to));
      last = copy.catch(() => {});
      return copy;
    },
    async stop() {
      await thread?.terminate();
    },
  };
}

/** A database and what SQLite keeps beside it. */
function filesOf(file: string): string[] {
  return ['', '-journal', '-wal', '-shm'].map((end) => file + end);
}

/** Makes the file, which only this user may read and for which no link stands. */
function claimFile(to: string): void {
  const taken = filesOf(to).find((path) => existsSync(path));
  if (taken !== undefined) throw copyExists(taken);
  try {
    closeSync(openSync(to, 'wx', 0o600));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw copyExists(to);
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const fault = toPlainFault(thrown, isFull ? 'STORE_FULL' : 'STORE_COPY_REFUSED');
    throw new Fault(copyFault(fault, to), { cause: thrown });
  }
}

function copyExists(file: string): Fault {
  return new Fault({
    code: 'STORE_COPY_EXISTS',
    message: `a copy of the store would overwrite ${file}`,
    next: 'name a file that is not there yet',
    file,
  });
}

function copyFault(fault: PlainFault, to: string): PlainFault {
  const message = `the store could not be copied to ${to}: ${fault.message}`;
  const next = NEXT[fault.code] ?? fault.next;
  return { ...fault, message, file: to, ...given({ next }) };
}

/** Where the next step for a copy is another than for the store. */
const NEXT: Readonly<Record<string, string>> = {
  STORE_FULL: 'free some space on the disk of the copy, then make the copy again',
  STORE_READONLY: 'check that the folder of the copy exists and that this user may write it',
  STORE_COPY_REFUSED: 'check that the folder of the copy exists and that this user may write it',
};

const COPY_ENDED: PlainFault = {
  code: 'STORE_STOPPED',
  message: 'the store is not running, so no copy is made of it',
  next: 'make the copy again when the host is up',
};
