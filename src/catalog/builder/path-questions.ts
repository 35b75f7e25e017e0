import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { pathInside } from '../../kernel/paths.ts';
import { keyOf, type Lookup, lookUp, UNSURE } from '../versions/lookups.ts';

/** Asks the file system for one compilation, each question once, and remembers all answers. Paths are absolute. */
interface PathQuestions {
  ask(what: Lookup['ask'], file: string): Promise<string>;
  /**
   * The place to which a path leads when links are followed, whether anything is there or not. Notes every link on the
   * way, and inside of the installation every folder, for it may become one.
   */
  follow(path: string): Promise<string>;
  /** All lookups that were asked. An answer that may have changed meanwhile is {@link UNSURE}. */
  lookups(): Promise<Lookup[]>;
}

/** The facts from before a compilation. */
export interface PathQuestionsTerms {
  /** The installation, absolute. */
  folder: string;
  /** Epoch ms at which the compiler began: a file that changed since then may have been seen in either state. */
  startedAt: number;
  /**
   * Answers to `is` from before the compiler began, by absolute path. Other people's files come and go in the folders
   * above an installation (a home folder, /tmp) all the time: there an answer that is the same before, during and after
   * the compilation counts, however young its folder is. Inside of the installation such an answer does not count:
   * editors delete a file and write it anew.
   */
  before: ReadonlyMap<string, string>;
}

export const NODE_MODULES = 'node_modules';
/** The clock of a file system lags behind that of the process. */
const CLOCK_LAG_MS = 20;

/** The questions of one compilation; none is asked yet. */
export function createPathQuestions({ folder, startedAt, before }: PathQuestionsTerms): PathQuestions {
  const found = new Map<string, Promise<string>>();
  const reals = new Map<string, Promise<string>>();
  const lookups: Lookup[] = [];

  function ask(what: Lookup['ask'], file: string): Promise<string> {
    const path = pathInside(folder, file);
    return getOrMake(found, keyOf({ ask: what, path }), async () => {
      const answer = await lookUp(what, path, folder);
      lookups.push({ ask: what, path, answer });
      return answer;
    });
  }

  function follow(path: string): Promise<string> {
    return getOrMake(reals, path, () => followLast(path));
  }

  async function followLast(path: string): Promise<string> {
    if (dirname(path) === path) return path;
    const at = join(await follow(dirname(path)), basename(path));
    const target = await readlink(at).catch(() => undefined);
    const isOwn = at.startsWith(`${folder}${sep}`) && at.indexOf(sep, folder.length + 1) !== -1 && !isLibraryPath(at);
    if (target !== undefined || isOwn) await ask('is', at);
    // Links that lead to each other lead nowhere.
    if (target === undefined || (await isLoop(at))) return at;
    return follow(resolve(dirname(at), target));
  }

  /**
   * Whether the answer was the same before the compilation, and is now. Lookups of the kind `is` alone are asked before
   * a compilation.
   */
  async function held({ ask: what, path, answer }: Lookup): Promise<boolean> {
    return what === 'is' && before.get(path) === answer && (await lookUp(what, path, folder)) === answer;
  }

  return {
    ask,
    follow,
    async lookups() {
      const young = new Map<string, Promise<boolean>>();
      const isYoung = (path: string) => getOrMake(young, path, () => changedSince(path, startedAt - CLOCK_LAG_MS));
      const sure = lookups.map(async (lookup): Promise<Lookup> => {
        const at = resolve(folder, lookup.path);
        // The folder that holds a path says whether the path is there.
        if (!(await isYoung(lookup.ask === 'is' ? dirname(at) : at))) return lookup;
        return (await held(lookup)) ? lookup : { ...lookup, answer: UNSURE };
      });
      return (await Promise.all(sure)).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    },
  };
}

/** Whether a path is a library's: libraries change by an install, not by a save. */
export function isLibraryPath(path: string): boolean {
  return path.includes(`${NODE_MODULES}${sep}`) || path.endsWith(`${sep}${NODE_MODULES}`);
}

/** The value of a key, made when the key is asked for first. */
export function getOrMake<T>(values: Map<string, T>, key: string, make: () => T): T {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}

async function isLoop(link: string): Promise<boolean> {
  return realpath(link).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ELOOP',
  );
}

async function changedSince(path: string, ms: number): Promise<boolean> {
  const at = await stat(path).catch(() => undefined);
  return at !== undefined && Math.max(at.mtimeMs, at.ctimeMs) >= ms;
}
