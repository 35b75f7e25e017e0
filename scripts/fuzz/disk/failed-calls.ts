import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openForWriting } from '../../../src/store/sqlite/inside/open.ts';
import { differences, type State, stateIn, stateOfFile, statesOf, type Told, toldIn } from './history.ts';
import { type Fault, runWriter, SYSCALLS, type Syscall, type WriterEnd } from './process.ts';

/** The state that the writer begins from, and its end. */
const SCENES = {
  /** The writer makes the store, and stops it. */
  'a new store': { isNew: true, end: 'stop' },
  /** The writer takes over the log of a killed writer, and stops the store, which writes the log back. */
  'a used store': { isNew: false, end: 'stop' },
  /** The same, and it is killed as soon as a call is refused: nobody can clear up. */
  'a used store, then killed': { isNew: false, end: 'kill-when-refused' },
} as const;
export type Scene = keyof typeof SCENES;

/** A call of each kind. */
const CALLS = 5;

export interface FaultCount {
  scene: Scene;
  syscall: Syscall;
  error: Fault['error'];
  /** Runs with a fault, by what it struck. */
  start: number;
  call: number;
  stop: number;
  /** During a call too, but it was SQLite's flush of the folder, whose failure it hides. The store has flushed it at its start. */
  folder: number;
  /** Of those that struck a call, this one was refused. Has to be all. */
  refused: number;
  acknowledged: number;
  acknowledgedAndLost: number;
  /** A call that was refused, and is there afterwards. Has to be none while the writer lives. */
  refusedAndKept: number;
  corrupt: number;
}

export interface FaultOutcome {
  counts: FaultCount[];
  /** How often each code was told. */
  codes: Record<string, number>;
  broken: string[];
}

export interface FaultLoop {
  folder: string;
  /** At most so many faults of one kind in one scene. */
  most: number;
  say(line: string): void;
}

/** Fails the first, the second, the third … system call of each kind, until a run has none left to fail. */
export async function faultLoop({ folder, most, say }: FaultLoop): Promise<FaultOutcome> {
  const outcome: FaultOutcome = { counts: [], codes: {}, broken: [] };
  const used = join(folder, 'used');
  mkdirSync(used);
  await runWriter({ file: join(used, 'store.db'), calls: 8, end: 'kill', seed: 1 });
  cpSync(used, join(folder, 'looked-at'), { recursive: true });
  const before = stateOfFile(join(folder, 'looked-at/store.db'));
  for (const scene of Object.keys(SCENES) as Scene[])
    for (const syscall of SYSCALLS)
      for (const error of syscall === 'pwrite64' ? (['EIO', 'ENOSPC'] as const) : (['EIO'] as const)) {
        const count: FaultCount = {
          scene,
          syscall,
          error,
          start: 0,
          call: 0,
          stop: 0,
          folder: 0,
          refused: 0,
          acknowledged: 0,
          acknowledgedAndLost: 0,
          refusedAndKept: 0,
          corrupt: 0,
        };
        outcome.counts.push(count);
        let nth = 0;
        const lane = async () => {
          while (nth < most && (await one(count, ++nth)));
        };
        await Promise.all([lane(), lane()]);
        if (syscall === 'pwrite64' && count.call === 0)
          outcome.broken.push(`${scene}, ${error}: no fault struck a call`);
        say(`${scene}, ${syscall} ${error}: ${count.start + count.call + count.stop + count.folder} faults`);
      }
  return outcome;

  /** False when there was no such call to fail any more. */
  async function one(count: FaultCount, nth: number): Promise<boolean> {
    const { isNew, end } = SCENES[count.scene];
    const home = join(folder, `${count.syscall}-${count.error}-${nth}`);
    const file = join(home, 'store.db');
    if (isNew) mkdirSync(home);
    else cpSync(used, home, { recursive: true });
    const ended = await runWriter({ file, calls: CALLS, end, seed: 2, fault: { ...count, nth } });
    if (ended.struck !== undefined) judge(count, ended, file, isNew ? new Map() : before, nth);
    rmSync(home, { recursive: true });
    return ended.struck !== undefined;
  }

  function judge(count: FaultCount, { struck, code, signal, text }: WriterEnd, file: string, from: State, nth: number) {
    const told = toldIn(text);
    const { during, isFolder } = struck!;
    const inCall = typeof during === 'number';
    const where = `${count.scene}, ${count.syscall} ${nth} ${count.error}, during ${inCall ? `call ${during}` : during}`;
    const broken = (what: string) => void outcome.broken.push(`${where}: ${what}`);
    count[!inCall ? during : isFolder ? 'folder' : 'call']++;
    count.acknowledged += told.steps.length;
    for (const refusal of [told.notStarted, ...told.refusals.map(({ code }) => code)])
      if (refusal !== undefined) outcome.codes[refusal] = (outcome.codes[refusal] ?? 0) + 1;
    if (told.refusals.some(({ call }) => call === during)) count.refused++;
    else if (inCall && !isFolder) broken('the call was acknowledged');
    const wasKilled = signal === 'SIGKILL' && told.refusals.length > 0;
    if (code !== 0 && !wasKilled) broken(`the writer ended with ${code ?? signal}`);
    try {
      const found = foundIn(file);
      const expected = statesOf(from, told.steps).at(-1)!;
      const different = differences(expected, found);
      if (different.length === 0) return;
      if (!isLater(expected, found, told)) {
        count.acknowledgedAndLost++;
        broken(different.join(', '));
      } else {
        count.refusedAndKept++;
        if (!wasKilled) broken(`refused, and kept: ${different.join(', ')}`);
      }
    } catch (thrown) {
      count.corrupt++;
      broken(`${basename(file)} does not open: ${thrown}`);
    }
  }
}

/** The store as its next user finds it. */
function foundIn(file: string): State {
  if (!existsSync(file)) return new Map();
  const db = openForWriting(file);
  try {
    return stateIn(db);
  } finally {
    db.close();
  }
}

const ORDER = ['queued', 'running', 'done'];

/** Everything that was acknowledged is there, and something more that was refused. */
function isLater(expected: State, found: State, { refusals }: Told): boolean {
  if (refusals.length === 0) return false;
  return [...expected].every(([key, value]) => {
    const now = found.get(key);
    return key === 'note' ? now !== undefined : ORDER.indexOf(now ?? '') >= ORDER.indexOf(value);
  });
}
