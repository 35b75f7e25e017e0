import type { JobRecords } from '../../jobs/ports.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import type { ReportView } from '../../operations/results/report.ts';
import type { Ops } from '../../operations/table.ts';
import type { FleetAgent } from '../../plugin/fleet.ts';
import { type IncidentReads, incidentViews, withoutDrills } from '../api/incidents.ts';
import { instantOf } from '../api/known.ts';
import { type BillNeeds, billsOf } from '../bill/bills.ts';
import { drillWords } from '../models/model-drills.ts';
import { viewWarnings, type WarningReads } from '../warnings/op.ts';
import { hourCounts } from './counts.ts';
import { type FigureNeeds, figuresOf } from './figures.ts';

interface ReportNeeds extends FigureNeeds, Pick<BillNeeds, 'timezone'>, Pick<WarningReads, 'earlyWarnings'> {
  store: WarningReads['store'] &
    BillNeeds['store'] &
    FigureNeeds['store'] &
    IncidentReads &
    Pick<JobRecords, 'deadByCause'>;
}

const MOST_INCIDENTS = 1_000;

/** The operation `report`, whether the host runs or not: a period beside the one before it, and what is to be done now. */
export function reportLookup(needs: ReportNeeds) {
  const { time, store } = needs;
  return {
    async report({ from: fromText, to: toText }: Ops['report']['read']): Promise<ReportView> {
      const to = toText === undefined ? time.now() : instantOf(toText);
      const from = fromText === undefined ? to - DAY_MS : instantOf(fromText);
      const figures = await figuresOf(needs, from, to);
      const [before, slotsBefore, ended, open, dead, bills] = await Promise.all([
        hourCounts(store, 2 * from - to, from),
        store.slotFigures(2 * from - to, from),
        store.incidents({ ...withoutDrills(), since: from, limit: MOST_INCIDENTS }),
        store.incidents({ ...withoutDrills(), states: ['open', 'escalated'], limit: MOST_INCIDENTS }),
        store.deadByCause(),
        billsOf(needs, {}),
      ]);
      const healed = ended.filter(({ state, endedAt }) => state === 'healed' && endedAt! >= from && endedAt! < to);
      return {
        ...figures,
        totals: totalsOf(figures.agents),
        before: {
          from: isoOf(2 * from - to),
          ...totalsOf(before.filter(({ agent }) => !isDrillAgent(agent)).map((one) => ({ ...NO_SLOTS, ...one }))),
          slotsKept: slotsBefore.reduce((sum, { kept }) => sum + kept, 0),
          slotsMissed: slotsBefore.reduce((sum, { missed }) => sum + missed, 0),
        },
        drills: (await drillWords(store)).map(({ tookMs: _, ...drill }) => drill),
        warnings: await viewWarnings(needs),
        open: await incidentViews(needs, open),
        healed: await incidentViews(needs, healed),
        bills,
        dead: dead
          .filter(({ agent }) => !isDrillAgent(agent))
          .map(({ cause, agent, count, example }) => ({ cause, agent, count, message: example.error?.message ?? '' })),
      };
    },
  };
}

const NO_SLOTS = { restarts: 0, slotsKept: 0, slotsMissed: 0 };

type Counts = Pick<FleetAgent, 'done' | 'dead' | 'failedAttempts' | 'restarts' | 'slotsKept' | 'slotsMissed'>;

function totalsOf(agents: readonly Counts[]): ReportView['totals'] {
  const sum = (of: keyof Counts) => agents.reduce((all, agent) => all + agent[of], 0);
  const [done, dead] = [sum('done'), sum('dead')];
  return {
    ...{ done, dead, success: done + dead === 0 ? null : done / (done + dead) },
    failedAttempts: sum('failedAttempts'),
    restarts: sum('restarts'),
    slotsKept: sum('slotsKept'),
    slotsMissed: sum('slotsMissed'),
  };
}
