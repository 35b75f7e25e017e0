const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'] as const;

/** Jobs that ended in some stretch of time. */
interface SparkRange {
  done: number;
  dead: number;
}

export interface SparkMark {
  letter: string;
  is: 'none' | 'fine' | 'mixed' | 'dead';
}

/**
 * A letter for each stretch, oldest first: `·` nothing ended, `▁`–`▇` all went well (height: the number, against the
 * highest), `!` some died, `✗` all died. `places` below the number of stretches puts neighbours together.
 */
export function spark(stretches: readonly SparkRange[], places = stretches.length): SparkMark[] {
  const size = Math.max(1, Math.ceil(stretches.length / places));
  const joined: SparkRange[] = [];
  for (let at = 0; at < stretches.length; at += size) {
    const part = stretches.slice(at, at + size);
    joined.push({
      done: part.reduce((sum, one) => sum + one.done, 0),
      dead: part.reduce((sum, one) => sum + one.dead, 0),
    });
  }
  const highest = Math.max(1, ...joined.map(({ done, dead }) => done + dead));
  return joined.map(({ done, dead }): SparkMark => {
    if (done + dead === 0) return { letter: '·', is: 'none' };
    if (dead > 0) return done > 0 ? { letter: '!', is: 'mixed' } : { letter: '✗', is: 'dead' };
    return { letter: BARS[Math.ceil((done / highest) * BARS.length) - 1]!, is: 'fine' };
  });
}
