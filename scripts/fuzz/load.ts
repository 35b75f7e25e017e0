import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { socketPath } from '../../src/control/place.ts';
import type { Facts } from './check.ts';
import { effectOf, openAcceptedLedger, runOf, tail } from './ledgers.ts';
import { EFFECTS_FILE, type Kind, pluginFiles, RUNS_FILE } from './plugins.ts';
import { type Answered, createProducer, type Producer } from './producer.ts';
import { seeded } from './random.ts';
import { readStore } from './read-store.ts';

export interface LoadOptions {
  /** An empty folder for everything that is not the installation's. */
  folder: string;
  /** The installation; made here. */
  home: string;
  seed: number;
  /** More files of the installation, or other ones. */
  files?: Record<string, string>;
  /** No new order while so many are not run yet. Default 120. */
  mostUnfinished?: number;
  /** Nobody is asked for these: an agent that crashes often is in quarantine in the end, and its jobs wait there. */
  without?: readonly Kind[];
  answered?: Answered;
}

/** An installation under load, and what the outside knows of it. */
export interface Load {
  producer: Producer;
  accepted: ReadonlyMap<string, { agent: string; id: string }>;
  /** Answers for one key that named different jobs. */
  contradictions: string[];
  /** Everything that plugins have noted until the last `look`. */
  runs: Facts['runs'];
  endedBefore: Map<string, string>;
  /** Takes in what plugins have noted since. */
  look(): void;
  /** When the first run at or after that moment began, epoch ms; undefined while there is none. */
  firstRunSince(at: number): number | undefined;
  /** The words of both sides, as of now. */
  gather(): Promise<Facts>;
  close(): void;
}

export function createLoad(options: LoadOptions): Load {
  const { folder, home, seed, files = {}, mostUnfinished = 120, without, answered } = options;
  mkdirSync(join(home, 'ledger'), { recursive: true });
  for (const [path, text] of Object.entries({ ...pluginFiles(), ...files })) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const ledger = openAcceptedLedger(join(folder, 'accepted.log'));
  const runLines = tail(join(home, RUNS_FILE));
  const effectLines = tail(join(home, EFFECTS_FILE));
  const runs: Facts['runs'] = [];
  const effects: Facts['effects'] = [];
  const ranOnce = new Set<string>();
  const endedBefore = new Map<string, string>();

  function look() {
    for (const line of runLines.read()) {
      const run = runOf(line);
      runs.push(run);
      ranOnce.add(run.job);
    }
    for (const line of effectLines.read()) effects.push(effectOf(line));
  }

  function mayOrder() {
    look();
    return ledger.all().size - ranOnce.size < mostUnfinished;
  }

  return {
    producer: createProducer({
      socket: socketPath(home),
      ledger,
      random: seeded(seed),
      mayOrder,
      ...(without ? { without } : {}),
      ...(answered ? { answered } : {}),
    }),
    accepted: ledger.all(),
    contradictions: ledger.contradictions,
    runs,
    endedBefore,
    look,
    firstRunSince: (since) => runs.find(({ at }) => at >= since)?.at,
    async gather() {
      const { jobs, slots } = await readStore(join(home, 'data/daruma.db'));
      // Jobs that ran while the store was read are compared the next time.
      const known = new Set(jobs.map(({ id }) => id));
      look();
      const knownRuns = runs.filter(({ job }) => known.has(job));
      return { accepted: ledger.all(), jobs, slots, runs: knownRuns, effects, endedBefore, now: Date.now() };
    },
    close() {
      ledger.close();
      runLines.close();
      effectLines.close();
    },
  };
}
