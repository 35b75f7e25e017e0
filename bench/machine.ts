import { cpus, loadavg, totalmem } from 'node:os';

/** The machine of a figure. */
export function machineFacts() {
  return {
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load1: Math.round(loadavg()[0]! * 100) / 100,
  };
}

/** The middle of the sorted values; of an even number the lower one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
