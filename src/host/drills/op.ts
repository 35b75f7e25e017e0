import type { DrillNewsView, DrillView } from '../../control/protocol.ts';
import { DRILL_PLANS, ORIGIN_PLAN } from '../../healing/drill-plans.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import { Fault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { OpTable } from '../api/handlers.ts';
import { iso } from '../api/views.ts';
import type { HostContext } from '../host-context.ts';
import { CLOCK_PLAN, clockDrill } from './clock-drill.ts';
import { type DrillNews, drill } from './drill.ts';
import { originDrill } from './origin-drill.ts';
import { SCRATCH_PLANS, scratchDrill } from './scratch-drills.ts';

const NAMES = [...DRILL_PLANS, ORIGIN_PLAN, CLOCK_PLAN, ...SCRATCH_PLANS].map(({ name }) => name);

/** The op that drills. One drill at a time: what they measure would be each other. */
export function drillOp(hostContext: HostContext): Pick<OpTable, 'drill'> {
  let busy = false;
  return {
    async drill({ names = NAMES }, { item }) {
      for (const name of names) if (!NAMES.includes(name)) throw unknown(name);
      if (busy) throw new Fault({ code: 'DRILL_BUSY', message: 'a drill is under way already', next: 'wait for it' });
      busy = true;
      try {
        await hostContext.canaries.ready();
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
    if (plan) return drill(hostContext, plan, pass);
    if (name === ORIGIN_PLAN.name) return originDrill(hostContext, pass);
    const tell = (what: DrillNewsView['what'], text: string) =>
      item({ drill: name, at: iso(hostContext.time.now()), what, text });
    tell('started', name === CLOCK_PLAN.name ? 'a schedule of its own' : 'a Daruma of its own');
    const apart = SCRATCH_PLANS.find((candidate) => candidate.name === name);
    const canary = hostContext.canaries.agents().get(drillAgent(DRILL_PLANS[0]!.name))!;
    const result = apart
      ? await scratchDrill(apart, hostContext.time)
      : await clockDrill(hostContext.store, { ...canary, name: drillAgent(CLOCK_PLAN.name) }, hostContext.time);
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
