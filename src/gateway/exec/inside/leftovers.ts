import { readStat } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import type { BrokerTerms } from '../wire.ts';
import { leftoversOf, lineOf, processName } from './members.ts';
import { createProcessTable } from './process-table.ts';
import { send, sendToGroup } from './signals.ts';

const LOOK_EVERY_MS = 20;
/** What SIGKILL does not end in this time sits in the kernel, and ends with what it waits for. */
const WITHIN_MS = 3_000;

/** Kills what an earlier broker left, until nothing of it is seen. Resolves with the number of processes. */
export async function killLeftovers(terms: BrokerTerms): Promise<number> {
  if (terms.leftovers.length === 0) return 0;
  const processTable = createProcessTable();
  const outside = readStat(process.pid)?.session ?? 0;
  const killed = new Set<string>();
  for (let left = WITHIN_MS; left > 0; left -= LOOK_EVERY_MS) {
    const processes = processTable.look();
    const spared = lineOf(processes, process.pid);
    const found = leftoversOf(processes, terms.leftovers, { installation: terms.installation, outside, spared });
    if (found.length === 0) break;
    for (const one of found) {
      killed.add(processName(one));
    }
    // By group, so that what is forked between the look and the kill dies with the rest.
    for (const group of new Set(found.map((one) => one.group))) sendToGroup(group, 'SIGKILL');
    for (const one of found) send(one, 'SIGKILL');
    await machineTime.sleep(LOOK_EVERY_MS);
  }
  return killed.size;
}
