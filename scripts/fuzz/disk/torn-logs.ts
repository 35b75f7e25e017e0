import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openForWriting } from '../../../src/store/sqlite/inside/open.ts';
import { type Random, seeded } from '../random.ts';
import { differences, type State, type Step, stateIn, stateOfFile, statesOf, toldIn } from './history.ts';
import { runWriter } from './process.ts';

const PAGE = 4_096;

/** Damage to the log by a power cut: its end was never written, or holds what was there before, or nothing. */
export const DAMAGES = ['cut', 'randomised', 'zeroed'] as const;
export type Damage = (typeof DAMAGES)[number];

export interface TornCount {
  logs: number;
  /** The state was an earlier one: the damage hit something. */
  shortened: number;
  acknowledgedAndLost: number;
  notAPrefix: number;
  corrupt: number;
}

export interface TornOutcome {
  seeds: number;
  stores: number;
  acknowledgedCalls: number;
  byDamage: Record<Damage, TornCount>;
  broken: string[];
}

/** A store whose writer was killed: its files, and every state that it ever had. */
interface Killed {
  file: Buffer;
  log: Buffer;
  steps: Step[];
  states: State[];
}

/** Seeds on one killed store. */
const SEEDS_OF_A_STORE = 50;

/** Damages the logs of killed stores, and sees that each opens with a state that it once had, and with all that was not hit. */
export async function tornLogs({ folder, seeds }: { folder: string; seeds: number }): Promise<TornOutcome> {
  const none = (): TornCount => ({ logs: 0, shortened: 0, acknowledgedAndLost: 0, notAPrefix: 0, corrupt: 0 });
  const outcome: TornOutcome = {
    seeds,
    stores: 0,
    acknowledgedCalls: 0,
    byDamage: { cut: none(), randomised: none(), zeroed: none() },
    broken: [],
  };
  const file = join(folder, 'torn.db');
  let killed: Killed | undefined;
  for (let seed = 1; seed <= seeds; seed++) {
    if (seed % SEEDS_OF_A_STORE === 1) {
      killed = await killedStore(join(folder, `killed-${seed}.db`), seed);
      outcome.stores++;
      outcome.acknowledgedCalls += killed.steps.length;
    }
    for (const damage of DAMAGES) {
      const chance = seeded(seed * DAMAGES.length + DAMAGES.indexOf(damage));
      look(killed!, damage, chance, outcome, seed);
    }
  }
  return outcome;

  function look(
    { file: whole, log, steps, states }: Killed,
    damage: Damage,
    chance: Random,
    to: TornOutcome,
    seed: number,
  ) {
    const count = to.byDamage[damage];
    const at = chance.between(0, log.length - 1);
    count.logs++;
    rmSync(`${file}-shm`, { force: true });
    writeFileSync(file, whole);
    writeFileSync(`${file}-wal`, damaged(log, damage, at, chance));
    const safe = steps.filter(({ end }) => end <= at).length;
    const where = `seed ${seed}, ${damage} at ${at} of ${log.length}`;
    try {
      const db = openForWriting(file);
      try {
        const found = stateIn(db);
        const reached = states.findLastIndex((state) => differences(state, found).length === 0);
        if (reached < 0) {
          count.notAPrefix++;
          to.broken.push(`${where}: a state that it never had`);
        } else if (reached < safe) {
          count.acknowledgedAndLost++;
          to.broken.push(`${where}: ${safe} calls were safe, ${reached} are there`);
        } else if (reached < steps.length) count.shortened++;
      } finally {
        db.close();
      }
    } catch (thrown) {
      count.corrupt++;
      to.broken.push(`${where}: ${thrown}`);
    }
  }
}

/** About every second store was used and stopped before, so that its file holds jobs as well as its log. */
async function killedStore(file: string, seed: number): Promise<Killed> {
  const chance = seeded(seed);
  if (chance.between(0, 1) === 1) await runWriter({ file, calls: chance.between(4, 60), end: 'stop', seed });
  const before: State = existsSync(file) ? stateOfFile(file) : new Map();
  const told = await runWriter({ file, end: 'stop', seed: seed + 1, killedAfter: chance.between(10, 120) });
  if (told.signal !== 'SIGKILL') throw new Error(`the writer ended by itself (${told.code})`);
  const { steps } = toldIn(told.text);
  const killed = { file: readFileSync(file), log: readFileSync(`${file}-wal`) };
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  const states = statesOf(before, steps);
  const whole = stateOfFile(copy);
  const lost = [...states.at(-1)!.keys()].filter((key) => !whole.has(key));
  if (lost.length > 0) throw new Error(`${file}: lost by the kill alone: ${lost}`);
  // The call under way at the kill may be on disk though nobody was told.
  if (differences(states.at(-1)!, whole).length > 0) states.push(whole);
  return { ...killed, steps, states };
}

function damaged(log: Buffer, damage: Damage, at: number, chance: Random): Buffer {
  if (damage === 'cut') return log.subarray(0, at);
  const bent = Buffer.from(log);
  const end = Math.min(at + PAGE, bent.length);
  if (damage === 'zeroed') return bent.fill(0, at, end);
  for (let place = at; place < end; place++) bent[place] = chance.between(0, 255);
  return bent;
}
