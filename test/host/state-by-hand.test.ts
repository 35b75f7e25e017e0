import { expect, it } from 'vitest';
import { stateOps } from '../../src/host/api/ops-state.ts';
import type { HostContext } from '../../src/host/host-context.ts';
import { createKeptBytes } from '../../src/host/kept-bytes.ts';
import { MB } from '../../src/kernel/measures.ts';
import { machineTime } from '../../src/kernel/time.ts';

const value = JSON.stringify('x'.repeat(MB - 100));

/** The operations on a store of one agent with so many bytes, and what they wrote. */
function operations(bytes: number) {
  const written: string[] = [];
  const store = {
    keptBytes: async () => bytes,
    stateEntries: async (agent: string) => [{ agent, key: 'k', value, setAt: 0 }],
    setState: async (_agent: string, key: string) => void written.push(`set ${key}`),
    moveState: async () => {
      written.push('moved');
      return ['k'];
    },
    deleteState: async () => {},
  };
  const kept = createKeptBytes({ time: machineTime, store, most: () => 10 * MB });
  const catalog = { listings: () => [{ name: 'a' }] };
  const context = { store, kept, catalog, events: { record() {} } } as unknown as HostContext;
  return { written, ...stateOps(context) };
}

const call = { role: 'operator', item: () => true, gone: new AbortController().signal } as const;

it('state that a person sets or moves is held to the budget of the agent, as what the agent sets itself', async () => {
  const full = operations(9.5 * MB);
  await expect(full.stateSet({ agent: 'a', key: 'k', value }, call)).rejects.toMatchObject({ code: 'STATE_FULL' });
  const over = operations(11 * MB);
  await expect(over.stateMove({ from: 'b', to: 'a' }, call)).rejects.toMatchObject({ code: 'STATE_FULL' });
  expect([...full.written, ...over.written]).toEqual([]);
  const free = operations(1 * MB);
  await free.stateSet({ agent: 'a', key: 'k', value }, call);
  await free.stateMove({ from: 'b', to: 'a' }, call);
  expect(free.written).toEqual(['set k', 'moved']);
});
