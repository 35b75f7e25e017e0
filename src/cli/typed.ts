import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { PLAIN, TYPED_VARIABLE, type Typed, typedFrom } from '../control/typed.ts';

/** Facts about how this process was started. */
export interface Start {
  /** The file that Node runs, as it was named: npm and shells name the link in `node_modules/.bin`. */
  main: string;
  /** The value of `--dir`. */
  dir?: string | undefined;
  env: Record<string, string | undefined>;
  cwd: string;
  exists(path: string): boolean;
}

/**
 * How Daruma is typed in the shell that a person sits at: `daruma` when it is found there, `npx daruma` when npm finds it
 * from the folder that the person is in, else the path of the link. A hint with `npx` where npm finds nothing would ask
 * the registry for a package of that name, which may be anybody's.
 */
export function typedAs({ main, dir, env, cwd, exists }: Start): Typed {
  const given = dir === undefined ? {} : { dir };
  const bin = dirname(main);
  if (!bin.endsWith(join('node_modules', '.bin'))) {
    return isScriptOfCheckout(dirname(bin), env, cwd) ? { command: 'npx daruma', ...given } : { ...PLAIN, ...given };
  }
  // npm puts every node_modules/.bin on the way up into PATH: only without npm is it the person's own.
  const byNpm = env.npm_command !== undefined;
  if (!byNpm && (env.PATH ?? '').split(delimiter).includes(bin)) return { ...PLAIN, ...given };
  const home = byNpm ? (env.INIT_CWD ?? cwd) : cwd;
  if (bin.includes('/_npx/') || findable(home, exists)) return { command: 'npx daruma', ...given };
  const path = relative(home, main);
  // `npm --prefix app start`: the person's next command has to name what npm finds by its option.
  const installation = dir === undefined && byNpm && home !== cwd ? { dir: relative(home, cwd) } : given;
  return { command: path.startsWith('../../..') || isAbsolute(path) ? main : path, ...installation };
}

/** `npm start` in a checkout, from its own folder: there npx finds the checkout's own command, though no link to it is installed. */
function isScriptOfCheckout(checkout: string, env: Start['env'], cwd: string): boolean {
  const isScript = env.npm_lifecycle_event === 'start' || env.npm_lifecycle_event === 'dev';
  return isScript && cwd === checkout && (env.INIT_CWD ?? cwd) === checkout;
}

/** The same of this very process, whose arguments are given; handed down to the host that it starts. */
export function typedHere(args: readonly string[]): Typed {
  const { argv, env } = process;
  // The guardian starts `host`, and knows how it was typed itself.
  if (args.includes('host') && env[TYPED_VARIABLE] !== undefined) return typedFrom(env);
  const typed = typedAs({
    main: resolve(argv[1] ?? ''),
    dir: dirOf(args),
    env,
    cwd: process.cwd(),
    exists: existsSync,
  });
  env[TYPED_VARIABLE] = JSON.stringify(typed);
  return typed;
}

function dirOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--dir' || arg.startsWith('--dir='));
  return at < 0 ? undefined : args[at] === '--dir' ? args[at + 1] : args[at]!.slice('--dir='.length);
}

/** True when npx finds a `daruma` at or above the folder. */
function findable(from: string, exists: (path: string) => boolean): boolean {
  for (let folder = from, last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    if (exists(join(folder, 'node_modules/.bin/daruma'))) return true;
  }
  return false;
}
