import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ControlClient } from '../../../src/control/client.ts';
import { logFilesIn } from '../../../src/control/log-files.ts';
import { type LogText, openLogText } from '../../../src/control/log-text.ts';
import { plainLogName } from '../../../src/kernel/log-names.ts';
import { NO_DISK, smallDisk } from '../../../test/e2e/disk.ts';
import type { Broken } from '../check.ts';
import { delay, until } from '../delay.ts';
import type { Fault, FuzzRun } from '../fault.ts';
import { type GuardedHost, startGuarded } from '../guarded-host.ts';
import { seeded } from '../random.ts';
import { type Spread, spread } from '../spread.ts';
import { connected, createTrial, type LoadFigures } from '../trial.ts';
import { FILLER, FULL_FILES, QUIET, SAID, SWEEP } from './full-disk-plugins.ts';

export interface FullRound {
  /** How long it was full. */
  fullMs: number;
  /** The store's log was written back and cut before, so that it had no room of its own left. */
  isLogCut: boolean;
  /** From full to the first order that was refused; null: none was, the log had room enough. */
  refusedAfterMs: number | null;
  /** From full to the incident that says so, 0 when that of the round before is still open; null: it was free again before two looks. */
  incidentAfterMs: number | null;
  /** Orders accepted while the disk was full. */
  acceptedMeanwhile: number;
  /** How long `status` took in the middle of it. */
  statusMs: number;
  /** The way the disk was freed: by an agent's job that was at work before, or from outside. */
  freedBy: 'an agent' | 'somebody';
  /** From free to the first acknowledged order, the first run of a job, and the first new bytes in the log. */
  acceptedAfterMs: number;
  ranAfterMs: number;
  loggedAfterMs: number;
}

export interface FullOutcome {
  rounds: FullRound[];
  inAll: LoadFigures & Record<string, number | Spread | Record<string, number>>;
  broken: Broken;
}

const DISK_BYTES = 256_000_000;
const LEDGER_BYTES = 64_000_000;
const BACK_WITHIN_MS = 30_000;

/** Fills the disk under a host at work, and frees it again, round after round. Mounting the small disk takes root. */
export const fullDisk: Fault<'rounds'> = {
  name: 'full',
  counts: { rounds: 50 },
  missing() {
    const disk = smallDisk(1_000_000);
    disk?.remove();
    return disk ? null : NO_DISK.replace('NOT TRIED: ', '');
  },
  async run(run, { rounds }) {
    const chance = seeded(run.seed);
    // Every tenth time it stays full for so long that the log cannot keep its lines in memory.
    const fullMs = Array.from({ length: rounds }, (_, at) =>
      at % 10 === 4 ? chance.between(25_000, 40_000) : chance.between(1_000, 10_000),
    );
    const { broken, ...result } = await fillAndFree({ ...run, fullMs });
    return { tables: [result.inAll], broken, result };
  },
};

