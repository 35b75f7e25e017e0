import type { SpentBudget } from '../../gateway/models/spend-rules.ts';
import type { Healer } from '../../healing/healer.ts';
import type { MachineResources } from '../../healing/machine-resources.ts';
import type { Incident } from '../../healing/ports.ts';
import type { VersionLeak } from '../../healing/version-heaps.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { formatSize } from '../../kernel/units.ts';
import { fingerprintOfWarning, type SeenWarning } from '../../telemetry/warnings/warning.ts';
import { risingWords } from '../bill/billing.ts';
import { type ComparisonNeeds, createComparisons } from './comparisons.ts';
import { type BoundedQuantity, createQuantitySource } from './quantities.ts';
import { createEarlyWarnings, type EarlyWarnings, type EarlyWarningsNeeds, type WarningSource } from './warnings.ts';

interface HostWarningNeeds extends ComparisonNeeds, Omit<EarlyWarningsNeeds, 'sources' | 'store'> {
  store: ComparisonNeeds['store'] & EarlyWarningsNeeds['store'];
  healer: Pick<Healer, 'open' | 'versionLeaks' | 'highMemory'>;
  billing: { ledger: { rising(): readonly SpentBudget[] } };
  /** The memory and disk that the machine has left. */
  room(): Promise<MachineResources>;
  /** The quantities of the host that have limits. */
  quantities(): Promise<readonly BoundedQuantity[]>;
}

/** The early warnings of a host, with all its looks. */
export function createHostWarnings({ healer, billing, room, quantities, ...needs }: HostWarningNeeds): EarlyWarnings {
  return createEarlyWarnings({
    ...needs,
    sources: {
      leaks: leakSource(healer),
      versions: versionSource(healer),
      high: highSource(healer),
      quantities: createQuantitySource({ ...needs, read: quantities }),
      comparisons: createComparisons(needs),
      spend: spendSource(billing.ledger.rising),
      machine: machineSource(room),
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

/** Versions that leak where the version before did not. The way back is a suggestion: figures of memory alone prove no fault. */
function versionSource(healer: Pick<Healer, 'versionLeaks'>): WarningSource {
  return () =>
    healer
      .versionLeaks()
      .filter(({ agent }) => !isDrillAgent(agent))
      .map(versionSeen);
}

function versionSeen({ agent, version, before, leak, limitBytes, at }: VersionLeak): SeenWarning {
  const { usedBytes, perMinuteBytes, leftMs } = leak;
  const held = `${formatSize(usedBytes)} of ${formatSize(limitBytes)}`;
  return {
    fingerprint: fingerprintOfWarning('difference', agent),
    ...{ agent, quantity: 'difference', word: 'leaking', culprit: `version ${version}`, hitsAt: at + leftMs },
    text: `${agent}: version ${version} leaks where ${before} did not: a worker holds ${held}, ${formatSize(perMinuteBytes * 60)} an hour more`,
    next: `daruma versions; daruma rollback ${agent} goes back to ${before}`,
  };
}

/** Agents that hold 70 % of their limit between jobs. */
function highSource(healer: Pick<Healer, 'highMemory'>): WarningSource {
  return () =>
    healer
      .highMemory()
      .filter(({ agent }) => !isDrillAgent(agent))
      .map(({ agent, bytes, limitBytes }) => ({
        fingerprint: fingerprintOfWarning('memory', agent),
        ...{ agent, quantity: 'memory', word: 'rising', hitsAt: null },
        text: `${agent} holds ${Math.floor((bytes / limitBytes) * 100)} % of its memory between jobs: ${formatSize(bytes)} of ${formatSize(limitBytes)}`,
        next: `daruma status ${agent}; limits.memory in agents/${agent}.yaml gives it more`,
      }));
}

/** Budgets of models that are nearly spent: of an agent's budgets the one of which most is spent. */
function spendSource(rising: () => readonly SpentBudget[]): WarningSource {
  return () => {
    const share = ({ spent, limit }: SpentBudget) => spent / limit;
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
