import type { JobView, Ops } from '../control/protocol.ts';

type AskHost = (args: Ops['holdUps']['args']) => Promise<Ops['holdUps']['value']>;

/** Jobs that came out of the store, with what the host alone knows: why those of them wait that do. As they are where it does not answer. */
export async function withHoldUps(jobs: readonly JobView[], ask: AskHost): Promise<JobView[]> {
  const waiting = jobs.filter(({ state }) => state === 'queued' || state === 'retrying');
  if (waiting.length === 0) return [...jobs];
  try {
    const found = await ask({ jobs: waiting.map(({ id }) => id) });
    const holdUps = new Map(found.map(({ job, holdUp }) => [job, holdUp]));
    return jobs.map((job) => (waiting.includes(job) ? { ...job, holdUp: holdUps.get(job.id) ?? null } : job));
  } catch {
    return [...jobs];
  }
}
