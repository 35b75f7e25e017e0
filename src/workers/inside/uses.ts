import { fileURLToPath } from 'node:url';
import { packageFile } from '../../kernel/paths.ts';
import type { NeedUse } from '../rehearsal.ts';

/** Notes each thing that a worker uses and `needs` can grant, once. */
export interface UseRecorder {
  add(need: NeedUse['need'], what: string): void;
  /** The uses that were noted since the last call. */
  take(): NeedUse[];
}

const NEEDS: Record<string, NeedUse['need'] | undefined> = { FileSystemRead: 'read', FileSystemWrite: 'write' };
/** More than this is no list that a person writes into `needs`. */
const MOST_USES = 5_000;

/** Code of Daruma itself: what it lends is read on the plugin's behalf, and is no need of the plugin's. */
const OWN = fileURLToPath(packageFile('dist/'));

/** Notes files from now on: under Node's audit each access that no flag grants is published and let through. */
export function recordUses(): UseRecorder {
  const { subscribe } = process.getBuiltinModule('node:diagnostics_channel');
  const { resolve } = process.getBuiltinModule('node:path');
  const known = new Set<string>();
  let fresh: NeedUse[] = [];

  function add(need: NeedUse['need'], what: string) {
    const key = `${need} ${what}`;
    if (known.has(key) || known.size >= MOST_USES) return;
    known.add(key);
    fresh.push({ need, what });
  }

  subscribe('node:permission-model:fs', (message) => {
    const { permission, resource } = message as { permission: string; resource?: unknown };
    const need = NEEDS[permission];
    if (!need || typeof resource !== 'string' || resource === '') return;
    const path = resolve(resource);
    if (!path.startsWith(OWN)) add(need, path);
  });
  return {
    add,
    take() {
      const taken = fresh;
      fresh = [];
      return taken;
    },
  };
}
