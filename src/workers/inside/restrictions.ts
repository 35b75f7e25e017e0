import { descriptorGuards } from '../../kernel/descriptors.ts';
import { Fault } from '../../kernel/fault.ts';
import type { HandleClass } from '../../kernel/file-handles.ts';
import { bareModule, GRANTABLE } from '../../kernel/plugin-modules.ts';
import { namesOf } from '../../kernel/primordials.ts';
import { type ModuleGuards, restrictModules } from '../../kernel/restrictions.ts';
import { moduleDenied } from './denied.ts';
import type { UseRecorder } from './uses.ts';

interface RestrictionTerms {
  agent: string;
  /** Guarded modules that are granted. */
  modules: readonly string[];
  guards: ModuleGuards;
  handles: HandleClass;
  uses: UseRecorder | undefined;
  lend(specifier: string, require: NodeJS.Require): void;
}

/**
 * Fences of a worker, put up before the plugin loads: Node's permission model denies files, network, children and add-ons;
 * these deny what it leaves open, that is, what reaches the whole cell or another worker.
 */
export function applyRestrictions({ agent, modules, guards, handles, uses, lend }: RestrictionTerms): void {
  const granted = namesOf(modules.map(bareModule));
  const who = `agent ${agent}`;
  restrictModules({
    who,
    checkGuarded(name) {
      if (name === GRANTABLE) uses?.add('modules', `node:${name}`);
      if (!granted[name]) throw new Fault(moduleDenied(name, agent));
    },
    guards: [descriptorGuards(who, handles), guards, { os: guardOs }],
    lend,
  });
}

/** The priority would be that of the cell. */
function guardOs(os: object): void {
  Object.assign(os, {
    setPriority() {
      throw new Fault({
        code: 'NOT_ALLOWED',
        message: 'os.setPriority is not allowed: it would change the whole cell',
      });
    },
  });
}
