/**
 * What open pages cost the agents: how late the slots of twenty agents that run every second are, with no page open (A),
 * with 32 pages that load anew at each change, as the script of the page does (B), and with a page's process that is
 * killed as soon as it listens (C). In turns A B C C B A, each with a host of its own.
 *
 *   npm run build && npm run bench:page [seconds of a turn]
 *
 * Default: 60. Measures the first byte and the size of the overview and the memory of the page's process before and
 * after pages were opened, too, and the production install with `--install`. Writes bench/results/page.json.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineFacts, median } from './machine.ts';
import { memoryOf, openPageFleet, type PageFleet, signIn } from './page/fleet.ts';
import { openStream } from './page/streams.ts';
import { kill, openWorld } from './world.ts';

const RESULTS = join(import.meta.dirname, 'results');
const AGENTS = 20;
const PAGES = 32;
const WARM_UP_MS = 10_000;
const LOADS = 50;
/** A page loads anew at most once in this time, as the script of the page does: at each change of a fleet that changes each second. */
const REFRESH_MS = 900;
/** Pages that were opened once are closed by now, and the page's process has given their memory back. */
const FORGOTTEN_MS = 45_000;
/** A page that loads anew accepts a document that is a second old: the pages that hear of a change share one. */
const OF_THE_SCRIPT = { 'cache-control': 'max-age=1' };
const seconds = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 60);

const FILES: Record<string, string> = {
  'plugins/tick.ts': `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Says when it began.', workers: { min: 1, max: 1 }, async run() { return Date.now(); } });
`,
};
for (let at = 0; at < AGENTS; at++)
  FILES[`agents/tick-${at}.yaml`] = 'about: A tick.\nplugin: tick\nschedule: "* * * * * *"\n';

/** A load beside the agents; `note` gets figures of it. */
type Load = (fleet: PageFleet, isOver: () => boolean, note: (counts: Record<string, number>) => void) => Promise<void>;

const LOADS_BESIDE: Readonly<Record<'A' | 'B' | 'C', { name: string; load: Load }>> = {
  A: { name: 'no page open', load: async () => {} },
  B: { name: `${PAGES} open pages`, load: openPages },
  C: { name: 'the process of the page is killed as soon as it listens', load: killPages },
};

async function openPages(fleet: PageFleet, isOver: () => boolean, note: Parameters<Load>[2]) {
  const cookie = await signIn(await fleet.link());
  const took: number[] = [];
  let failed = 0;

  /** An open page: at most one load at a time, and at most one a second. */
  async function openPage() {
    let isOld = true;
    let wake = () => {};
    const stream = openStream(fleet.origin, cookie, (event) => {
      if (event === 'change') isOld = true;
      wake();
    });
    while (!isOver()) {
      if (isOld) {
        isOld = false;
        const begun = performance.now();
        const answer = await fetch(`${fleet.origin}/`, { headers: { cookie, ...OF_THE_SCRIPT } }).catch(
          () => undefined,
        );
        await answer?.text().catch(() => '');
        if (answer?.status === 200) took.push(performance.now() - begun);
        else failed += 1;
        await sleep(REFRESH_MS);
      } else
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, REFRESH_MS);
        });
    }
    stream.close();
  }

  await Promise.all(Array.from({ length: PAGES }, openPage));
  note({ pagesLoaded: took.length, pagesFailed: failed, pageMsMedian: rounded(median(took)) });
}

async function killPages(fleet: PageFleet, isOver: () => boolean, note: Parameters<Load>[2]) {
  let killed = 0;
  while (!isOver()) {
    const pid = await fleet.web();
    if (pid !== undefined) {
      kill(pid);
      killed += 1;
    }
    await sleep(100);
  }
  note({ killed });
}

