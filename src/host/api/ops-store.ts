import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';

/** The op that mends the store. The command line looks at the file by itself, since a check of it would hold up the host's readers. */
export function storeOps({
  store,
  time,
  asides,
}: Pick<HostContext, 'store' | 'time' | 'asides'>): Pick<OpTable, 'storeMend'> {
  return {
    async storeMend() {
      const mended = await store.setAside(time.now());
      if (mended > 0) asides.found(mended);
      return { mended };
    },
  };
}