/** `fullMs`: how long the disk is full in each round. */
async function fillAndFree({ main, folder, seed, fullMs, say }: FuzzRun & { fullMs: number[] }): Promise<FullOutcome> {
  const disk = smallDisk(DISK_BYTES, { filler: FILLER })!;
  const home = disk.path;
  const ledgerDisk = smallDisk(LEDGER_BYTES, { at: mkdirSync(join(home, 'ledger'), { recursive: true })! })!;
  const chance = seeded(seed + 1);
  let lastAcceptance = 0;
  let firstRefusal: number | undefined;
  const trial = createTrial({
    folder,
    home,
    seed,
    say,
    files: FULL_FILES,
    without: ['exits', 'hangs'],
    answered({ code }) {
      const now = performance.now();
      if (code === undefined) lastAcceptance = now;
      else firstRefusal ??= now;
    },
  });
  const { producer, misfortune } = trial;
  const log = readLog(home);
  const rounds: FullRound[] = [];
  let pid: number | undefined;

  async function round(number: number, stays: number, client: ControlClient) {
    const byAgent = chance.between(0, 1) === 1;
    if (byAgent) await client.ask('run', { agent: 'sweeper', input: { round: number } });
    await delay(chance.between(500, 2_500));
    const isLogCut = chance.between(0, 2) > 0 && cutLog(join(home, 'data/daruma.db'));
    const before = trial.accepted.size;
    firstRefusal = undefined;
    log.read();
    disk.fill();
    const filledAt = performance.now();
    const filledWall = Date.now();
    const { statusMs, short } = await watchFull(stays, client);
    const acceptedMeanwhile = trial.accepted.size - before;
    const refusedAt = firstRefusal as number | undefined;
    if (byAgent) await freedByAgent(number);
    else disk.free();
    const freedAt = performance.now();
    const back = await backAfter(number);
    rounds.push({
      fullMs: Math.round(freedAt - filledAt),
      isLogCut,
      refusedAfterMs: refusedAt === undefined ? null : Math.round(refusedAt - filledAt),
      incidentAfterMs: short === undefined ? null : Math.max(0, Date.parse(short) - filledWall),
      acceptedMeanwhile,
      statusMs: Math.round(statusMs),
      freedBy: byAgent ? 'an agent' : 'somebody',
      ...back,
    });
    say(`round ${number}: ${JSON.stringify(rounds.at(-1))}`);
  }

  /** Asks while the disk is full: how long `status` takes, and when the incident was opened. */
  async function watchFull(stays: number, client: ControlClient) {
    const begun = performance.now();
    await delay(stays / 2);
    const askedAt = performance.now();
    const { host } = await client.ask('status', {});
    const statusMs = performance.now() - askedAt;
    if (host!.pid !== pid) misfortune('the host was replaced', `${pid} by ${host!.pid}`);
    let short: string | undefined;
    for (; performance.now() - begun < stays; await delay(200)) {
      log.read();
      const open = await client.ask('incidents', { open: true });
      short ??= open.find(({ verdict }) => verdict === 'disk-short')?.openedAt;
    }
    return { statusMs, short };
  }

  async function freedByAgent(number: number) {
    writeFileSync(join(home, `${SWEEP}-${number}`), '');
    if (await until(() => !existsSync(join(home, FILLER)), 10_000)) return;
    misfortune('an agent at work could not clean up', `round ${number}`);
    disk.free();
  }

  /** The work that comes back with the space, and after how long. */
  async function backAfter(number: number) {
    const freedAt = performance.now();
    const freedWall = Date.now();
    const logged = logBytes(home);
    const back: Partial<Record<'acceptedAfterMs' | 'ranAfterMs' | 'loggedAfterMs', number>> = {};
    const isBack = await until(() => {
      trial.look();
      const after = Math.round(performance.now() - freedAt);
      if (lastAcceptance > freedAt) back.acceptedAfterMs ??= after;
      if (trial.firstRunSince(freedWall) !== undefined) back.ranAfterMs ??= after;
      if (logBytes(home) > logged) back.loggedAfterMs ??= after;
      return Object.keys(back).length === 3;
    }, BACK_WITHIN_MS);
    if (!isBack) misfortune('not back within 30 s', `round ${number}: only ${Object.keys(back)}`);
    return { acceptedAfterMs: BACK_WITHIN_MS, ranAfterMs: BACK_WITHIN_MS, loggedAfterMs: BACK_WITHIN_MS, ...back };
  }

  async function rest(guarded: GuardedHost, client: ControlClient, speaker: string) {
    await producer.pause();
    await producer.settle();
    writeFileSync(join(home, QUIET), '');
    await trial.rest(client);
    const { attempt } = await client.ask('job', { id: speaker });
    if (attempt !== 1) misfortune('the speaker did not live through it', `attempt ${attempt}`);
    client.close();
    if (guarded.host() !== pid) misfortune('the host was replaced', `${pid} by ${guarded.host()}`);
    const stopped = await guarded.stop();
    if (stopped.code !== 0) misfortune('a host that was asked to stop did not end with 0', `${stopped.code}`);
    for (const left of stopped.left) misfortune('a process outlived its host', left);
  }

  try {
    const guarded = await startGuarded({ main, home });
    pid = guarded.host();
    const client = await connected(home);
    const speaker = await client.ask('run', { agent: 'speaker' });
    producer.run();
    for (const [at, stays] of fullMs.entries()) {
      await round(at + 1, stays, client);
      if (at % 10 === 9) await trial.check();
    }
    await rest(guarded, client, speaker.id);
    log.read();
    const lines = log.figures();
    // Lines of the host itself may be among those that it reports as lost.
    if (lines.lost > lines.reported)
      misfortune('lost lines are not reported', `${lines.lost} lost, ${lines.reported} reported`);
    const { broken, figures } = await trial.end();
    return {
      rounds,
      inAll: {
        ...figuresOfRounds(rounds),
        ...linesOf(lines),
        ...figures,
        hostsReplaced: trial.timesOf('the host was replaced'),
      },
      broken,
    };
  } finally {
    await trial.over();
    ledgerDisk.remove();
    disk.remove();
  }
}

