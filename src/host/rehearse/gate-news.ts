import type { Healer } from '../../healing/healer.ts';
import type { Events } from '../../telemetry/events.ts';
import type { GateNews } from './gate.ts';

/** What is told of a version that did not pass the gate: one incident of healing, and an event. */
export function tellRefused(events: Events, healer: Pick<Healer, 'report'>): (news: GateNews) => void {
  return ({ bad, good, why, fault }) => {
    const agent = bad.name;
    const [id, goodId] = [bad.version.id, good.version.id];
    const seen = `version ${id.slice(0, 8)} ${why}`;
    const force = `daruma rollback ${agent} ${id.slice(0, 8)} --force`;
    const { file, line } = fault;
    healer.report(
      {
        agent,
        verdict: 'bad-version',
        because: {
          code: 'BAD_VERSION',
          message: seen,
          ...(file === undefined ? {} : { file }),
          ...(line === undefined ? {} : { line }),
          data: { code: fault.code },
        },
        seen,
        version: id,
      },
      `it took no job, ${goodId.slice(0, 8)} goes on; to force it: ${force}`,
    );
    events.record('warn', {
      kind: 'version.rolled-back',
      agent,
      message: `${agent}: ${seen}; ${goodId.slice(0, 8)} goes on`,
      data: { bad: id, good: goodId, reason: 'rehearsal', force },
    });
  };
}
