import { Fault } from '../kernel/fault.ts';

/** Loaders that compile while they run; by the names of their packages. */
const COMPILERS = /(^|=|node_modules[/\\])@?(tsx|ts-node|esbuild-register|swc-node|babel|vite-node|jiti)([/\\.]|$)/;
const HOOKS = /^--(experimental-)?loader(=|$)/;
const PRELOADS = /^(--import|--require|-r)(=|$)/;
const DEV_FLAGS = /^--watch(-path)?(=|$)/;

/**
 * Words for what makes this a process for development; undefined for one that runs compiled code. `main` is the URL
 * of the file that was started; `nodeOptions` is the variable of that name. `--import` alone is none: instrumentation
 * of production comes in that way.
 */
export function devLoader(main: string, execArgv: readonly string[], nodeOptions = ''): string | undefined {
  if (/\.[cm]?tsx?$/.test(main)) return 'it runs from its sources (src/), not from dist/';
  const options = [...execArgv, ...nodeOptions.split(/\s+/)].filter(Boolean);
  for (const [index, option] of options.entries()) {
    if (HOOKS.test(option)) return `${option} changes code while it is loaded`;
    if (DEV_FLAGS.test(option)) return `${option} is for development`;
    const value = PRELOADS.test(option) ? (option.includes('=') ? option : (options[index + 1] ?? '')) : '';
    if (COMPILERS.test(value)) return `${value.replace(/^--\w+=/, '')} compiles code while it is loaded`;
  }
  return undefined;
}

/** Throws `DEV_LOADER` where {@link devLoader} finds one: a machine that works unattended runs compiled code only. */
export function refuseDevLoader(main: string, execArgv: readonly string[], nodeOptions?: string): void {
  const why = devLoader(main, execArgv, nodeOptions);
  if (why === undefined) return;
  throw new Fault({
    code: 'DEV_LOADER',
    message: `daruma start runs no agents in development mode: ${why}`,
    next: 'npm run build, then npm start; for development: npm run dev',
  });
}
