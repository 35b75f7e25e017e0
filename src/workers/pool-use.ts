/** Figures of the pools of `daruma/pg` of a worker. */
export interface PoolUse {
  /** Connections that jobs have, that are being opened, or that are being closed. */
  held: number;
  idle: number;
  /** Calls that wait for a connection. */
  waiting: number;
  max: number;
  /** Connections that were taken back from jobs that had ended, since the worker began. */
  takenBack: number;
}

/** The figures of several pools, or of the pools of several workers, as one; null of none. */
export function sumOfUse(all: readonly PoolUse[]): PoolUse | null {
  if (all.length === 0) return null;
  const sum = (key: keyof PoolUse) => all.reduce((total, use) => total + use[key], 0);
  return {
    held: sum('held'),
    idle: sum('idle'),
    waiting: sum('waiting'),
    max: sum('max'),
    takenBack: sum('takenBack'),
  };
}
