import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import { socketPath } from '../../src/control/place.ts';
import { smallDisk } from '../../test/e2e/disk.ts';
import { type Broken, checkAlways, checkAtRest, endOf, isFresh, repeatedRuns } from './check.ts';
import { delay, until } from './delay.ts';
import { FILLER, FULL_FILES, QUIET, SAID, SWEEP } from './full-plugins.ts';
import { startGuarded } from './guarded-host.ts';
import { processesOf, signal } from './host-process.ts';
import { createLoad } from './load.ts';
import { seeded } from './random.ts';
import { counted, type Spread, spread } from './spread.ts';

export interface FullDisk {
  main: string;
  /** For what the outside knows; the installation lies on a small disk of its own. */
  folder: string;
  seed: number;
  /** How long the disk is full in each round, in ms. */
  fullMs: number[];
  say(line: string): void;
}

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
  /** Who freed it: an agent's job that was at work before, or somebody else. */
  freedBy: 'an agent' | 'somebody';
  /** From free to the first acknowledged order, the first run of a job, and the first new bytes in the log. */
  acceptedAfterMs: number;
  ranAfterMs: number;
  loggedAfterMs: number;
}

export interface FullOutcome {
  rounds: FullRound[];
  inAll: Record<string, number | Spread | Record<string, number>>;
  broken: Broken;
}

const DISK_BYTES = 256_000_000;
const LEDGER_BYTES = 64_000_000;
const BACK_WITHIN_MS = 30_000;
const REST_MS = 90_000;

