import type { PlainFault } from './fault.ts';

/** Signs that Node itself gives a meaning in the paths of a host, and why no agent can work below them. */
const REFUSED: Readonly<Record<string, string>> = {
  '\\': "Node's loader of modules takes no path with a backslash",
  '*': "in Node's permissions a * stands for everything that follows, so agents could read what was not granted",
};

/**
 * Why an installation cannot work in a folder of that name: code `FOLDER_NAME`; undefined when it can. Every other sign
 * works. `folder` is absolute, without symbolic links.
 */
export function refusedFolderName(folder: string): PlainFault | undefined {
  const sign = Object.keys(REFUSED).find((one) => folder.includes(one));
  if (sign === undefined) return undefined;
  return {
    code: 'FOLDER_NAME',
    message: `no agent can work in ${folder}: ${REFUSED[sign]}`,
    next: `give the folder, or the one above that has it, a name without ${sign}`,
    data: { folder, sign },
  };
}
