import type { StateEntry, StateStore } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { StateEntryView } from '../../operations/results/agent.ts';
import type { Ops } from '../../operations/table.ts';
import { toJson } from '../../workers/inside/json.ts';
import type { HostContext } from '../host-context.ts';
import { type OpCall, type OpTable, whoOf } from './handlers.ts';
import { listingOf } from './known.ts';
import { parsed } from './views.ts';

/** Operations that read the state of agents, whether the host runs or not. */
export function stateLookups(store: Pick<StateStore, 'stateEntries' | 'stateSizes'>) {
  return {
    stateSizes: () => store.stateSizes(),

    async state({ agent, key }: Ops['state']['read']): Promise<StateEntryView[]> {
      const entries = await store.stateEntries(agent, key);
      if (entries.length === 0 && key !== undefined) throw await keyUnknown(store, agent, key);
      return entries.map(viewEntry);
    },
  };
}

/** The operations that change the state of an agent by hand. A job that runs sees the change at its next `state.get`. */
export function stateOps({ store, catalog, events, kept }: HostContext): Pick<OpTable, 'stateSet' | 'stateMove'> {
  const record = (agent: string, message: string, data: object, call: Pick<OpCall, 'by'>) =>
    events.record('info', { kind: 'agent.state', agent, message, data: { ...data }, ...given({ who: whoOf(call) }) });

  return {
    async stateSet({ agent, key, value }, call) {
      const [before] = await store.stateEntries(agent, key);
      if (value === undefined) {
        if (!before) throw await keyUnknown(store, agent, key);
        kept.freed(agent);
        await store.deleteState(agent, key);
        record(agent, `${key} of ${agent} was deleted by hand`, { key }, call);
      } else {
        listingOf(catalog, agent);
        const text = toJson(value, `the value of ${key}`, 'value')!;
        await kept.write(agent, key.length + text.length, () => store.setState(agent, key, text));
        record(agent, `${key} of ${agent} was set by hand`, { key }, call);
      }
      return { before: before ? viewEntry(before) : null };
    },

    async stateMove({ from, to }, call) {
      listingOf(catalog, to);
      if (from === to) throw new Fault({ code: 'USAGE', message: `${from} has its own state already` });
      const entries = await store.stateEntries(from);
      if (entries.length === 0) {
        throw new Fault({ code: 'STATE_UNKNOWN', message: `${from} holds no state`, next: 'daruma state' });
      }
      const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
      const moved = await kept.write(to, bytes, () => store.moveState(from, to));
      kept.freed(from);
      const left = (await store.stateEntries(from)).map(({ key }) => key);
      record(to, `${moved.length} keys of ${from} were given to ${to} by hand`, { from, moved: moved.length }, call);
      return { moved, kept: left };
    },
  };
}

function viewEntry({ key, value, setAt }: StateEntry): StateEntryView {
  return { key, value: parsed(value), bytes: Buffer.byteLength(value), setAt: isoOf(setAt) };
}

async function keyUnknown(store: Pick<StateStore, 'stateSizes'>, agent: string, key: string): Promise<Fault> {
  const holds = (await store.stateSizes()).some((one) => one.agent === agent);
  return new Fault({
    code: 'STATE_UNKNOWN',
    message: holds ? `${agent} has no state of the key ${key}` : `${agent} holds no state`,
    next: holds ? `daruma state ${agent}` : 'daruma state',
  });
}
