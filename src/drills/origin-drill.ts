import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DrillView } from '../control/protocol.ts';
import { drillAgent } from '../kernel/drill-agents.ts';
import type { DrillHost } from './canaries.ts';
import { drillEndOf, type Report } from './canary-drill.ts';
import { drillView, ORIGIN_PLAN } from './plans.ts';
import { until } from './until.ts';

const SEEN_WITHIN_MS = 60_000;
const HEALED_WITHIN_MS = 5_000;
/** The time that a recovery may take beyond the pause before the first probe: the spread of the waiting jobs, and the job. */
const BEYOND_PAUSE_MS = 4_000;

/** A server on loopback that is down, a canary that calls it, and the server back: the drill measures the way back. */
export async function originDrill(host: DrillHost, report: Report): Promise<DrillView> {
  const { client, time } = host;
  let isUp = false;
  const server = createServer((_, response) => response.writeHead(isUp ? 200 : 503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const faultAt = time.monotonic();
    const { id } = await client.ask('run', { agent: drillAgent(ORIGIN_PLAN.name), input: origin, attempts: 2 });
    report('fault', `${id} calls ${origin}, which answers 503`);
    const waits = await until(time, SEEN_WITHIN_MS, async () => (await waitsFor(host, id)) === origin);
    const seen = waits ? await lastFailure(host, origin) : null;
    const detectMs = waits ? time.monotonic() - faultAt : null;
    if (waits) report('seen', `${id} waits for ${origin}: ${seen}`);
    isUp = true;
    const backAt = time.now();
    const job = await drillEndOf(host, id);
    const isWell = job.state === 'done' && (job.failures ?? []).length === 0;
    if (isWell) report('repaired', `attempt ${job.attempt} of ${id} is done, and none was lost`);
    const isHealed = await until(time, HEALED_WITHIN_MS, async () => !(await isOpen(host, origin)));
    return drillView(await planOf(host), {
      detectMs,
      repairMs: isWell ? Math.max(0, Date.parse(job.finishedAt!) - backAt) : null,
      lost: isWell ? 0 : 1,
      left: isHealed ? 0 : 1,
      seen,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The origin that a job waits for; undefined while it waits for none. */
async function waitsFor({ client }: DrillHost, id: string): Promise<string | undefined> {
  const job = await client.ask('job', { id });
  return job.state === 'retrying' ? (job.waitsFor ?? undefined) : undefined;
}

/** The newest failure of an origin, in words. */
async function lastFailure({ client }: DrillHost, origin: string): Promise<string | null> {
  const { origins = [] } = await client.ask('status', {});
  return origins.find((known) => known.origin === origin)?.last?.what ?? null;
}

async function isOpen({ client }: DrillHost, origin: string): Promise<boolean> {
  const incidents = await client.ask('incidents', { open: true, drills: true });
  return incidents.some(({ seen }) => seen.startsWith(origin));
}

/** The settings of the host may make the pause before the first probe longer. */
async function planOf({ client }: DrillHost) {
  const { values } = await client.ask('configShow', {});
  const first = values.find(({ path }) => path === 'origins.*.pause.first')?.value;
  return typeof first === 'number' ? { ...ORIGIN_PLAN, promisedMs: 1.25 * first + BEYOND_PAUSE_MS } : ORIGIN_PLAN;
}
