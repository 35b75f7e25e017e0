import type { WhyView } from '../control/protocol.ts';
import { explain, slotNear } from '../schedule/why.ts';
import { agentInForceOrNot } from './known.ts';
import type { LookupNeeds } from './lookups.ts';
import { iso, isoOrNull } from './views.ts';

const MINUTE_MS = 60_000;
/** How far away the neighbours of a time without a slot are looked for. */
const AROUND_MS = 31 * 86_400_000;

/** Why an agent did or did not run at a time; without a time: about its newest slot that has come due. */
export async function whyOf(needs: LookupNeeds, agent: string, at: number | undefined): Promise<WhyView> {
  const { store, time } = needs;
  const now = time.now();
  const known = await agentInForceOrNot(
    needs.catalog,
    agent,
    async () => (await store.list({ agent, limit: 1 })).length > 0,
  );
  const asked = at ?? (await store.slots({ agent, from: now - AROUND_MS, to: now + 1 })).at(-1)?.due ?? now;
  const near = await store.slots({ agent, from: asked - MINUTE_MS, to: asked + MINUTE_MS });
  const slot = slotNear(near, asked);
  const [before, after] = slot ? [] : await neighbours();
  const job = slot?.job ? await store.get(slot.job) : undefined;
  const why = explain({
    agent,
    at: asked,
    now,
    slot,
    job,
    schedule: known?.schedule,
    ...(before ? { before } : {}),
    ...(after ? { after } : {}),
  });
  return {
    ...why,
    slot: isoOrNull(why.slot),
    steps: why.steps.map((step) => ({ ...step, at: iso(step.at) })),
  };

  async function neighbours() {
    const [earlier, later] = await Promise.all([
      store.slots({ agent, from: asked - AROUND_MS, to: asked }),
      store.slots({ agent, from: asked, to: asked + AROUND_MS }),
    ]);
    return [earlier.at(-1), later[0]];
  }
}
