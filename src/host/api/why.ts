import type { WhyView } from '../../control/protocol.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import { explainSlot, slotNear } from '../../schedule/why.ts';
import { orphanProblem } from '../orphans.ts';
import { agentInForceOrNot } from './known.ts';
import type { LookupNeeds } from './lookup-needs.ts';
import { iso, isoOrNull } from './views.ts';

/** How far back a slot is looked for, step by step; the last one is also how far ahead. */
const WINDOWS_MS = [10 * MINUTE_MS, DAY_MS, 62 * DAY_MS];

/** Why an agent did or did not run at a time; without a time: about its newest slot that has come due. */
export async function whyOf(needs: LookupNeeds, agent: string, at: number | undefined): Promise<WhyView> {
  const { store, time } = needs;
  const now = time.now();
  const known = await agentInForceOrNot(
    needs.catalog,
    agent,
    async () => (await store.list({ agent, limit: 1 })).length > 0,
  );
  const asked = at ?? (await newestBefore(now + 1))?.due ?? now;
  const near = await store.slots({ agent, from: asked - MINUTE_MS, to: asked + MINUTE_MS });
  const slot = slotNear(near, asked);
  const [before, after] = slot ? [] : await neighbours();
  const job = slot?.job ? await store.get(slot.job) : undefined;
  const why = explainSlot({
    agent,
    at: asked,
    now,
    slot,
    job,
    schedule: known?.schedule,
    ...(before ? { before } : {}),
    ...(after ? { after } : {}),
  });
  const waiting = known ? 0 : (await store.list({ agent, states: ['queued', 'retrying'], limit: 1_000 })).length;
  const isListed = needs.catalog.listings().some(({ name }) => name === agent);
  const orphans = waiting > 0 && !isListed ? `. ${orphanProblem({ agent, waiting }).message}` : '';
  return {
    ...why,
    sentence: orphans ? `${why.sentence.replace(/\.$/, '')}${orphans}` : why.sentence,
    slot: isoOrNull(why.slot),
    steps: why.steps.map((step) => ({ ...step, at: iso(step.at) })),
  };

  async function neighbours() {
    return Promise.all([
      newestBefore(asked),
      store.slots({ agent, from: asked, to: asked + WINDOWS_MS.at(-1)! }).then((found) => found[0]),
    ]);
  }

  /** Looks back in growing windows: an agent of every second has as many slots in an hour as a daily one in ten years. */
  async function newestBefore(to: number) {
    for (const window of WINDOWS_MS) {
      const found = (await store.slots({ agent, from: to - window, to })).at(-1);
      if (found) return found;
    }
    return undefined;
  }
}
