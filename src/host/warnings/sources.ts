import { dirname } from 'node:path';
import type { RisingBudget } from '../../gateway/models/spend-rules.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Incident } from '../../healing/ports.ts';
import type { MachineResources } from '../../healing/pressure.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { formatSize } from '../../kernel/units.ts';
import { fingerprintOfWarning, type SeenWarning } from '../../telemetry/warnings/warning.ts';
import { risingWords } from '../bill/billing.ts';
import type { HostFacts } from '../facts.ts';
import { machineResourcesOf } from '../healing.ts';
import { type ComparisonNeeds, createComparisons } from './comparisons.ts';
import { createEarlyWarnings, type EarlyWarnings, type EarlyWarningsNeeds, type WarningSource } from './warnings.ts';

interface HostWarningNeeds extends ComparisonNeeds, Omit<EarlyWarningsNeeds, 'sources' | 'store'> {
  store: ComparisonNeeds['store'] & EarlyWarningsNeeds['store'];
  healer: Pick<Healer, 'open'>;
  billing: { ledger: { rising(): readonly RisingBudget[] } };
  /** The disk of the store is looked at. */
  facts: Pick<HostFacts, 'store'>;
}

/** The early warnings of a host, with all its looks. */
export function createHostWarnings({ healer, billing, facts, ...needs }: HostWarningNeeds): EarlyWarnings {
  const storeFolder = dirname(facts.store.file);
  return createEarlyWarnings({
    ...needs,
    sources: {
      leaks: leakSource(healer),
      comparisons: createComparisons(needs),
      spend: spendSource(billing.ledger.rising),
      machine: machineSource(() => machineResourcesOf(storeFolder)),
    },
  });
}

/** Leaks that healing has an incident of: told, and due as soon as it does something about them. */
function leakSource(healer: Pick<Healer, 'open'>): WarningSource {
  return () =>
    healer
      .open()
      .filter(({ verdict, agent }) => verdict === 'leaking' && agent !== null && !isDrillAgent(agent))
      .map(leakSeen);
}

function leakSeen({ id, agent, seen, remedies, openedAt, evidence, version }: Incident): SeenWarning {
  const leftMs = evidence?.fault?.data?.leftMs;
  return {
    fingerprint: fingerprintOfWarning('memory', agent),
    ...{ agent, quantity: 'memory', word: remedies.length > 0 ? 'due' : 'leaking' },
    text: `${agent}: ${seen}`,
    next: `daruma incidents ${id}`,
    hitsAt: typeof leftMs === 'number' ? openedAt + leftMs : null,
    ...(version === null ? {} : { culprit: `version ${version}` }),
  };
}

/** Budgets of models that are nearly spent: of an agent's budgets the one of which most is spent. */
function spendSource(rising: () => readonly RisingBudget[]): WarningSource {
  return () => {
    const share = ({ spent, limit }: RisingBudget) => spent / limit;
    const byAgent = Map.groupBy(rising(), ({ agent }) => agent);
    return [...byAgent].map(([agent, budgets]): SeenWarning => {
      const fullest = budgets.reduce((most, one) => (share(one) > share(most) ? one : most));
      return {
        fingerprint: fingerprintOfWarning('spend', agent),
        ...{ agent, quantity: 'spend', word: 'rising', hitsAt: null },
        text: risingWords(fullest),
        next: agent === null ? 'daruma models' : `daruma status ${agent} has its bill`,
      };
    });
  };
}

/** So much of the machine's memory or disk is in use: worth a line, once. */
const HIGH_SHARE = 0.7;

/** The machine's memory and the disk of the store, from 70 % on. */
function machineSource(room: () => Promise<MachineResources>): WarningSource {
  return async () => {
    const { memoryFree, memoryTotal, diskFree, diskTotal } = await room();
    return [
      ...highSeen('memory', memoryTotal - memoryFree, memoryTotal),
      ...highSeen('disk', diskTotal - diskFree, diskTotal),
    ];
  };
}

const NEXT = {
  memory: 'daruma doctor; daruma status shows what each agent holds',
  disk: 'daruma doctor; du -sh data logs',
};

function highSeen(quantity: 'memory' | 'disk', used: number, total: number): SeenWarning[] {
  if (total <= 0 || used < HIGH_SHARE * total) return [];
  const what = quantity === 'memory' ? 'memory of the machine' : 'the disk of the store';
  const text = `${Math.floor((used / total) * 100)} % of ${what} are in use: ${formatSize(used)} of ${formatSize(total)}`;
  const fingerprint = fingerprintOfWarning(quantity, null);
  return [{ fingerprint, agent: null, quantity, word: 'rising', text, next: NEXT[quantity], hitsAt: null }];
}