/** Fills the disk under a host at work, frees it, round after round; undefined where no small disk may be mounted. */
export async function fullDisk(options: FullDisk): Promise<FullOutcome | undefined> {
  const { main, folder, seed, fullMs, say } = options;
  const disk = smallDisk(DISK_BYTES, { filler: FILLER });
  if (!disk) return undefined;
  const home = disk.path;
  const ledgerDisk = smallDisk(LEDGER_BYTES, { at: mkdirSync(join(home, 'ledger'), { recursive: true })! })!;
  const chance = seeded(seed + 1);
  let lastAcceptance = 0;
  let firstRefusal: number | undefined;
  const load = createLoad({
    folder,
    home,
    seed,
    files: FULL_FILES,
    without: ['exits', 'hangs'],
    answered({ code }) {
      const now = performance.now();
      if (code === undefined) lastAcceptance = now;
      else firstRefusal ??= now;
    },
  });
  const { producer } = load;
  const log = listenTo(home);
  const rounds: FullRound[] = [];
  const misfortunes: Broken = {};

  function misfortune(promise: string, what: string) {
    misfortunes[promise] ??= [];
    misfortunes[promise].push(what);
    say(`✗ ${promise}: ${what}`);
  }

  const logBytes = () => globSync(join(home, 'logs/*.log')).reduce((sum, file) => sum + statSync(file).size, 0);

  async function round(number: number, stays: number, client: ControlClient) {
    const byAgent = chance.between(0, 1) === 1;
    if (byAgent) await client.ask('run', { agent: 'sweeper', input: { round: number } });
    await delay(chance.between(500, 2_500));
    const isLogCut = chance.between(0, 2) > 0 && cutLog(join(home, 'data/daruma.db'));
    const before = load.accepted.size;
    firstRefusal = undefined;
    log.listen();
    disk!.fill();
    const filledAt = performance.now();
    const filledWall = Date.now();
    await delay(stays / 2);
    const askedAt = performance.now();
    const { host } = await client.ask('status', {});
    const statusMs = performance.now() - askedAt;
    if (host!.pid !== pid) misfortune('the host was replaced', `${pid} by ${host!.pid}`);
    let short: string | undefined;
    for (; performance.now() - filledAt < stays; await delay(200)) {
      log.listen();
      const open = await client.ask('incidents', { open: true });
      short ??= open.find(({ verdict }) => verdict === 'disk-short')?.openedAt;
    }
    const acceptedMeanwhile = load.accepted.size - before;
    const refusedAt = firstRefusal as number | undefined;
    if (byAgent) writeFileSync(join(home, `${SWEEP}-${number}`), '');
    else disk!.free();
    if (byAgent && !(await until(() => !existsSync(join(home, FILLER)), 10_000))) {
      misfortune('an agent at work could not clean up', `round ${number}`);
      disk!.free();
    }
    const freedAt = performance.now();
    const freedWall = Date.now();
    const logged = logBytes();
    const back: Record<string, number> = {};
    const isBack = await until(() => {
      load.look();
      const now = performance.now();
      if (lastAcceptance > freedAt) back.accepted ??= now - freedAt;
      if (load.firstRunSince(freedWall) !== undefined) back.ran ??= now - freedAt;
      if (logBytes() > logged) back.logged ??= now - freedAt;
      return Object.keys(back).length === 3;
    }, BACK_WITHIN_MS);
    if (!isBack) misfortune('not back within 30 s', `round ${number}: only ${Object.keys(back)}`);
    rounds.push({
      fullMs: Math.round(freedAt - filledAt),
      isLogCut,
      refusedAfterMs: refusedAt === undefined ? null : Math.round(refusedAt - filledAt),
      incidentAfterMs: short === undefined ? null : Math.max(0, Date.parse(short) - filledWall),
      acceptedMeanwhile,
      statusMs: Math.round(statusMs),
      freedBy: byAgent ? 'an agent' : 'somebody',
      acceptedAfterMs: Math.round(back.accepted ?? BACK_WITHIN_MS),
      ranAfterMs: Math.round(back.ran ?? BACK_WITHIN_MS),
      loggedAfterMs: Math.round(back.logged ?? BACK_WITHIN_MS),
    });
    say(`round ${number}: ${JSON.stringify(rounds.at(-1))}`);
  }

  let pid: number | undefined;
  try {
    const guarded = await startGuarded({ main, home });
    pid = guarded.host();
    const client = await connectControl(socketPath(home));
    const speaker = await client.ask('run', { agent: 'speaker' });
    producer.run();
    for (const [at, stays] of fullMs.entries()) {
      await round(at + 1, stays, client);
      if (at % 10 < 9) continue;
      const known = new Map(load.accepted);
      const now = await load.gather();
      const broken = Object.entries(checkAlways({ ...now, accepted: known })).filter(
        ([, openIncidents]) => openIncidents.length > 0,
      );
      for (const [promise, openIncidents] of broken) for (const one of openIncidents) misfortune(promise, one);
      for (const job of now.jobs) {
        const end = endOf(job);
        if (end) load.endedBefore.set(job.id, end);
      }
    }
    await producer.pause();
    await producer.settle();
    writeFileSync(join(home, QUIET), '');
    for (const deadline = performance.now() + REST_MS; performance.now() < deadline; await delay(200)) {
      const open = await client.ask('jobs', { states: ['queued', 'running', 'retrying'], limit: 100 });
      if (open.every(({ slot }) => isFresh({ slot: slot === null ? null : Date.parse(slot) }, Date.now()))) break;
    }
    const spoke = await client.ask('job', { id: speaker.id });
    client.close();
    if (guarded.host() !== pid) misfortune('the host was replaced', `${pid} by ${guarded.host()}`);
    const stopped = await guarded.stop();
    if (stopped.code !== 0) misfortune('a host that was asked to stop did not end with 0', `${stopped.code}`);
    for (const left of stopped.left) misfortune('a process outlived its host', left);
    return await outcome(spoke.attempt);
  } finally {
    await producer.pause();
    signal(
      processesOf(home).map(({ pid: one }) => one),
      'SIGKILL',
    );
    load.close();
    ledgerDisk.remove();
    disk.remove();
  }

  async function outcome(attempts: number): Promise<FullOutcome> {
    const last = await load.gather();
    const atRest: Broken = { ...checkAtRest(last), ...misfortunes };
    if (load.contradictions.length > 0) atRest['one key, two answers'] = load.contradictions;
    const broken = Object.fromEntries(Object.entries(atRest).filter(([, openIncidents]) => openIncidents.length > 0));
    log.listen();
    const lines = log.figures();
    if (attempts !== 1) broken['the speaker did not live through it'] = [`attempt ${attempts}`];
    // Lines of the host itself may be among those that it tells of.
    if (lines.lost > lines.toldLost) broken['lost lines are not told'] = [`${lines.lost} lost, ${lines.toldLost} told`];
    const refusedAfter = rounds.flatMap(({ refusedAfterMs }) => refusedAfterMs ?? []);
    const inAll = {
      rounds: rounds.length,
      hostsReplaced: (misfortunes['the host was replaced'] ?? []).length,
      fullMs: spread(rounds.map((one) => one.fullMs)),
      orders: producer.orders(),
      accepted: load.accepted.size,
      acceptedAndLost: (broken['accepted, and not in the store'] ?? []).length,
      roundsWithRefusals: refusedAfter.length,
      refusedAfterMs: spread(refusedAfter),
      refusals: producer.refusals,
      acceptedWhileFull: rounds.reduce((sum, one) => sum + one.acceptedMeanwhile, 0),
      incidents: rounds.filter((one) => one.incidentAfterMs !== null).length,
      incidentAfterMs: spread(rounds.flatMap((one) => one.incidentAfterMs ?? [])),
      statusMs: spread(rounds.map((one) => one.statusMs)),
      freedByAgent: rounds.filter(({ freedBy }) => freedBy === 'an agent').length,
      acceptedAfterMs: spread(rounds.map((one) => one.acceptedAfterMs)),
      ranAfterMs: spread(rounds.map((one) => one.ranAfterMs)),
      loggedAfterMs: spread(rounds.map((one) => one.loggedAfterMs)),
      linesSaid: lines.said,
      linesLost: lines.lost,
      linesToldLost: lines.toldLost,
      slots: counted(last.slots.map(({ state }) => state)),
      jobs: counted(last.jobs.map(({ state }) => state)),
      deadBecause: counted(last.jobs.filter(({ state }) => state === 'dead').map(({ error }) => error?.code ?? 'none')),
      runs: last.runs.length,
      repeatedRuns: repeatedRuns(last.runs),
    };
    return { rounds, inAll, broken };
  }
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

/** Reads the log as it grows: what a clean-up deletes later was heard before. */
function listenTo(home: string) {
  const read = new Map<string, number>();
  const heard = new Set<string>();
  let toldLost = 0;
  return {
    listen() {
      for (const file of globSync(join(home, 'logs/*.log'))) {
        const text = readFileSync(file, 'utf8').slice(read.get(file) ?? 0);
        const whole = text.slice(0, text.lastIndexOf('\n') + 1);
        read.set(file, (read.get(file) ?? 0) + whole.length);
        for (const line of whole.split('\n')) {
          const said = /"said (\d+\/\d+) /.exec(line)?.[1];
          if (said) heard.add(said);
          const told = /"lost":(\d+)/.exec(line)?.[1];
          if (told) toldLost += Number(told);
        }
      }
    },
    figures() {
      const [, said = 0] = readFileSync(join(home, SAID), 'utf8').split(' ').map(Number);
      return { said, lost: said - heard.size, toldLost };
    },
  };
}
