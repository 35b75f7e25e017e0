import { machineTime } from '../kernel/time.ts';
import { type Bench, openBench } from './bench.ts';

/** Idle benches are closed after this long, so that a script that only runs a plugin comes to its end. */
const IDLE_MS = 2_000;

interface Shared {
  bench: Promise<Bench>;
  users: number;
  cancelIdle: () => void;
}

const benches = new Map<string, Shared>();
/** Those that are there, for the end of the process. */
const open = new Set<Bench>();
let watchesExit = false;

/** Lends the bench of an installation, which is opened with the first loan and shared by all others. */
export async function onBench<T>(installation: string, use: (bench: Bench) => Promise<T>): Promise<T> {
  const shared = benches.get(installation) ?? start(installation);
  shared.users += 1;
  shared.cancelIdle();
  try {
    return await use(await shared.bench);
  } finally {
    shared.users -= 1;
    if (shared.users === 0) shared.cancelIdle = machineTime.after(IDLE_MS, () => void end(installation, shared));
  }
}

/**
 * Ends all cells and processes of the test kit, and removes its folders. The next run opens new ones. Needed only where
 * a runner ends its workers unheard: in vitest with `pool: 'threads'`, whose folder would stay in the temporary folder.
 */
export async function close(): Promise<void> {
  await Promise.all([...benches].map(([installation, shared]) => end(installation, shared)));
}

function start(installation: string): Shared {
  const bench = openBench(installation, machineTime);
  const shared = { bench, users: 0, cancelIdle() {} };
  benches.set(installation, shared);
  bench.then(
    (one) => open.add(one),
    () => benches.delete(installation),
  );
  if (!watchesExit) watchExit();
  watchesExit = true;
  return shared;
}

async function end(installation: string, shared: Shared): Promise<void> {
  shared.cancelIdle();
  if (benches.get(installation) === shared) benches.delete(installation);
  const bench = await shared.bench.catch(() => undefined);
  if (!bench) return;
  await bench.close();
  open.delete(bench);
}

/** Test runners end their workers by SIGTERM, at which no process tells that it exits. */
function watchExit() {
  process.once('exit', dropAll);
  process.once('SIGTERM', () => {
    dropAll();
    // Whoever else listens decides what comes of it; without anybody it is what it always was.
    if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
  });
}

function dropAll() {
  for (const bench of open) bench.drop();
}
