import type { Job } from '../../src/jobs/model.ts';
import type { Slot } from '../../src/schedule/ports.ts';
import { openReadOnly } from '../../src/store/sqlite/read-only.ts';
import { SCHEDULED } from './plugins.ts';

/** Every job, and every slot of the scheduled agent in order, as the store's file says, whoever writes to it meanwhile. */
export async function readStore(file: string): Promise<{ jobs: Job[]; slots: Slot[] }> {
  const store = openReadOnly(file);
  try {
    const jobs: Job[] = [];
    for (;;) {
      const before = jobs.at(-1)?.id;
      const page = await store.list({ limit: 1_000, ...(before === undefined ? {} : { before }) });
      jobs.push(...page);
      if (page.length < 1_000) break;
    }
    const slots: Slot[] = [];
    for (let from = 0; ; from = slots.at(-1)!.due + 1) {
      const page = await store.slots({ agent: SCHEDULED, from, to: Number.MAX_SAFE_INTEGER });
      slots.push(...page);
      if (page.length === 0) break;
    }
    return { jobs, slots };
  } finally {
    store.close();
  }
}
