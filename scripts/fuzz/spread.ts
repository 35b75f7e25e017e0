/** Figures in short. */
export interface Spread {
  p50: number;
  p95: number;
  longest: number;
}

/** All zero when there are none. */
export function spread(figures: readonly number[]): Spread {
  const sorted = figures.map(Math.round).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), longest: sorted.at(-1) ?? 0 };
}

/** How often each name is there. */
export function counted(names: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
