import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DrillResult, judgeDrill, ORIGIN_PLAN } from '../../healing/drill-plans.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import type { HostContext } from '../host-context.ts';
import type { DrillNews } from './drill.ts';

const ENDS_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 25;
/** What a recovery may take beyond the pause before the first probe: the spread of those who waited, and the job. */
const BEYOND_PAUSE_MS = 4_000;

/** A server on loopback that is down, a canary that calls it, and the server back: what is measured is the way back. */
export async function originDrill(hostContext: HostContext, tell: (news: DrillNews) => void): Promise<DrillResult> {
  const { time, jobs, store, outbound, healer, settings } = hostContext;
  const { name } = ORIGIN_PLAN;
  const news = (what: DrillNews['what'], text: string) => tell({ drill: name, at: time.now(), what, text });
  let isUp = false;
  const server = createServer((_, response) => response.writeHead(isUp ? 200 : 503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const outage = () => outbound.outageSource.outages().find((one) => one.origin === origin);
  try {
    const input = JSON.stringify(origin);
    const faultAt = time.now();
    const [added] = await jobs.add([{ agent: drillAgent(ORIGIN_PLAN.name), trigger: 'manual', input, attempts: 2 }]);
    const id = added!.id;
    news('fault', `${id} calls ${origin}, which answers 503`);
    const waits = await until(async () => (await store.get(id))?.state === 'retrying' && outage() !== undefined);
    const seen = outage()?.failures.at(-1)?.what ?? null;
    const detectMs = waits ? time.now() - faultAt : null;
    if (waits) news('seen', `${id} waits for ${origin}: ${seen}`);
    isUp = true;
    const backAt = time.now();
    await jobs.finished(id, AbortSignal.timeout(ENDS_WITHIN_MS)).catch(() => undefined);
    const job = (await store.get(id))!;
    const isWell = job.state === 'done' && job.failures.length === 0;
    if (isWell) news('repaired', `attempt ${job.attempt} of ${id} is done, and none was lost`);
    const healed = await until(() => !healer.open().some(({ seen }) => seen.startsWith(origin)), 5_000);
    const first = settings.origins['*']?.pause?.first;
    const promisedMs = first === undefined ? ORIGIN_PLAN.promisedMs : 1.25 * first + BEYOND_PAUSE_MS;
    const found = { detectMs, repairMs: isWell ? Math.max(0, job.finishedAt! - backAt) : null, seen };
    const result = judgeDrill({ ...ORIGIN_PLAN, promisedMs }, { ...found, lost: isWell ? 0 : 1, left: healed ? 0 : 1 });
    news('done', result.ok ? 'the promise is kept' : 'the promise is broken');
    return result;
  } finally {
    outbound.outageSource.forget(origin);
    server.closeAllConnections();
    server.close();
  }

  async function until(holds: () => Promise<boolean> | boolean, withinMs = ENDS_WITHIN_MS): Promise<boolean> {
    const deadline = time.monotonic() + withinMs;
    while (time.monotonic() < deadline) {
      if (await holds()) return true;
      await time.sleep(LOOK_EVERY_MS);
    }
    return false;
  }
}
