import { fenceDifference } from '../fence/status.ts';
import type { FenceReport, FenceTerms } from '../fence/terms.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { FromCell, ToCell } from './wire.ts';

/** Messages of a cell about its workers, once its fences are up. */
export type FencedMessage = Exclude<FromCell, { say: 'fenced' }>;

interface FenceGateNeeds {
  pid(): number | undefined;
  post(message: ToCell): void;
  receive(messages: FencedMessage[]): void;
  /** The fault of a cell that may run nothing, from its report and from what the kernel says otherwise; undefined: the cell may run. */
  check(report: FenceReport, difference: string | undefined): PlainFault | undefined;
  /** The process has to be ended. */
  failed(fault: PlainFault): void;
}

/** Stands between host and cell: nothing but the terms goes in before the cell has shut itself in by them. */
export interface FenceGate {
  /** The report of the cell; undefined until its fences are up. */
  report(): FenceReport | undefined;
  /** Tells the cell to shut itself in. Once. */
  shut(terms: FenceTerms): void;
  post(message: ToCell): void;
  receive(messages: FromCell[]): void;
}

export function createFenceGate(needs: FenceGateNeeds): FenceGate {
  let report: FenceReport | undefined;
  const waiting: ToCell[] = [];

  function decide(said: FenceReport) {
    if (report) return;
    const fault = needs.check(said, fenceDifference(needs.pid() ?? 0, said));
    if (fault) return needs.failed(fault);
    report = said;
    for (const message of waiting.splice(0)) needs.post(message);
  }

  return {
    report: () => report,
    shut: (terms) => needs.post({ do: 'fence', terms }),
    post(message) {
      if (report || message.do === 'end') needs.post(message);
      else waiting.push(message);
    },
    receive(messages) {
      for (const message of messages) if (message.say === 'fenced') decide(message.report);
      const rest = messages.filter((message) => message.say !== 'fenced');
      if (rest.length > 0) needs.receive(rest);
    },
  };
}
