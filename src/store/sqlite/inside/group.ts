import type { DatabaseSync } from 'node:sqlite';
import { Fault, type PlainFault } from '../../../kernel/fault.ts';
import { type Call, OP_KINDS, type OpKind, type StoreAnswer } from '../wire.ts';
import { hitsEveryone, ROW_UNREADABLE, storeFault } from './faults.ts';
import type { Tables } from './tables.ts';

/**
 * Carries out calls as one transaction and answers when it is on disk: one wait for the disk, however many calls there are.
 *
 * Failure handling. A call that refuses with a `Fault` has written nothing (an op throws faults only before its first write),
 * so the others go on. Other errors undo the group, which is then done again with a savepoint around each call, so that only
 * the wrong one fails: the common way pays nothing for that. When the store itself is in trouble (disk full, I/O error, commit
 * refused) nothing of the group is kept and every call of it that writes fails; the next group tries anew. A call that meets a
 * row which cannot be read is carried out again once every such row is set aside.
 */
export function groupCommit(db: DatabaseSync, tables: Tables, file: string): (calls: readonly Call[]) => StoreAnswer {
  const isWriter = tables.ops.setAside !== undefined;
  const beginRead = db.prepare('BEGIN');
  const beginWrite = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const savepoint = db.prepare('SAVEPOINT call');
  const release = db.prepare('RELEASE call');
  const undoCall = db.prepare('ROLLBACK TO call');
  const ops = tables.ops as unknown as Record<string, (...args: unknown[]) => unknown>;
  let waitsForDisk = true;

  return (calls) => {
    const answer = carryOut(calls);
    const unread = answer.faults.filter(([, { code }]) => code === ROW_UNREADABLE).map(([place]) => place);
    if (unread.length === 0 || !isWriter) return answer;
    // 0 when a call of this group has set them aside, behind the one that met them.
    const count = setAside();
    const again = carryOut(unread.map((place) => calls[place]!));
    for (const [index, place] of unread.entries()) answer.values[place] = again.values[index];
    const faults = answer.faults.filter(([place]) => !unread.includes(place));
    for (const [index, fault] of again.faults) faults.push([unread[index]!, fault]);
    const answered = { values: answer.values, faults: faults.sort(([a], [b]) => a - b) };
    return count === 0 ? answered : { ...answered, setAside: count };
  };

  /** The number of rows that could not be read. */
  function setAside(): number {
    const { values, faults } = carryOut([['setAside', Date.now()]]);
    return faults.length > 0 ? 0 : (values[0] as number);
  }

  function carryOut(calls: readonly Call[]): StoreAnswer {
    const kind = strongest(calls);
    try {
      begin(kind);
      try {
        return together(calls, kind);
      } catch (thrown) {
        undo();
        if (hitsEveryone(thrown)) throw thrown;
        begin(kind);
        return oneByOne(calls, kind);
      }
    } catch (thrown) {
      undo();
      return readsOnly(calls, storeFault(thrown, file));
    }
  }

  /** Read-only calls still succeed when the writes in their batch are refused. */
  function readsOnly(calls: readonly Call[], refused: PlainFault): StoreAnswer {
    const values: unknown[] = new Array(calls.length);
    const faults: StoreAnswer['faults'] = [];
    for (const [place, [name, ...args]] of calls.entries()) {
      if (writes(OP_KINDS[name])) {
        faults.push([place, refused]);
        continue;
      }
      try {
        begin('read');
        values[place] = ops[name]!(...args);
        end('read');
      } catch (thrown) {
        undo();
        faults.push([place, refusal(thrown)]);
      }
    }
    return { values, faults };
  }

  function begin(kind: OpKind): void {
    if (!writes(kind)) return void beginRead.run();
    // A commit of claims alone need not wait for the disk: at a power cut they are queued again, which is what they were.
    if ((kind === 'hard') !== waitsForDisk) {
      waitsForDisk = kind === 'hard';
      db.exec(`PRAGMA synchronous = ${waitsForDisk ? 'FULL' : 'NORMAL'}`);
    }
    beginWrite.run();
  }

  /** Reads have nothing to commit, and on a damaged file a commit would fail for what one of them met. */
  function end(kind: OpKind): void {
    (writes(kind) ? commit : rollback).run();
  }

  function together(calls: readonly Call[], kind: OpKind): StoreAnswer {
    const values: unknown[] = [];
    const faults: StoreAnswer['faults'] = [];
    for (const [name, ...args] of calls) {
      try {
        values.push(ops[name]!(...args));
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        faults.push([values.push(undefined) - 1, refusal(thrown)]);
      }
    }
    tables.beforeCommit();
    end(kind);
    return { values, faults };
  }

  function oneByOne(calls: readonly Call[], kind: OpKind): StoreAnswer {
    const values: unknown[] = new Array(calls.length);
    const faults: StoreAnswer['faults'] = [];
    for (const [place, [name, ...args]] of calls.entries()) {
      savepoint.run();
      try {
        values[place] = ops[name]!(...args);
        tables.beforeCommit();
      } catch (thrown) {
        if (hitsEveryone(thrown)) throw thrown;
        undoCall.run();
        tables.afterRollback();
        // A commit may fail by the rows that were gathered for it, when the call itself has an answer already.
        values[place] = undefined;
        faults.push([place, refusal(thrown)]);
      }
      release.run();
    }
    end(kind);
    return { values, faults };
  }

  function undo(): void {
    // SQLite has rolled back already after some errors (disk full among them).
    if (db.isTransaction) rollback.run();
    tables.afterRollback();
  }

  function refusal(thrown: unknown): PlainFault {
    const { stack: _, ...plain } = storeFault(thrown, file);
    return plain;
  }
}

function writes(kind: OpKind): boolean {
  return kind === 'hard' || kind === 'soft';
}

const STRENGTH: readonly OpKind[] = ['slow', 'read', 'soft', 'hard'];

function strongest(calls: readonly Call[]): OpKind {
  let found = 0;
  for (const [name] of calls) {
    const kind = OP_KINDS[name];
    // Under load most groups hold an `add`: no call after the first one has to be asked.
    if (kind === 'hard') return kind;
    found = Math.max(found, STRENGTH.indexOf(kind));
  }
  return STRENGTH[found]!;
}
