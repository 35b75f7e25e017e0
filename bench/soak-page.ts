/**
 * Pages that stay open: a host with twenty agents, Chromium with the overview and the jobs, and ten streams that come
 * and go. Each minute the memory of host, page's process, broker and open pages is read, that of host and pages after a
 * collection of garbage. A second host with the same agents and no page shows what of the growth is the agents' own.
 *
 *   npm run build && npm run soak:page [minutes]
 *
 * Default: 60. Says for each series how much it grows per hour and whether it is flat (see `page/flat.ts`), and writes
 * bench/results/soak-page.json after each minute. Ends with 1 when a series of a full run is not flat.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { requiredProgram } from '../test/programs.ts';
import { machineFacts } from './machine.ts';
import { trendOf } from './page/flat.ts';
import { childrenOf, memoryOf, openPageFleet, signIn, writeFiles } from './page/fleet.ts';
import { openStream } from './page/streams.ts';
import { type DarumaHost, openDaruma } from './reload/daruma-host.ts';
import { collecting } from './reload/memory.ts';
import { openWorld, until, type World } from './world.ts';

const RESULTS = join(import.meta.dirname, 'results');
const MB = 1024 * 1024;
const STREAMS = 10;
/** A stream is closed after a random time up to this. */
const LONGEST_STREAM_MS = 60_000;
const minutes = Number(process.argv[2] ?? 60);

const plugin = (options: string, body: string) => `import { definePlugin } from 'daruma';
export default definePlugin({ ${options}, async run(context) { ${body} } });
`;
const AGENTS: Record<string, string> = {
  'plugins/tick.ts': plugin(`about: 'Does next to nothing.'`, `context.log.info('ticked'); return { at: Date.now() };`),
  'plugins/flaky.ts': plugin(
    `about: 'Fails now and then.', schedule: '*/10 * * * * *', limits: { attempts: 2, backoff: { first: '1s' } }`,
    `if (context.job.attempt === 1 && Math.random() < 0.1) throw new Error('the feed broke off'); return 1;`,
  ),
  'plugins/command.ts': plugin(
    `about: 'Starts a command.', schedule: '*/10 * * * * *', needs: { exec: ['true'] }`,
    `await context.exec('true', []); return 1;`,
  ),
};
for (let at = 0; at < 18; at++)
  AGENTS[`agents/tick-${at}.yaml`] = `about: A tick.\nplugin: tick\nschedule: "*/${at % 3 === 0 ? 10 : 5} * * * * *"\n`;

/** The least growth per hour that counts, by the unit at the end of a series' name. */
const LEAST: Readonly<Record<string, number>> = { Mb: 2, Nodes: 50, Listeners: 10 };
const series = new Map<string, { minute: number; value: number }[]>();

function note(minute: number, values: Readonly<Record<string, number | undefined>>) {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    series.set(name, [...(series.get(name) ?? []), { minute, value: Math.round(value * 100) / 100 }]);
  }
}

/** What a host has resident, and its JavaScript data, after a collection, in MB. */
async function hostFigures({ pid }: DarumaHost, { folder }: World) {
  const file = collecting(folder).env.BENCH_HEAP;
  const told = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as { times: number; data: number };
    } catch {
      return { times: 0, data: 0 };
    }
  };
  const { times } = told();
  process.kill(pid, 'SIGUSR2');
  const isDone = await until(30_000, () => told().times > times);
  return { rssMb: memoryOf(pid)?.rssMb, heapMb: isDone ? told().data / MB : undefined };
}

/** Heap, nodes and listeners of an open page, after a collection. */
async function pageFigures(name: string, session: CDPSession) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (metric: string) => metrics.find((one) => one.name === metric)?.value;
  const heap = of('JSHeapUsedSize');
  return {
    [`${name}HeapMb`]: heap === undefined ? undefined : heap / MB,
    [`${name}Nodes`]: of('Nodes'),
    [`${name}Listeners`]: of('JSEventListeners'),
  };
}

async function watched(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  return session;
}