function figuresOfRounds(rounds: readonly FullRound[]) {
  const refusedAfter = rounds.flatMap(({ refusedAfterMs }) => refusedAfterMs ?? []);
  const spreadOf = (pick: (round: FullRound) => number) => spread(rounds.map(pick));
  return {
    rounds: rounds.length,
    fullMs: spreadOf((round) => round.fullMs),
    roundsWithRefusals: refusedAfter.length,
    refusedAfterMs: spread(refusedAfter),
    acceptedWhileFull: rounds.reduce((sum, round) => sum + round.acceptedMeanwhile, 0),
    incidents: rounds.filter((round) => round.incidentAfterMs !== null).length,
    incidentAfterMs: spread(rounds.flatMap((round) => round.incidentAfterMs ?? [])),
    statusMs: spreadOf((round) => round.statusMs),
    freedByAgent: rounds.filter(({ freedBy }) => freedBy === 'an agent').length,
    acceptedAfterMs: spreadOf((round) => round.acceptedAfterMs),
    ranAfterMs: spreadOf((round) => round.ranAfterMs),
    loggedAfterMs: spreadOf((round) => round.loggedAfterMs),
  };
}

function linesOf({ said, lost, reported }: { said: number; lost: number; reported: number }) {
  return { linesSaid: said, linesLost: lost, linesToldLost: reported };
}

function logBytes(home: string): number {
  return logTexts(home).reduce((sum, { text }) => {
    text.close();
    return sum + text.bytes;
  }, 0);
}

/** The log files by their names before they were compressed. */
function logTexts(home: string): { name: string; text: LogText }[] {
  const folder = join(home, 'logs');
  return logFilesIn(folder).flatMap(({ name }) => {
    const text = openLogText(join(folder, name));
    return text ? [{ name: plainLogName(name), text }] : [];
  });
}

/** Has the store's log written back and cut to nothing, as any visitor with `sqlite3` may; false when the host was too busy for it. */
function cutLog(file: string): boolean {
  const db = new DatabaseSync(file, { timeout: 500 });
  try {
    const { busy } = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
    return busy === 0;
  } catch {
    return false;
  } finally {
    db.close();
  }
}

/** Reads the log as it grows: what a clean-up deletes later was read before. */
function readLog(home: string) {
  const readTo = new Map<string, number>();
  const seen = new Set<string>();
  let reported = 0;
  return {
    read() {
      for (const { name, text } of logTexts(home)) {
        const from = readTo.get(name) ?? 0;
        const bytes = text.read(from, Math.max(0, text.bytes - from));
        text.close();
        const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
        readTo.set(name, from + whole.length);
        for (const line of whole.toString('utf8').split('\n')) {
          const said = /"said (\d+\/\d+) /.exec(line)?.[1];
          if (said) seen.add(said);
          const lost = /"lost":(\d+)/.exec(line)?.[1];
          if (lost) reported += Number(lost);
        }
      }
    },
    figures() {
      const [, said = 0] = readFileSync(join(home, SAID), 'utf8').split(' ').map(Number);
      return { said, lost: said - seen.size, reported };
    },
  };
}