/** How late the slots of a turn were. */
async function turn(letter: keyof typeof LOADS_BESIDE) {
  const { name, load } = LOADS_BESIDE[letter];
  const world = openWorld('page');
  try {
    const fleet = await openPageFleet(world, FILES);
    // What stands for the browsers of other machines must not take the processor from the agents.
    setPriority(10);
    const from = Math.ceil((Date.now() + WARM_UP_MS) / 1_000) * 1_000;
    const to = from + seconds * 1_000;
    const counts: Record<string, number> = {};
    await Promise.all([
      load(
        fleet,
        () => Date.now() >= to,
        (found) => Object.assign(counts, found),
      ),
      sleep(to + 2_000 - Date.now()),
    ]);
    const late = await lateness(fleet, from, to);
    const web = memoryOf(await fleet.web());
    await fleet.host.stop();
    return { turn: letter, name, ...late, ...counts, webRssMb: web?.rssMb ?? null, load1: machineFacts().load1 };
  } finally {
    world.end();
  }
}

async function lateness({ host }: PageFleet, from: number, to: number) {
  const lateMs: number[] = [];
  for (let at = 0; at < AGENTS; at++)
    for (const { slot, result, state } of await host.client.ask('jobs', { agent: `tick-${at}`, limit: 500 })) {
      const due = Date.parse(slot ?? '');
      if (state === 'done' && due >= from && due < to) lateMs.push(Number(result) - due);
    }
  lateMs.sort((a, b) => a - b);
  const at = (share: number) => lateMs[Math.min(lateMs.length - 1, Math.floor(share * lateMs.length))] ?? null;
  return { slots: AGENTS * seconds, ran: lateMs.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: at(1) };
}

/** First byte and size of the overview, and the memory of its process. */
async function overview() {
  const world = openWorld('page-load');
  try {
    const fleet = await openPageFleet(world, FILES);
    await sleep(WARM_UP_MS);
    const idle = memoryOf(await fleet.web());
    const cookie = await signIn(await fleet.link());
    const firstByteMs: number[] = [];
    let bytes = 0;
    for (let at = 0; at < LOADS; at++) {
      const begun = performance.now();
      const answer = await fetch(`${fleet.origin}/`, { headers: { cookie } });
      firstByteMs.push(performance.now() - begun);
      bytes = (await answer.arrayBuffer()).byteLength;
    }
    const opened = memoryOf(await fleet.web());
    await sleep(FORGOTTEN_MS);
    const forgotten = memoryOf(await fleet.web());
    await fleet.host.stop();
    return {
      agents: AGENTS,
      firstByteMs: {
        first: rounded(firstByteMs[0]!),
        median: rounded(median(firstByteMs)),
        most: rounded(Math.max(...firstByteMs)),
      },
      overviewKb: rounded(bytes / 1024),
      webMemory: { idle, afterPages: opened, aMinuteLater: forgotten },
    };
  } finally {
    world.end();
  }
}

/** Size and number of the packages of a production install; Node itself comes along for machines that have an older one. */
function install() {
  const world = openWorld('page-install');
  try {
    const root = join(import.meta.dirname, '..');
    const [{ filename }] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', world.folder], {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as [{ filename: string }];
    writeFileSync(join(world.folder, 'package.json'), '{ "private": true }');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', join(world.folder, filename)], {
      cwd: world.folder,
      stdio: 'ignore',
    });
    const mbOf = (path: string) =>
      Number(execFileSync('du', ['-sm', path], { cwd: world.folder, encoding: 'utf8' }).split('\t')[0]);
    const all = mbOf('node_modules');
    const nodes = globSync('node_modules/node-*', { cwd: world.folder }).reduce((sum, path) => sum + mbOf(path), 0);
    const lock = JSON.parse(readFileSync(join(world.folder, 'node_modules/.package-lock.json'), 'utf8')) as {
      packages: object;
    };
    return { install: { mb: all - nodes, mbWithItsNode: all, packages: Object.keys(lock.packages).length } };
  } finally {
    world.end();
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

const turns = [];
for (const letter of ['A', 'B', 'C', 'C', 'B', 'A'] as const) {
  turns.push(await turn(letter));
  console.log(JSON.stringify(turns.at(-1)));
}
const load = await overview();
console.log(JSON.stringify(load));
const installed = process.argv.includes('--install') ? install() : undefined;
if (installed) console.log(JSON.stringify(installed));
mkdirSync(RESULTS, { recursive: true });
const result = { at: new Date().toISOString(), machine: machineFacts(), seconds, turns, ...load, ...installed };
writeFileSync(join(RESULTS, 'page.json'), `${JSON.stringify(result, null, 2)}\n`);
