import type { FleetAgent } from 'daruma';

/** Plugins that keep copies of backups elsewhere, the farthest first: a bucket is in another house, a repository of restic on another disk. */
const PLUGINS = ['backup-s3', 'backup-restic'];
/** States in which an agent starts nothing. */
const STANDS_STILL = ['off', 'paused', 'quarantined', 'failed', 'needs setup'];

type Copier = Pick<FleetAgent, 'name' | 'plugin' | 'state' | 'memoryLimitBytes'>;

/** The agents in force that keep copies elsewhere, the farthest first. */
export function farthestFirst<A extends Copier>(agents: readonly A[]): A[] {
  return PLUGINS.flatMap((plugin) => agents.filter((one) => one.plugin === plugin && isInForce(one)));
}

/** Whether an agent is switched on, and its files are good. */
export function isInForce({ state, memoryLimitBytes }: Pick<Copier, 'state' | 'memoryLimitBytes'>): boolean {
  return state !== 'off' && memoryLimitBytes !== null;
}

/** Whether an agent takes up a job that it is given now. */
export function isAtWork({ state }: Pick<Copier, 'state'>): boolean {
  return !STANDS_STILL.includes(state);
}
