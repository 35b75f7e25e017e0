import { shellWord } from '../../control/typed.ts';
import type { PlainFault } from '../../kernel/fault.ts';

/**
 * Handles of a host: the folder, files that it holds open, folders to which the fences of its processes are bound
 * (`code`), and files by which others find it.
 */
export type HandleName = 'folder' | 'store' | 'store-log' | 'lock' | 'code' | 'socket' | 'token' | 'log' | 'host-file';

/** A handle beside the file that has its name now. */
export interface HandleFact {
  what: HandleName;
  path: string;
  /** The file that is held, as `<device>:<inode>`; undefined: nothing that could be compared. */
  has: string | undefined;
  /** The file that has the name; `unknown` when the system did not say, on a disk that is away for a moment. */
  named: string | 'nothing' | 'unknown';
}

/** `repair`: handles to be made anew. `suspects`: handles for which the host ends if the next look finds them so, too. */
type HandlesDecision =
  | { do: 'go-on'; repair: readonly HandleFact[]; suspects: ReadonlySet<HandleName> }
  /** The same folder and the same store, held anew. */
  | { do: 'start-again'; why: string }
  /** For good: a new host would make an empty store, or work where the installation is no more. */
  | { do: 'end'; fault: PlainFault };

const MADE_ANEW: readonly HandleName[] = ['socket', 'token', 'log', 'host-file'];

/**
 * Decides after a look at the handles. `before`: the suspects of the look before. `movedTo`: the folder's name of now, where
 * the system knows it. A single look is not believed: a rename may be in progress.
 */
export function decideHandles(
  facts: readonly HandleFact[],
  before: ReadonlySet<HandleName>,
  movedTo: string | undefined,
): HandlesDecision {
  const off = facts.filter(isOff);
  const broken = off.filter(({ what }) => !MADE_ANEW.includes(what));
  const confirmed = broken.filter(({ what }) => before.has(what));
  const of = (what: HandleName) => confirmed.find((one) => one.what === what);
  const [folder, store] = [of('folder'), of('store')];
  if (folder) return { do: 'end', fault: folderGone(folder, movedTo) };
  if (store) return { do: 'end', fault: storeGone(store) };
  const again = of('store-log') ?? of('lock') ?? of('code');
  if (again) return { do: 'start-again', why: `${again.path} ${handleFaultWords(again)} while the host had it open` };
  const suspects = new Set(broken.map(({ what }) => what));
  // No file is made in a folder that may be another one.
  const repair = broken.length > 0 ? [] : off;
  return { do: 'go-on', repair, suspects };
}

/** In words: `was removed` or `was replaced`. */
export function handleFaultWords({ named }: Pick<HandleFact, 'named'>): string {
  return named === 'nothing' ? 'was removed' : 'was replaced';
}

function isOff({ has, named }: HandleFact): boolean {
  return has !== undefined && named !== 'unknown' && named !== has;
}

function folderGone({ path, named }: HandleFact, movedTo: string | undefined): PlainFault {
  if (movedTo !== undefined && movedTo !== path) {
    return {
      code: 'FOLDER_MOVED',
      message: `the installation ${path} was moved to ${movedTo} while its host was at work`,
      next: `daruma start --dir ${shellWord(movedTo)}`,
      data: { from: path, to: movedTo },
    };
  }
  const message = `the installation ${path} ${handleFaultWords({ named })} while its host was at work`;
  return { code: 'FOLDER_REMOVED', message, next: 'bring it back from a backup, then daruma start', data: { path } };
}

function storeGone({ path, named }: HandleFact): PlainFault {
  return {
    code: named === 'nothing' ? 'STORE_REMOVED' : 'STORE_REPLACED',
    message: `the store ${path} ${handleFaultWords({ named })} while the host had it open: nothing can be kept any more`,
    next: 'put the store in its place (from a backup, or none to begin anew), then daruma start',
    data: { path },
  };
}

/** A handle with its path, and the file that it is. */
export interface NamedHandle {
  what: HandleName;
  path: string;
  id: string | undefined;
}
