import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { given } from '../../kernel/given.ts';
import { pathInside } from '../../kernel/paths.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import { mostBytesOf } from '../files/source-limit.ts';
import type { Lookup } from '../versions/lookups.ts';
import { AGENTS, type FolderList, isWanted, listFolders, PLUGINS } from './list.ts';
import { createLookupAnswers, type LookupAnswers } from './lookup-answers.ts';
import { type FileStat, type FileState, type ScanRules, scan } from './scan.ts';

export { AGENTS, PLUGINS };

/** The text of a file that is to be a plugin. */
const DEFINES_PLUGIN = /export\s+default\s+definePlugin\s*[<(]|module\.exports\s*=\s*definePlugin\s*\(/;

/** The hash of no bytes. */
const EMPTY = createHash('sha256').digest('hex');

/** A change that is older than this is not the change that a person waits for. */
const NEWEST_MS = 60_000;

/** A file in a state that counts. */
export interface SettledFile {
  is: 'file' | 'empty' | 'large' | 'unreadable' | 'missing';
  /** Hex SHA-256 of the content; null when missing; otherwise a word that changes with the state. */
  hash: string | null;
  size: number;
  /** The scan at which the file settled last. */
  turn: number;
  /** The text of an agent file. */
  text?: string;
  /** The real path of a plugin or a part of one, in the same form as paths; links may be turned elsewhere. */
  real?: string;
  /** Whether a file of `plugins/` exports what definePlugin returns, as far as its text shows. */
  definesPlugin?: boolean;
  /** The reason why the file is unreadable. */
  why?: string;
}

interface FileScan {
  /** Whether a file of the two folders settled or went since the last scan, or the list of the folders has other problems. */
  changed: boolean;
  /** The time until the next file settles, in ms; undefined when all files are settled. */
  waitMs: number | undefined;
  /** Whether an agent file is unsettled. */
  agentsWait: boolean;
  /** The names that lie in the folders. */
  list: FolderList;
}

/** The files and lookups that plugins are made of besides the files that are listed anyway. */
export interface PluginInputs {
  /** Paths of files. */
  inputs: Set<string>;
  lookups: Lookup[];
}

/**
 * Sees the installation's files and says which state of each counts. The scanner decides nothing about their content.
 */
export interface FileScanner {
  /** Files by path: relative to the installation where inside it, else absolute. */
  readonly files: ReadonlyMap<string, SettledFile>;
  readonly answers: LookupAnswers['answers'];
  turn(): number;
  /** Time since the newest change of any file, in ms; null when the file's time is not to be believed. */
  sinceMs(): number | null;
  /** Scans the folders and `also`. `full`: also the files of libraries. */
  scan(also: PluginInputs, options: { full: boolean }): Promise<FileScan>;
  /** Takes a hash over from an earlier life of the host: the file stays unread when size and time still fit. */
  know(path: string, known: { hash: string | null; size: number; mtimeMs: number }): void;
  /** Takes over a file that was there in an earlier life of the host, whose folder is not there now. */
  assume(path: string, hash: string, text?: string): void;
}

interface FileScannerOptions {
  folder: string;
  /** Folders outside of it to which links in `plugins/` may lead, absolute and without links. */
  linkFolders: readonly string[];
  rules: ScanRules;
}

/** A scanner that has seen no file yet. */
export function createFileScanner(needs: { time: Time }, options: FileScannerOptions): FileScanner {
  const { time } = needs;
  const { folder, linkFolders, rules } = options;
  const files = new Map<string, SettledFile>();
  const known = new Map<string, { hash: string | null; size: number; mtimeMs: number }>();
  const lookups = createLookupAnswers({ folder, rules });
  let states = new Map<string, FileState>();
  let turn = 0;
  let problemsOfList = '';

  const full = (path: string) => (isAbsolute(path) ? path : join(folder, path));

  async function scanFolders(also: PluginInputs, { full: isFull }: { full: boolean }): Promise<FileScan> {
    const seen = new Map<string, FileStat>();
    const list = await listFolders(folder, linkFolders);
    const skips = (path: string) => list.missing.some((root) => isUnder(path, root));
    // Lookups before files, and one time for both: a file that goes never takes its plugin's imports away first.
    const found = await lookups.ask(also.lookups, { isFull, skips });
    const listed = new Set(list.files);
    const outside = new Set<string>();
    for (const path of also.inputs) if ((isFull || !isLibraryFile(path)) && !listed.has(path)) outside.add(path);
    await each([...list.files, ...outside], async (path) => {
      const found = await statOf(full(path));
      if (found) seen.set(path, found);
    });
    // Files that were not looked at, and files of a folder that vanished as a whole, stay as they were.
    for (const [path, fileState] of states) {
      const root = ([PLUGINS, AGENTS] as const).find((one) => isUnder(path, one));
      const isAway = root !== undefined && list.missing.includes(root);
      if (!isAway && (outside.has(path) || isListed(path))) continue;
      if (isFull && !isAway) forget(path);
      else if (fileState.stat) seen.set(path, fileState.stat);
    }
    turn++;
    const at = time.monotonic();
    const result = scan(states, seen, { wall: time.now(), monotonic: at }, rules);
    const lookupMs = lookups.settle(found, { turn, at });
    await each(result.settled, async (path) => {
      const { stat: at } = result.states.get(path)!;
      files.set(path, await settle(path, at!));
    });
    for (const path of result.gone) files.set(path, { is: 'missing', hash: null, size: 0, turn });
    states = result.states;
    const agentsWait = [...states].some(([path, { settled }]) => !settled && isUnder(path, AGENTS));
    const waitMs = least(result.waitMs, lookupMs);
    const former = problemsOfList;
    problemsOfList = JSON.stringify([list.missing, list.problems, [...list.links], list.tooBig]);
    const changed = problemsOfList !== former || [...result.settled, ...result.gone].some(isListed);
    return { changed, waitMs, agentsWait, list };
  }

  /** Forgets a file of which no plugin is made any more. */
  function forget(path: string) {
    states.delete(path);
    files.delete(path);
  }

  async function settle(path: string, at: FileStat): Promise<SettledFile> {
    const plain = { size: at.size, turn };
    if (at.size === 0) return { is: 'empty', hash: EMPTY, ...plain };
    const before = known.get(path);
    if (before?.hash && isLibraryFile(path) && before.size === at.size && before.mtimeMs === at.mtimeMs) {
      return { is: 'file', hash: before.hash, ...plain };
    }
    if (at.size > mostBytesOf(path) && !isLibraryFile(path)) return { is: 'large', hash: `large ${at.size}`, ...plain };
    try {
      const bytes = await readFile(full(path));
      const file: SettledFile = { is: 'file', hash: sha256(bytes), ...plain };
      if (isUnder(path, AGENTS)) file.text = bytes.toString();
      if (isUnder(path, PLUGINS)) {
        file.real = pathInside(folder, await realpath(full(path)));
        file.definesPlugin = DEFINES_PLUGIN.test(bytes.toString());
      }
      return file;
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? String(error);
      return { is: 'unreadable', hash: `unreadable ${why}`, ...plain, why };
    }
  }

  return {
    files,
    answers: lookups.answers,
    turn: () => turn,
    sinceMs() {
      let newest = 0;
      // The time of the content does not count: a file that is moved here brings an old one along.
      for (const [path, { stat: at }] of states) if (at && !isLibraryFile(path)) newest = Math.max(newest, at.ctimeMs);
      const ms = Math.round(time.now() - newest);
      return ms >= 0 && ms < NEWEST_MS ? ms : null;
    },
    scan: scanFolders,
    know: (path, what) => void known.set(path, what),
    assume(path, hash, text) {
      states.set(path, { stat: { ino: -1, size: -1, mtimeMs: 0, ctimeMs: 0 }, since: 0, settled: true });
      files.set(path, { is: 'file', hash, size: 0, turn, real: path, ...given({ text }) });
    },
  };
}

function isUnder(path: string, root: string): boolean {
  return path.startsWith(`${root}/`);
}

/** Whether a walk through its folder finds the file; all other files are looked for by their names. */
export function isListed(path: string): boolean {
  const root = ([PLUGINS, AGENTS] as const).find((one) => isUnder(path, one));
  return root !== undefined && !isLibraryFile(path) && isWanted(root, path.slice(root.length + 1));
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Whether a file is a library's: libraries change by an install, not by a save, and may hold thousands of files. */
export function isLibraryFile(path: string): boolean {
  return path.includes('node_modules/');
}

async function statOf(file: string): Promise<FileStat | undefined> {
  try {
    const found = await stat(file);
    // A FIFO would hold its reader for ever.
    if (!found.isFile()) return undefined;
    const { ino, size, mtimeMs, ctimeMs } = found;
    return { ino, size, mtimeMs, ctimeMs };
  } catch {
    return undefined;
  }
}

/** Calls for at most 32 items at once: a large folder must not take every file handle. */
async function each<T>(items: readonly T[], call: (item: T) => Promise<void>): Promise<void> {
  for (let index = 0; index < items.length; index += 32) await Promise.all(items.slice(index, index + 32).map(call));
}
