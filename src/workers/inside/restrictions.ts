import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { Fault } from '../../kernel/fault.ts';
import { bareModule, isGuarded, resolvedLentZod } from '../../kernel/plugin-modules.ts';
import { moduleDenied } from './denied.ts';

/**
 * Fences against accidents, put up before the plugin loads: Node's permission model denies files, network, children and
 * add-ons; these deny what it leaves open, that is, what reaches the whole cell or another worker.
 */
interface RestrictionTerms {
  agent: string;
  /** Guarded modules that are granted all the same. */
  modules: readonly string[];
  /** Called before a plugin first gets one of the modules, to put a guard into it. */
  guards: Record<string, (module: object) => void>;
}

export function applyRestrictions(terms: RestrictionTerms): void {
  const granted = new Set(terms.modules.map(bareModule));
  const get = process.getBuiltinModule;
  const guarded = new Set<string>();

  function check(specifier: string) {
    const name = bareModule(specifier);
    if (isGuarded(name) && !granted.has(name)) throw new Fault(moduleDenied(name, terms.agent));
    const guard = terms.guards[name];
    if (!guard || guarded.has(name)) return;
    guarded.add(name);
    guard(get(`node:${name}`) as object);
    syncBuiltinESMExports();
  }

  registerHooks({
    resolve(specifier, context, next) {
      check(specifier);
      return resolvedLentZod(specifier) ?? next(specifier, context);
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
