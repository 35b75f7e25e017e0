import { rmSync } from 'node:fs';
import type { RehearsedView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import type { OpTable } from '../api/handlers.ts';
import { partsOf } from '../backup/parts.ts';
import { createFleet } from '../fleet.ts';
import type { HostContext } from '../host-context.ts';
import { draftPlace, plansOf } from './plan.ts';
import { rehearse } from './rehearse.ts';
import { openRoom } from './room.ts';

/** The op that rehearses. One at a time: each has a process of its own. */
export function rehearseOp(hostContext: HostContext): Pick<OpTable, 'rehearse'> {
  const { time, store, catalog, states, facts } = hostContext;
  const { secrets } = hostContext.setup;
  const agents = () => catalog.agents();
  const parts = () => partsOf(catalog, facts);
  const listings = () => catalog.listings();
  const fleet = createFleet({ time, store, listings, agents, states: states.all, parts, facts });
  let isBusy = false;

  return {
    async rehearse({ name, last, file, against, live }, { item, gone }) {
      if (isBusy) {
        throw new Fault({ code: 'REHEARSAL_BUSY', message: 'a rehearsal is under way already', next: 'wait for it' });
      }
      isBusy = true;
      try {
        const ask = { name, ...(file === undefined ? {} : { file }), ...(against === undefined ? {} : { against }) };
        const plans = await plansOf(hostContext, ask);
        const room = await openRoom({ time, folder: facts.folder, secrets });
        const jobs: RehearsedView[] = [];
        // Whoever does not wait for it any more needs no end of the attempt that runs.
        const leave = () => void room.close();
        gone.addEventListener('abort', leave);
        try {
          for (const plan of plans) {
            for await (const job of rehearse({ time, store, agents, fleet, room, secrets }, plan, {
              last,
              live,
              gone,
            })) {
              jobs.push(job);
              item(job);
            }
          }
        } finally {
          gone.removeEventListener('abort', leave);
          await room.close();
        }
        return {
          agents: plans.map(({ candidate: { agent }, against: other }) => ({
            agent: agent.name,
            version: agent.version.id,
            against: other?.agent.version.id ?? null,
            file: file ?? null,
          })),
          live,
          jobs,
        };
      } finally {
        rmSync(draftPlace(facts.folder), { recursive: true, force: true });
        isBusy = false;
      }
    },
  };
}
