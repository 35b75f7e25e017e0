/** Writes docs/health.md from the rows of reasons; a test keeps the page as they are. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HEALTH_REASONS } from '../src/operations/health-reasons.ts';

const HEAD = `# Health

Printed from the rows in the sources by \`npm run health\`; do not edit.

\`daruma health\` asks the running host whether it lives, works and is well. Its exit code is 0 when all is well, 3 when not, and 4 when no host answers; with \`--json\`
it prints \`{ state, live, ready, reasons, loops, agents, pings }\` ([operations.md](operations.md#health)).

| probe | red when | what to do by machine |
| --- | --- | --- |
| \`livez\` | no host answers, or a loop of it stands still | start it again |
| \`readyz\` | the host takes or runs no work, or is not live | send it no work; wait |
| \`healthz\` | something of it wants somebody, or it is not ready | tell a person |

The host judges anew at each question, so a probe is green again as soon as its cause is gone. State is \`ok\` without a reason, \`degraded\` with reasons of \`healthz\` alone, \`down\` with others.

## Reasons

\`code\` is stable for scripts; \`who\` names a loop, an agent, a server or a part of the host; \`text\` is a sentence for people.`;

const SIGNS = `## Signs of life

The store has the last sign of life of each loop of the host, each agent (the end of its last attempt, and its last beat) and each program outside that pings. The host writes what has
changed every 10 s in one call, which is also how it sees that the store takes writes; a ping is written at once. A host that is gone leaves them behind: \`daruma health\` reads them then.`;

/** The whole page. */
export function healthPage(): string {
  const rows = Object.entries(HEALTH_REASONS).map(
    ([code, { probe, who, about }]) => `| \`${code}\` | \`${probe}\` | ${who} | ${about} |`,
  );
  const reasons = ['| code | probe | who | |', '| --- | --- | --- | --- |', ...rows].join('\n');
  return `${[HEAD, reasons, SIGNS].join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../docs/health.md'), healthPage());
