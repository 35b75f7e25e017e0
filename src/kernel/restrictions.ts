import { Fault } from './fault.ts';
import { bareModule, resolvedLent } from './plugin-modules.ts';
import { apply, create, defineProperty, namesOf, sliceText, startsWith } from './primordials.ts';

/** Node's modules that reach other threads, other processes or V8 as a whole, or go round the permission model. */
const GUARDED = namesOf([
  'child_process',
  'cluster',
  'ffi',
  'inspector',
  'inspector/promises',
  'repl',
  'sqlite',
  'trace_events',
  'v8',
  'wasi',
  'worker_threads',
]);

/** By bare names: puts a guard into the module. */
export type ModuleGuards = Readonly<Record<string, (module: object) => void>>;

/**
 * Restrictions that are set up before foreign code is loaded, in each realm that loads it: a worker, the thread of a load
 * process.
 */
interface ModuleRestrictions {
  /** For the middle of a sentence: `agent shop-api`. */
  who: string;
  /** Called for one of Node's guarded modules; throws when it is refused. */
  checkGuarded(name: string): void;
  /** The guards of a module are called, table by table, before the code first gets the module. */
  guards: readonly ModuleGuards[];
  /** CommonJS source of what the code gets in place of a module, by its bare name. */
  instead?: Record<string, string>;
  /** Called with each specifier before it is resolved, and with a `require` for what is lent. */
  lend?(specifier: string, require: NodeJS.Require): void;
  /** The code itself, where its file may not be read. */
  bundle?: { url: string; code: string };
}

/** Properties of `process` that reach other processes, other threads or raw handles. */
const OF_PROCESS = [
  'kill',
  '_kill',
  'binding',
  '_linkedBinding',
  '_debugProcess',
  '_debugEnd',
  '_startProfilerIdleNotifier',
  '_stopProfilerIdleNotifier',
  '_getActiveHandles',
  '_getActiveRequests',
  'dlopen',
  'execve',
];
/** Functions of node:module by which later code would stand between the checks and Node. */
const OF_MODULE = ['registerHooks', 'register'];
const INSTEAD = 'daruma:instead/';

/**
 * Closes what Node's permission model leaves open: modules that reach the whole process, the functions of `process` that do,
 * and the hooks by which the checks could be passed. No method is called that the code could replace.
 */
export function restrictModules(terms: ModuleRestrictions): void {
  const { getBuiltinModule } = process;
  const { bundle } = terms;
  const get = (name: string) => apply(getBuiltinModule, process, [`node:${name}`]) as object;
  const module = get('module') as typeof import('node:module');
  const { syncBuiltinESMExports } = module;
  const required = module.createRequire('/daruma.js');
  const instead = Object.assign(create(null) as Record<string, string>, terms.instead);
  const checked = createCheck(terms, get, syncBuiltinESMExports);

  module.registerHooks({
    resolve(specifier, context, next) {
      if (specifier === bundle?.url) return { url: bundle.url, format: 'module', shortCircuit: true };
      const name = checked(specifier);
      if (instead[name] !== undefined) return { url: INSTEAD + name, format: 'commonjs', shortCircuit: true };
      terms.lend?.(specifier, required);
      const found = resolvedLent(specifier) ?? next(specifier, context);
      // `NODE:v8`, names of a package.json: what Node makes of them is another word for the module.
      checked(found.url);
      return found;
    },
    load(url, context, next) {
      if (url === bundle?.url) return { format: 'module', source: bundle.code, shortCircuit: true };
      const source = startsWith(url, INSTEAD) ? instead[sliceText(url, INSTEAD.length)] : undefined;
      if (source !== undefined) return { format: 'commonjs', source, shortCircuit: true };
      checked(url);
      return next(url, context);
    },
  });
  close(process, 'getBuiltinModule', (id: string) => {
    const name = checked(id);
    return instead[name] === undefined ? apply(getBuiltinModule, process, [id]) : required(id);
  });
  closeAll(process, OF_PROCESS, 'process', terms.who);
  closeAll(module, OF_MODULE, 'module', terms.who);
  syncBuiltinESMExports();
}

/** Returns the bare name of a module that may be had, with its guards in it; throws for one that may not. */
function createCheck(
  terms: ModuleRestrictions,
  get: (name: string) => object,
  sync: () => void,
): (specifier: unknown) => string {
  const guards = create(null) as Record<string, ((module: object) => void)[] | undefined>;
  for (const table of terms.guards) for (const name in table) guards[name] = [...(guards[name] ?? []), table[name]!];
  return (specifier) => {
    if (typeof specifier !== 'string') throw new TypeError('the name of a module is a text');
    const name = bareModule(specifier);
    if (isGuarded(name)) terms.checkGuarded(name);
    const due = guards[name];
    if (due) {
      guards[name] = undefined;
      const found = get(name);
      for (let at = 0; at < due.length; at++) due[at]!(found);
      sync();
    }
    return name;
  };
}

function closeAll(object: object, names: readonly string[], of: string, who: string): void {
  for (const name of names) {
    close(object, name, () => {
      throw notAllowed(`${of}.${name}`, who);
    });
  }
}

function notAllowed(what: string, who: string): Fault {
  const message = `${what} is not allowed in ${who}: it would reach beyond its worker`;
  return new Fault({ code: 'NOT_ALLOWED', message, next: 'do without it: no need grants it' });
}

function close(object: object, name: string, value: unknown): void {
  defineProperty(object, name, { value, writable: false, configurable: false, enumerable: true });
}

/** Whether a plugin gets it only when it was granted. */
function isGuarded(name: string): boolean {
  return GUARDED[name] === true;
}
