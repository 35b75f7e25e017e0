import type { PlainFault } from './fault.ts';

/** Signs that Node or pino-roll (which rolls the log) takes in no path, and why no host can work below them. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['\\', "Node's loader of modules takes no path with a backslash"],
  ['*', "in Node's permissions a * stands for everything that follows, so agents could read what was not granted"],
  ...[...':?"|<>'].map((sign): [string, string] => [sign, `pino-roll rolls no log in a path with ${sign}`]),
]);

/**
 * Why an installation, or the folder of its log, cannot have that name: code `FOLDER_NAME`; undefined when it can. Every
 * other sign works. `folder` is absolute, without symbolic links.
 */
export function refusedFolderName(folder: string): PlainFault | undefined {
  const sign = [...REFUSED.keys()].find((one) => folder.includes(one));
  if (sign === undefined) return undefined;
  return {
    code: 'FOLDER_NAME',
    message: `no host can work in ${folder}: ${REFUSED.get(sign)}`,
    next: `give the folder, or the one above that has it, a name without ${sign}`,
    data: { folder, sign },
  };
}