const world = openWorld('soak-page');
const twinWorld = openWorld('soak-page-twin');
const counts = { streamsOpened: 0, events: 0, pagesFetched: 0, pagesFailed: 0, webLost: 0 };
let browser: Browser | undefined;
let isOver = false;

async function comeAndGo(origin: string, cookie: string) {
  while (!isOver) {
    const stream = openStream(origin, cookie, () => (counts.events += 1));
    counts.streamsOpened += 1;
    const answer = await fetch(`${origin}/`, { headers: { cookie } }).catch(() => undefined);
    await answer?.text().catch(() => '');
    counts.pagesFetched += 1;
    if (answer?.status !== 200) counts.pagesFailed += 1;
    await Promise.race([sleep(Math.random() * LONGEST_STREAM_MS), stream.over]);
    stream.close();
    await sleep(500);
  }
}

try {
  const { options, env } = collecting(world.folder);
  const fleet = await openPageFleet(world, AGENTS, { options, env });
  const { host, origin } = fleet;
  writeFiles(twinWorld, AGENTS);
  const twinTerms = collecting(twinWorld.folder);
  const twin = await openDaruma(twinWorld, twinTerms.options, { DARUMA_WEB: 'off', ...twinTerms.env });
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  browser = await chromium.launch({ executablePath: requiredProgram('chromium'), args, env: world.env as never });
  const context = await browser.newContext({ viewport: { width: 1180, height: 800 } });
  const [overview, jobs] = [await context.newPage(), await context.newPage()];
  await overview.goto(await fleet.link());
  await jobs.goto(`${origin}/jobs`);
  const sessions = { overview: await watched(overview), jobs: await watched(jobs) };
  const cookie = await signIn(await fleet.link());
  for (let at = 0; at < STREAMS; at++) void comeAndGo(origin, cookie);

  const begun = Date.now();
  const web = await fleet.web();
  for (let minute = 0; minute <= minutes; minute++) {
    await sleep(Math.max(0, begun + minute * 60_000 - Date.now()));
    const now = await fleet.web();
    if (now !== web) counts.webLost += 1;
    const page = memoryOf(now);
    const [own, twins] = [await hostFigures(host, world), await hostFigures(twin, twinWorld)];
    note(minute, {
      hostRssMb: own.rssMb,
      hostHeapMb: own.heapMb,
      twinRssMb: twins.rssMb,
      twinHeapMb: twins.heapMb,
      webRssMb: page?.rssMb,
      webPrivateMb: page?.privateMb,
      brokerRssMb: memoryOf(childrenOf(host.pid, 'broker')[0])?.rssMb,
      ...(await pageFigures('overview', sessions.overview)),
      ...(await pageFigures('jobs', sessions.jobs)),
    });
    const isLive = await Promise.all([overview, jobs].map((page) => page.locator('#beat.live').count()));
    const trends = Object.fromEntries(
      [...series].map(([name, samples]) => [name, trendOf(samples, LEAST[/(Mb|Nodes|Listeners)$/.exec(name)![1]!]!)]),
    );
    const notFlat = Object.entries(trends).flatMap(([name, trend]) => (trend && !trend.isFlat ? [name] : []));
    const { agents } = await host.client.ask('status', {});
    const result = {
      at: new Date().toISOString(),
      machine: machineFacts(),
      ...{ minutes: minute, of: minutes, agents: agents.length, streams: STREAMS },
      ...{ counts, pagesLive: isLive.every((count) => count === 1), notFlat, trends },
      samples: Object.fromEntries(series),
    };
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(join(RESULTS, 'soak-page.json'), `${JSON.stringify(result, null, 1)}\n`);
    const last = Object.fromEntries([...series].map(([name, samples]) => [name, samples.at(-1)!.value]));
    console.log(JSON.stringify({ minute, ...last, notFlat }));
    if (minute === minutes) {
      console.table(trends);
      if (notFlat.length > 0) process.exitCode = 1;
    }
  }
  isOver = true;
  await browser.close();
  await host.stop();
  await twin.stop();
} finally {
  isOver = true;
  await browser?.close();
  world.end();
  twinWorld.end();
  process.exit();
}
