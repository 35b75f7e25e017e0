import type { Catalog } from '../../catalog/ports.ts';
import { Fault } from '../../kernel/fault.ts';

/** Within this time a client of the control socket gets its answer, before it takes the host for silent (10 s). */
const LONGEST_MS = 8_000;

/** The agents that may still be on their way: files were found that are not compiled and decided about yet. */
export type Arriving = Pick<Catalog, 'isSettled' | 'settled'>;

/**
 * Does work that names an agent. Where no agent of that name is there while plugins are still being compiled, the work is done
 * once more as soon as they are in, after 8 s at the latest: a machine that is slow says that the host is ready before all agents are.
 * `work` changes nothing before it throws `AGENT_UNKNOWN`; rejects with that fault, whose words say when an agent may still come.
 */
export async function whenAgentsAreIn<T>(arriving: Arriving, work: () => T | Promise<T>): Promise<T> {
  const mayCome = !arriving.isSettled();
  try {
    return await work();
  } catch (error) {
    if (!mayCome || !isUnknown(error)) throw error;
  }
  await arriving.settled(LONGEST_MS);
  try {
    return await work();
  } catch (error) {
    if (arriving.isSettled() || !isUnknown(error)) throw error;
    const message = `${error.plain.message} yet: plugins are still being compiled`;
    throw new Fault({ ...error.plain, message, next: 'the same again in a moment' }, { cause: error });
  }
}

function isUnknown(error: unknown): error is Fault {
  return error instanceof Fault && error.plain.code === 'AGENT_UNKNOWN';
}
