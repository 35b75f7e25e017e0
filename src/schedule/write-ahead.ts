import type { SlotRef, Unplanned } from './plan.ts';
import type { SlotStore } from './ports.ts';

/**
 * Writes slots ahead: in one call, or agent by agent when the store refuses them together, so that one agent's slots cannot
 * keep those of all others out. Rejects when the store takes nobody's.
 */
export async function writeAhead(
  slots: Pick<SlotStore, 'plan'>,
  ahead: readonly SlotRef[],
): Promise<{ written: SlotRef[]; refused: Unplanned[] }> {
  if (ahead.length === 0) return { written: [], refused: [] };
  try {
    await slots.plan([...ahead]);
    return { written: [...ahead], refused: [] };
  } catch (error) {
    const byAgent = [...Map.groupBy(ahead, ({ agent }) => agent)];
    if (byAgent.length === 1) return { written: [], refused: [{ agent: byAgent[0]![0], error }] };
    const written: SlotRef[] = [];
    const refused: Unplanned[] = [];
    for (const [agent, own] of byAgent) {
      await slots.plan(own).then(
        () => written.push(...own),
        (error: unknown) => refused.push({ agent, error }),
      );
    }
    if (written.length === 0) throw error;
    return { written, refused };
  }
}
