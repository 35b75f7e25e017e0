/**
 * The web process: everything that speaks HTTP for people. A child of the host, which it knows by one pipe only; it shuts itself in before it
 * listens, reads the store and writes nothing, and ends with its host.
 */
import { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WEB_CHANNEL_FD, type WebTerms } from '../control/web-channel.ts';
import { collectHeap } from '../fence/collect-heap.ts';
import { openTrim } from '../fence/kernel.ts';
import { putUpFence } from '../fence/put-up.ts';
import { endOnUncaught, endProcess } from '../kernel/end-process.ts';
import { Fault, toPlainFault } from '../kernel/fault.ts';
import { MINUTE_MS } from '../kernel/measures.ts';
import { packageFile } from '../kernel/paths.ts';
import { OOM_SCORES, raiseOomScore } from '../kernel/proc.ts';
import { machineTime } from '../kernel/time.ts';
import { addActs } from './acts.ts';
import { createApp } from './app.ts';
import { readAssets } from './assets.ts';
import { createFlashes } from './flashes.ts';
import { pageAddress } from './guard.ts';
import { openHostLink } from './host-link.ts';
import { addJobDownload } from './job-download.ts';
import { createLive } from './live.ts';
import { addLogDownloads } from './log-download.ts';
import { createLogTail } from './log-tail.ts';
import { createMcpRoute } from './mcp.ts';
import { KIT } from './pages/index.tsx';
import { createReader } from './reader.ts';
import { createReads } from './reads.ts';
import { ROUTES } from './routes.ts';
import { type PageServer, serve } from './server.ts';
import { addSigning } from './signing.ts';

/** V8 lets the garbage of pages grow to half of the bound before it collects it; each time costs some 10 ms. */
const COLLECT_EACH_MS = 5 * MINUTE_MS;

const time = machineTime;
let server: PageServer | undefined;
let begun = false;

const link = openHostLink(new Socket({ fd: WEB_CHANNEL_FD, readable: true, writable: true }), {
  time,
  begin(terms) {
    if (begun) return;
    begun = true;
    begin(terms).catch((error: unknown) => {
      const { stack: _, ...fault } = toPlainFault(error);
      link.send({ say: 'failed', fault });
    });
  },
  clients: () => server?.clients() ?? 0,
  gone(why) {
    if (why) process.stderr.write(`${why.message}\n`);
    endProcess();
  },
});
endOnUncaught();
raiseOomScore(OOM_SCORES.web);

async function begin(terms: WebTerms): Promise<void> {
  const assets = readAssets();
  // Taken now: behind the fence the process gets no function of the machine any more.
  const trim = openTrim();
  shutIn(terms);
  const giveBack = () => {
    reader.forget();
    collectHeap();
    trim?.();
  };
  const reads = createReads({ time, folder: terms.folder, stuck: endProcess, idle: giveBack });
  const reader = createReader({ time, link, reads, parent: terms.parent });
  repeat(giveBack);
  const logs = resolve(terms.folder, terms.logs);
  const live = createLive({ time, link, reader, tail: createLogTail({ time, folder: logs }) });
  const address = { hosts: new Set<string>(), origins: new Set<string>() };
  const failed = (error: unknown) => process.stderr.write(`${toPlainFault(error).stack ?? String(error)}\n`);
  const { folder } = terms;
  const needs = {
    failed,
    mcp: createMcpRoute({ time, link, reader, folder, failed }),
    ...{ time, link, reader, live, assets, address, kit: KIT, routes: ROUTES },
    flashes: createFlashes(time),
    terms: {
      zone: terms.zone,
      cookie: terms.cookie,
      isSecure: terms.origin?.startsWith('https:') === true,
      isPublic: terms.origin !== null && !terms.publicMetrics,
    },
  };
  const app = createApp(needs);
  addActs(app, needs);
  addJobDownload(app, needs);
  addLogDownloads(app, needs, logs);
  addSigning(app, needs);
  server = await serve(terms, app.fetch);
  const own = pageAddress({ ...terms, port: server.port });
  for (const host of own.hosts) address.hosts.add(host);
  for (const origin of own.origins) address.origins.add(origin);
  link.send({ say: 'listening', port: server.port });
}

function repeat(call: () => void): void {
  time.after(COLLECT_EACH_MS, () => {
    call();
    repeat(call);
  });
}

/** Lets this process read its own code and the store, and listen; by the kernel, too, where that can. */
function shutIn({ folder, store, logs, ports, parent }: WebTerms): void {
  // The zone is read from files that the fence closes.
  new Date().getTimezoneOffset();
  const own = ['dist', 'package.json'].map((path) => fileURLToPath(packageFile(path)));
  const files = ['AGENTS.md', 'config', 'data/config', 'data/versions'].map((path) => join(folder, path));
  const read = [
    ...own,
    ...files,
    ...[store, `${store}-wal`, `${store}-shm`, logs].map((path) => resolve(folder, path)),
  ];
  const { fence, tried } = putUpFence({ read, write: [], ports: [], listen: ports, parent });
  if (fence === 'none')
    throw new Fault({
      code: 'FENCE_OPEN',
      message: `a fence of the page does not hold: ${JSON.stringify(tried)}`,
      next: 'daruma doctor',
    });
}
