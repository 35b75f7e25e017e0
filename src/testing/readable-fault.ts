import { Fault, locationOf, type PlainFault } from '../kernel/fault.ts';

/** A fault whose message holds its place, its frame and its next step, too: a test runner shows the message and nothing else. */
export function readableFault(fault: PlainFault): Fault {
  const place = locationOf(fault);
  const lines = [
    `${place ? `${place} ` : ''}${fault.message}`,
    ...(fault.frame ? [fault.frame.trimEnd()] : []),
    ...(fault.next ? [`→ ${fault.next}`] : []),
  ];
  return new Fault({ ...fault, message: lines.join('\n') });
}
