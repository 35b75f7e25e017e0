import type { StoreView, UnreadableView } from '../../control/store-view.ts';
import type { Aside, AsideStore, UpkeepStore } from '../../telemetry/ports.ts';
import type { House } from '../house.ts';
import type { OpTable } from './control-server.ts';
import { iso } from './views.ts';

/** So many rows that were set aside are shown. */
const MOST_SHOWN = 1_000;

export interface StoreLookNeeds {
  store: Pick<AsideStore, 'unreadable' | 'asides'> & Pick<UpkeepStore, 'checkUp'>;
  /** Sets aside what cannot be read; returns how many. undefined: the store is only looked at. */
  mend: (() => Promise<number>) | undefined;
  file: string;
}

/** Looks at every row, mends where that is wanted, and looks at the file itself. */
export async function lookAtStore({ store, mend, file }: StoreLookNeeds): Promise<StoreView> {
  const mended = mend ? await mend() : 0;
  const { schema, bytes, integrity } = await store.checkUp({ integrity: true });
  const unreadable = (await store.unreadable()).map(viewUnreadable);
  const asides = await store.asides({ limit: MOST_SHOWN });
  const setAside = asides.map((one) => ({ id: one.id, at: iso(one.at), ...viewUnreadable(one), content: one.content }));
  return { file, schema, bytes, integrity: integrity ?? 'not looked at', unreadable, mended, setAside };
}

/** The op about the store itself. */
export function storeOps({
  store,
  facts,
  time,
  asides,
}: Pick<House, 'store' | 'facts' | 'time' | 'asides'>): Pick<OpTable, 'store'> {
  return {
    async store({ mend }) {
      const setAside = async () => {
        const count = await store.setAside(time.now());
        if (count > 0) asides.found(count);
        return count;
      };
      return lookAtStore({ store, file: facts.storeFile, mend: mend ? setAside : undefined });
    },
  };
}

function viewUnreadable({
  source,
  name,
  agent,
  why,
}: Pick<Aside, 'source' | 'name' | 'agent' | 'why'>): UnreadableView {
  return { table: source, row: name, agent, why };
}
