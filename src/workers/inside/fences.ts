import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { childProcess } from './denied.ts';

/**
 * Fences against accidents, put up before the plugin loads: Node's permission model denies files, network, children and
 * add-ons; these deny what it leaves open, that is, what reaches the whole cell or another worker.
 */
export interface FenceTerms {
  agent: string;
  /** Guarded modules that are granted all the same. */
  modules: readonly string[];
  /** Called before a plugin first gets one of the modules, to put a guard into it. */
  guards: Record<string, (module: object) => void>;
}

/** Reach other threads, other processes or V8 as a whole, or go round the permission model. */
const DENIED = new Set([
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

export function putUpFences(terms: FenceTerms): void {
  const granted = new Set(terms.modules.map(bareName));
  const get = process.getBuiltinModule;
  const guarded = new Set<string>();

  function check(specifier: string) {
    const name = bareName(specifier);
    if (DENIED.has(name) && !granted.has(name)) throw deniedModule(name, terms.agent);
    const guard = terms.guards[name];
    if (!guard || guarded.has(name)) return;
    guarded.add(name);
    guard(get(`node:${name}`) as object);
    syncBuiltinESMExports();
  }

  registerHooks({
    resolve(specifier, context, next) {
      check(specifier);
      return next(specifier, context);
    },
  });
  deny('getBuiltinModule', (id: string) => {
    check(id);
    return get(id);
  });
  for (const name of ['kill', '_kill', 'binding', '_linkedBinding', '_debugProcess', 'dlopen', 'execve']) {
    deny(name, () => {
      throw new Fault({
        code: 'NOT_ALLOWED',
        message: `process.${name} is not allowed in agent ${terms.agent}: it would reach beyond its worker`,
      });
    });
  }
}

/** A guard for node:os: the priority would be that of the cell. */
export function guardOs(os: object): void {
  Object.assign(os, {
    setPriority() {
      throw new Fault({
        code: 'NOT_ALLOWED',
        message: 'os.setPriority is not allowed: it would change the whole cell',
      });
    },
  });
}

function deny(name: string, value: unknown): void {
  Object.defineProperty(process, name, { value, writable: false, configurable: false });
}

function bareName(specifier: string): string {
  return specifier.startsWith('node:') ? specifier.slice(5) : specifier;
}

function deniedModule(name: string, agent: string): Fault {
  if (name === 'child_process') return new Fault(childProcess(agent));
  const message = `node:${name} is not allowed in agent ${agent}`;
  if (name === 'sqlite') return new Fault(notInNeeds({ agent, need: 'modules', asked: 'node:sqlite', message }));
  const isThreads = name === 'worker_threads' || name === 'cluster';
  return new Fault({
    code: 'NOT_IN_NEEDS',
    message: `${message}: ${isThreads ? 'a worker may not start threads' : 'it reaches beyond its worker'}`,
    next: isThreads
      ? 'do without it: workers: { max: 4 } does four jobs of the agent side by side'
      : 'do without it: no need grants it',
    data: { asked: `node:${name}` },
  });
}
