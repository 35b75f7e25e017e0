import type { DrillNewsView, DrillView } from '../../control/protocol.ts';
import { DRILL_PLANS, ORIGIN_PLAN } from '../../healing/drill-plans.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import { Fault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { OpTable } from '../door/handlers.ts';
import { iso } from '../door/views.ts';
import type { House } from '../house.ts';
import { CLOCK_PLAN, clockDrill } from './clock-drill.ts';
import { type DrillNews, drill } from './drill.ts';
import { originDrill } from './origin-drill.ts';
import { SCRATCH_PLANS, scratchDrill } from './scratch-drills.ts';

const NAMES = [...DRILL_PLANS, ORIGIN_PLAN, CLOCK_PLAN, ...SCRATCH_PLANS].map(({ name }) => name);

/** The op that drills. One drill at a time: what they measure would be each other. */
export function drillOp(house: House): Pick<OpTable, 'drill'> {
  let busy = false;
  return {
    async drill({ names = NAMES }, { item }) {
      for (const name of names) if (!NAMES.includes(name)) throw unknown(name);
      if (busy) throw new Fault({ code: 'DRILL_BUSY', message: 'a drill is under way already', next: 'wait for it' });
      busy = true;
      try {
        await house.canaries.ready();
        const results: DrillView[] = [];
        for (const name of names) results.push(await one(name, item));
        return results;
      } finally {
        busy = false;
      }
    },
  };

  async function one(name: string, item: (item: DrillNewsView) => boolean): Promise<DrillView> {
    const plan = DRILL_PLANS.find((candidate) => candidate.name === name);
    const pass = ({ at, ...news }: DrillNews) => void item({ ...news, at: iso(at) });
    if (plan) return drill(house, plan, pass);
    if (name === ORIGIN_PLAN.name) return originDrill(house, pass);
    const tell = (what: DrillNewsView['what'], text: string) =>
      item({ drill: name, at: iso(house.time.now()), what, text });
    tell('started', name === CLOCK_PLAN.name ? 'a schedule of its own' : 'a Daruma of its own');
    const apart = SCRATCH_PLANS.find((candidate) => candidate.name === name);
    const canary = house.canaries.agents().get(drillAgent(DRILL_PLANS[0]!.name))!;
    const result = apart
      ? await scratchDrill(apart, house.time)
      : await clockDrill(house.store, { ...canary, name: drillAgent(CLOCK_PLAN.name) }, house.time);
    tell('done', result.skipped ?? (result.ok ? 'the promise is kept' : 'the promise is broken'));
    return result;
  }
}

function unknown(name: string): Fault {
  const near = suggest(name, NAMES);
  return new Fault({
    code: 'DRILL_UNKNOWN',
    message: `there is no drill ${name}`,
    next: near ? `did you mean ${near}?` : `one of ${NAMES.join(', ')}`,
  });
}
