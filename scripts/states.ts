/** Writes docs/states.md from the step functions; a test keeps the page as they are. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partOf } from './states/machine.ts';
import { attempt, breaker, job, slot, worker } from './states/machines.ts';

const HEAD = `# States

Printed from the step functions by \`npm run states\`; do not edit. Each of them is pure: a state and an event give the
next state. A column is an example of a state, a row an example of an event, and a cell what becomes of it; \`·\` means that
the event does not fit (it is late, or of another attempt) and nothing changes. Times are plain numbers here.

What the functions promise is tested on 10,000 random histories each, and the store is compared with them after every
call: \`test/jobs/states.test.ts\`, \`test/schedule/slot-states.test.ts\`, \`test/store/histories.test.ts\`, \`test/gateway/breaker.test.ts\`. That these tests
fail when a guard is taken away is shown by \`npm run mutate\`.`;

/** The whole page. */
export function statesPage(): string {
  return `${[HEAD, partOf(job), partOf(attempt), partOf(slot), partOf(worker), partOf(breaker)].join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../docs/states.md'), statesPage());
