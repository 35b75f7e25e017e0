import { installationFolder } from './folder.ts';

/** A command that stays in memory for as long as the host runs. */
interface StartCommand {
  command: 'start' | 'host';
  folder: string;
  json: boolean;
  safe: boolean;
}

/**
 * `start` and `host` as they are mostly typed, read without the whole command line: a guardian that lives for months
 * should not hold what it needed for a moment. Undefined for anything else, mistakes included: the command line
 * answers those.
 */
export function startCommandOf(argv: readonly string[], cwd: string): StartCommand | undefined {
  let command: StartCommand['command'] | undefined;
  let dir: string | undefined;
  const flags = { json: false, safe: false };
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--dir' && dir === undefined && argv[at + 1] !== undefined) dir = argv[++at];
    else if (word === '--json' || (word === '--safe' && command)) flags[word === '--json' ? 'json' : 'safe'] = true;
    else if ((word === 'start' || word === 'host') && !command) command = word;
    else return undefined;
  }
  if (!command) return undefined;
  try {
    return { command, folder: installationFolder(dir, cwd), ...flags };
  } catch {
    return undefined;
  }
}
