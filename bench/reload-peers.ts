/**
 * The cost of a save for the work that is under way: Daruma beside PM2 7 and Bree 9, in turns within one run, each in the ways
 * of reloading that it offers. Every system does work that takes 100 ms (50 pieces a second; Bree, which has no queue, one
 * every 300 ms) while its program is saved again and again, each time as another version; then a version is saved that
 * cannot be parsed, left for 10 s, and mended; at last a second program is put beside the first.
 *
 *     npm run build && npm install --prefix bench --ignore-scripts
 *     npx tsx bench/reload-peers.ts [--rounds 3] [--edits 10] [--broken <seconds> 10] [--only <part of a name>]
 *       [--to reload-peers.json]
 *
 * Work that was offered and not done is dropped; nothing is offered twice. A pause is the longest time around a save in
 * which no work was begun. Takes some 40 s for each system and round. Writes bench/results/reload-peers.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machineFacts, median } from './machine.ts';
import { markdown } from './markdown.ts';
import { breeSystems } from './reload/bree.ts';
import { darumaSystem } from './reload/daruma.ts';
import { longestPause } from './reload/ledger.ts';
import { pm2Systems } from './reload/pm2.ts';
import type { Session, System, Work } from './reload/session.ts';
import { openWorld, until } from './world.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    edits: { type: 'string', default: '10' },
    broken: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    to: { type: 'string', default: 'reload-peers.json' },
  },
});
const [rounds, edits, brokenMs] = [Number(values.rounds), Number(values.edits), Number(values.broken) * 1_000];
const LOAD = { perSecond: 50, jobMs: 100 };
const SERVED_WITHIN_MS = 15_000;
const NEW_WITHIN_MS = 5_000;
const LEAD_MS = 2_000;

interface Round {
  /** From the save to the first work on the version; null: not within 15 s. */
  toFirstWorkMs: (number | null)[];
  pausesMs: number[];
  /** Without a save. */
  pauseBeforeMs: number;
  work: Work;
  broken: { pauseMs: number; doneMeanwhile: number; stands: string; mendedMs: number | null; work: Work };
  newFileMs: number | null;
}

const systems = [darumaSystem, ...pm2Systems, ...breeSystems].filter(({ name }) => name.includes(values.only));
const raw: Record<string, Round[]> = {};
for (let round = 1; round <= rounds; round++) {
  for (const system of systems) {
    const found = await watched(system);
    raw[system.name] = [...(raw[system.name] ?? []), found];
    process.stderr.write(`round ${round}  ${system.name}  ${JSON.stringify(found)}\n`);
  }
}
const table = systems.map(({ name }) => row(name, raw[name]!));
mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(
  join(import.meta.dirname, 'results', values.to),
  `${JSON.stringify({ machine: machineFacts(), rounds, edits, brokenMs, load: LOAD, notes: systems.map(({ name, note }) => `${name}: ${note}`), table, raw }, null, 2)}\n`,
);
console.log(markdown(table));
for (const { name, note } of systems) console.log(`${name}: ${note}`);

async function watched(system: System): Promise<Round> {
  const world = openWorld('edits');
  try {
    const session = await system.open(world, LOAD);
    if ((await served(session, 'v0', 0)) === null) throw new Error(`${system.name} does no work`);
    const settled = Date.now() + LEAD_MS;
    await sleep(2 * LEAD_MS);
    session.runRecord.look();
    const pauseBeforeMs = longestPause(session.runRecord.begun, settled, Date.now());
    const atFirst = await session.work();
    const toFirstWorkMs: (number | null)[] = [];
    const pausesMs: number[] = [];
    for (let edit = 1; edit <= edits; edit++) {
      const saved = Date.now();
      session.save(`v${edit}`);
      toFirstWorkMs.push(await served(session, `v${edit}`, saved));
      // The next save meets the work at another moment.
      await sleep(700 + (edit % 7) * 53);
      await session.rested();
      session.runRecord.look();
      pausesMs.push(longestPause(session.runRecord.begun, saved, Date.now()));
    }
    const afterEdits = await session.work();
    const broken = await whileBroken(session);
    const newSaved = Date.now();
    session.saveNew('late');
    const newFileMs = await served(session, 'late', newSaved, NEW_WITHIN_MS);
    await session.close();
    return {
      toFirstWorkMs,
      pausesMs,
      pauseBeforeMs,
      work: between(atFirst, afterEdits),
      broken: { ...broken, work: between(afterEdits, broken.work) },
      newFileMs,
    };
  } finally {
    world.end();
  }
}

