/** How a run, or all runs of a stretch of time, went. */
export type Beat = 'none' | 'fine' | 'mixed' | 'dead';

/** All that ended in a stretch of time as a beat. */
export function beatOfStretch({ done, dead }: { done: number; dead: number }): Beat {
  if (done + dead === 0) return 'none';
  if (dead === 0) return 'fine';
  return done > 0 ? 'mixed' : 'dead';
}

const STEP = 4;
/** The thicker, the worse: colours are never the only sign. */
const THICKNESS: Record<Beat, number> = { none: 2, fine: 9, mixed: 13, dead: 18 };

/** A bar for each beat, oldest first. Neighbours that are alike are one dashed line, so that a thousand bars are some kilobytes. */
export function Beats({ beats, label }: { beats: readonly Beat[]; label: string }) {
  return (
    <svg
      class="beats"
      preserveAspectRatio="xMinYMid"
      viewBox={`0 0 ${Math.max(1, beats.length) * STEP} 18`}
      role="img"
      aria-label={label}
    >
      {(['none', 'fine', 'mixed', 'dead'] as const).map((is) => {
        const d = linesOf(beats, is);
        return d && <path class={is} d={d} stroke-width={THICKNESS[is]} />;
      })}
    </svg>
  );
}

function linesOf(beats: readonly Beat[], is: Beat): string {
  let d = '';
  for (let at = 0; at < beats.length; ) {
    let end = at;
    while (end < beats.length && beats[end] === is) end++;
    if (end > at) d += `M${at * STEP} 9h${(end - at) * STEP - 1}`;
    at = Math.max(end, at + 1);
  }
  return d;
}
