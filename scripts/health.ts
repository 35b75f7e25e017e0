/** Writes docs/health.md from the rows of reasons; a test keeps the page as they are. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HEALTH_REASONS } from '../src/operations/health-reasons.ts';
import { METRICS } from '../src/operations/metrics.ts';

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

const HTTP = `## Over HTTP

The page's own process answers \`GET /livez\`, \`/readyz\` and \`/healthz\` with 200 or 503 and JSON, \`{ "state": "down", "reasons": [{ "code", "who", "text" }] }\`, and asks nobody to sign in. The page asks the host with a deadline of 0.9 s, so a host that is frozen is \`HOST_SILENT\` a second later; a host that is gone takes the page along, and there is no answer: take that for red. \`text\` is the sentence of the
table, since anybody on this machine may ask: the words of an error are in \`daruma health\`.

\`GET /metrics\` is the text format of Prometheus (version 0.0.4). Where the host does not answer, it is \`daruma_up 0\` alone.

<!-- for Prometheus -->
\`\`\`yaml
scrape_configs:
  - job_name: daruma
    static_configs: [{ targets: ["127.0.0.1:7070"] }]
\`\`\`

Any process that may connect to 127.0.0.1 may read both; they have names of agents in them, no values. With \`web.origin\`, where a server with TLS hands on what the world asks, probes show their state alone and
\`/metrics\` is refused (403), unless \`web.metrics: public\` in config/daruma.yaml says that they are for everybody.

Counters begin at 0 with each start of the host, as Prometheus expects of a process: \`rate()\` and \`increase()\` see the start and go on. Sums out of the store would shrink whenever it forgets old days, which they would take for a start, and count all of it again. Durations are a histogram with its exact sum. Labels are names of agents in force (500 at most), loops and words of these tables: nothing that a job says.`;

const PINGS = `## Programs outside

A program that is no agent, such as a backup on another machine, can say that it lives:

\`\`\`sh
curl -fsS -X POST -H "Authorization: Bearer $(cat data/ping.token)" "http://127.0.0.1:7070/ping/nas?within=25h"
\`\`\`

From its first ping on it is late (\`PING_LATE\`, in health, in status and at \`/healthz\`) when it is silent for longer than \`within\` says; without \`within\`, for 15 minutes. The name is up to 64 letters, digits, dots,
hyphens and underscores; 200 programs may ping. Pings are kept in the store and written at once. The token lies in \`data/ping.token\` (mode 0600), stays over restarts, and is good for nothing else; remove the file and start
again for a new one. Only POST pings: what is read writes nothing. \`daruma health --forget nas\` ends the wait.`;

const SUMS = `## What agents did

The operation [\`trends\`](operations.md#trends) reads windows of 24 hours, 7, 30 and 90 days: jobs by outcome, the share that was done, the share of attempts that failed, durations, lateness, memory. The operation reads sums: of minutes (kept 2 days), hours (90 days) and days (2 years), by UTC. Minutes are counted in the transaction that writes the end of an attempt, so they are right after any crash; hours and
days are made of them once a minute. Durations are kept as a sketch of buckets that grow by the same factor (DDSketch: Masson, Rim, Lee, VLDB 2019), whose quantiles are within 2 % of the true ones.

The operation [\`hostLoad\`](operations.md#hostload) reads workers, workers with a job and waiting jobs over the same windows. The meter measures them each minute ([metrics.md](metrics.md)), and a point is the most of its stretch.`;

const SIGNS = `## Signs of life

The store has the last sign of life of each loop of the host, each agent (the end of its last attempt, and its last beat) and each program outside that pings. The host writes what has
changed every 10 s in one call, which is also how it sees that the store takes writes; a ping is written at once. A host that is gone leaves them behind: \`daruma health\` reads them then.`;

/** The whole page. */
export function healthPage(): string {
  const rows = Object.entries(HEALTH_REASONS).map(
    ([code, { probe, who, about }]) => `| \`${code}\` | \`${probe}\` | ${who} | ${about} |`,
  );
  const reasons = ['| code | probe | who | |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const metrics = Object.entries(METRICS).map(
    ([name, { kind, labels, help }]) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  const metricTable = ['| metric | kind | labels | |', '| --- | --- | --- | --- |', ...metrics].join('\n');
  return `${[HEAD, reasons, HTTP, metricTable, PINGS, SUMS, SIGNS].join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../docs/health.md'), healthPage());
