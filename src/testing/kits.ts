import { machineTime } from '../kernel/time.ts';
import { openKit, type TestKit } from './kit.ts';

/** Idle kits are closed after this long, so that a script that only runs a plugin comes to its end. */
const IDLE_MS = 2_000;

interface Shared {
  kit: Promise<TestKit>;
  users: number;
  cancelIdle: () => void;
}

const kits = new Map<string, Shared>();
/** The kits that are open, for the end of the process. */
const open = new Set<TestKit>();
let watchesExit = false;

/** Lends the kit of an installation: the first use opens it, all others share it. */
export async function withKit<T>(installation: string, use: (kit: TestKit) => Promise<T>): Promise<T> {
  const shared = kits.get(installation) ?? start(installation);
  shared.users += 1;
  shared.cancelIdle();
  try {
    return await use(await shared.kit);
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
  await Promise.all([...kits].map(([installation, shared]) => end(installation, shared)));
}

function start(installation: string): Shared {
  const kit = openKit(installation, machineTime);
  const shared = { kit, users: 0, cancelIdle() {} };
  kits.set(installation, shared);
  kit.then(
    (one) => open.add(one),
    () => kits.delete(installation),
  );
  if (!watchesExit) watchExit();
  watchesExit = true;
  return shared;
}

async function end(installation: string, shared: Shared): Promise<void> {
  shared.cancelIdle();
  if (kits.get(installation) === shared) kits.delete(installation);
  const kit = await shared.kit.catch(() => undefined);
  if (!kit) return;
  await kit.close();
  open.delete(kit);
}

/** Test runners end their workers by SIGTERM, at which no process tells that it exits. */
function watchExit() {
  process.once('exit', dropAll);
  process.once('SIGTERM', () => {
    dropAll();
    // Another listener decides what comes of the signal; without one the process ends by it, as always.
    if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
  });
}

function dropAll() {
  for (const kit of open) kit.drop();
}
