import { join } from 'node:path';
import { canStandStill, type Mount, mountOf } from '../../kernel/mounts.ts';

interface ForeignTerms {
  mounts: readonly Mount[];
  /** Devices of the host itself: when they stand still, so does the host. */
  own: ReadonlySet<string>;
  /** The target of a link; undefined for all else. Called for paths of the host's own devices alone. */
  target(path: string): string | undefined;
}

/** As many links as Linux follows on the way of one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * The file system of an absolute path, links followed, when another device than the host's own has to answer for it. Looks
 * at each folder of the way and stops ahead of the first that such a device has: nothing of it is touched.
 */
export function foreignMountOf(path: string, { mounts, own, target }: ForeignTerms): Mount | undefined {
  let rest = path.split('/');
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const here = join(at, rest.shift()!);
    const mount = mountOf(here, mounts);
    if (mount && canStandStill(mount) && !own.has(mount.device)) return mount;
    const to = here === at ? undefined : target(here);
    if (to === undefined) at = here;
    else if (++links > MOST_LINKS) return undefined;
    else {
      rest = [...to.split('/'), ...rest];
      if (to.startsWith('/')) at = '/';
    }
  }
  return undefined;
}