async function whileBroken(session: Session) {
  const saved = Date.now();
  session.saveBroken();
  await sleep(brokenMs);
  const stands = await session.stands();
  session.runRecord.look();
  const doneMeanwhile = session.runRecord.begun.filter(({ at }) => at > saved && at < saved + brokenMs).length;
  await session.rested();
  const mended = Date.now();
  session.save('mended');
  const mendedMs = await served(session, 'mended', mended);
  await session.rested();
  const pauseMs = longestPause(session.runRecord.begun, saved, mended + (mendedMs ?? SERVED_WITHIN_MS));
  return { pauseMs, doneMeanwhile, stands, mendedMs, work: await session.work() };
}

async function served({ runRecord }: Session, mark: string, saved: number, withinMs = SERVED_WITHIN_MS) {
  const isServed = await until(withinMs, () => {
    runRecord.look();
    return runRecord.first.has(mark);
  });
  return isServed ? runRecord.first.get(mark)! - saved : null;
}

function between(before: Work, after: Work): Work {
  return {
    offered: after.offered - before.offered,
    done: after.done - before.done,
    rest: Object.fromEntries(Object.entries(after.rest).map(([what, count]) => [what, count - before.rest[what]!])),
  };
}

function row(name: string, found: readonly Round[]) {
  const toFirst = found.flatMap(({ toFirstWorkMs }) => toFirstWorkMs);
  const pauses = found.flatMap(({ pausesMs }) => pausesMs);
  const mended = found.map(({ broken }) => broken.mendedMs);
  return {
    system: name,
    'save → first work, ms': inMs(toFirst, SERVED_WITHIN_MS),
    'longest pause at a save, ms': `${inMs(pauses, 0)}, without ${Math.max(...found.map(({ pauseBeforeMs }) => pauseBeforeMs))}`,
    [`dropped by ${toFirst.length} saves`]: dropped(found.map(({ work }) => work)),
    [`broken for ${brokenMs / 1_000} s: no work for, ms`]: inMs(
      found.map(({ broken }) => broken.pauseMs),
      0,
    ),
    'dropped by it': dropped(found.map(({ broken }) => broken.work)),
    'it says': [...new Set(found.map(({ broken }) => broken.stands))].join('; '),
    'mended → work, ms': inMs(mended, SERVED_WITHIN_MS),
    'new file → work, ms': inMs(
      found.map(({ newFileMs }) => newFileMs),
      NEW_WITHIN_MS,
    ),
  };
}

/** Median and worst. */
function inMs(times: readonly (number | null)[], withinMs: number): string {
  const known = times.flatMap((time) => time ?? []);
  const never = times.length - known.length;
  const words = known.length > 0 ? `${median(known)}, most ${Math.max(...known)}` : '';
  return [words, never ? `${never} of ${times.length} not within ${withinMs / 1_000} s` : '']
    .filter(Boolean)
    .join('; ');
}

/** Jobs that were offered and not done, and how they ended. */
function dropped(works: readonly Work[]): string {
  const sum = (of: (work: Work) => number) => works.reduce((total, work) => total + of(work), 0);
  const offered = sum((work) => work.offered);
  const ends = Object.keys(works[0]!.rest).flatMap((what) => {
    const count = sum((work) => work.rest[what] ?? 0);
    return count ? `${count} ${what}` : [];
  });
  return `${offered - sum((work) => work.done)} of ${offered}${ends.length ? ` (${ends.join(', ')})` : ''}`;
}
