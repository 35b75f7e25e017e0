import type { FromGateway } from './wire.ts';

/** Calls of one rung since the host started. */
interface RungCounts {
  rung: string;
  /** Tries by their verdict; `unfit`: answers that were of no use to their callers. */
  verdicts: Readonly<Record<string, number>>;
  /** Good tries, and the time until their first token together, in ms. */
  good: number;
  goodMs: number;
}

/** Counts the tries of rungs, for metrics. */
export interface CallCounters {
  tried(message: Extract<FromGateway, { say: 'tried' }>): void;
  unfit(message: Extract<FromGateway, { say: 'unfit' }>): void;
  view(): RungCounts[];
}

/** `counted` hears of each try, with the time until the first token of a good one. */
export function createCallCounters(
  counted: (rung: string, verdict: string, firstTokenMs?: number) => void = () => {},
): CallCounters {
  const counts = new Map<string, { verdicts: Record<string, number>; good: number; goodMs: number }>();

  function of(rung: string) {
    const found = counts.get(rung) ?? { verdicts: {}, good: 0, goodMs: 0 };
    counts.set(rung, found);
    return found;
  }

  return {
    tried({ rung, verdict, end }) {
      const sums = of(rung);
      sums.verdicts[verdict] = (sums.verdicts[verdict] ?? 0) + 1;
      if (verdict !== 'good') return counted(rung, verdict);
      sums.good += 1;
      sums.goodMs += end.ms;
      counted(rung, verdict, end.ms);
    },
    unfit({ rung }) {
      const { verdicts } = of(rung);
      verdicts.unfit = (verdicts.unfit ?? 0) + 1;
      counted(rung, 'unfit');
    },
    view: () => [...counts].map(([rung, sums]) => ({ rung, ...sums })),
  };
}
