import type { FleetReport } from 'daruma';
import { stampOf } from './days.ts';
import { PROOF_WORDS } from './report-words.ts';
import { clip, escapeMarkdown, markdownTable } from './text.ts';
import { showMs } from './units.ts';

type FleetProof = FleetReport['proofs'][number];

/** The promises that can be proven, in the order of the table. */
export const DRILLS = [
  'faults',
  'backup',
  'restore',
  'copy',
  'chain',
  'diagnosis',
] as const satisfies FleetProof['what'][];
type Drill = (typeof DRILLS)[number];

/** The command that proves it now. */
const PROVED_BY: Record<Drill, string> = {
  faults: 'daruma drill',
  backup: 'daruma backup now',
  restore: 'daruma run restore-drill --wait',
  copy: 'daruma run restore-drill --wait',
  chain: 'daruma drill models',
  diagnosis: 'daruma drill diagnosis',
};

/** A row of proven redundancy. `hope`: nothing has shown it, or not for long. */
export interface DrillRow {
  what: Drill;
  is: 'proven' | 'failed' | 'hope';
  /** Of the newest proof, ISO 8601; null: there is none. */
  at: string | null;
  tookMs: number | null;
  text: string;
}

interface Terms {
  expected: readonly Drill[];
  /** ISO 8601. */
  now: string;
  oldestMs: number;
}

/** The newest proof of each kind that is expected, or that is there. */
export function drillRows(proofs: readonly FleetProof[], { expected, now, oldestMs }: Terms): DrillRow[] {
  const newest = new Map<Drill, FleetProof>();
  for (const one of proofs.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    newest.set(one.what, one);
    // A copy that came back from elsewhere, and would start, is a restore, too.
    if (one.what === 'copy' && one.ok) newest.set('restore', one);
  }
  return DRILLS.filter((what) => expected.includes(what) || newest.has(what)).map((what) => {
    const proof = newest.get(what);
    if (proof === undefined) return { what, is: 'hope', at: null, tookMs: null, text: 'no drill has shown it' };
    const { at, ok, tookMs, text } = proof;
    const ageMs = Date.parse(now) - Date.parse(at);
    return { what, is: ageMs > oldestMs ? 'hope' : ok ? 'proven' : 'failed', at, tookMs, text };
  });
}

/** `3 of 4 proven; Faults that heal: only a hope`. */
export function provenLine(rows: readonly DrillRow[]): string {
  const proven = rows.filter(({ is }) => is === 'proven').length;
  const others = rows
    .filter(({ is }) => is !== 'proven')
    .map(({ what, is }) => `${PROOF_WORDS[what]}: ${is === 'failed' ? 'failed' : 'only a hope'}`);
  return [`${proven} of ${rows.length} proven`, ...others].join('; ');
}

const SIGNS = { proven: '✓ proven', failed: '✗ failed', hope: '– only a hope' };

export function drillTable(rows: readonly DrillRow[], timezone: string): string {
  const cells = rows.map(({ what, is, at, tookMs, text }) => [
    PROOF_WORDS[what],
    SIGNS[is],
    at === null ? 'never' : stampOf(at, timezone),
    showMs(tookMs),
    `${escapeMarkdown(clip(text, 200))}${is === 'proven' ? '' : ` \`${PROVED_BY[what]}\``}`,
  ]);
  return markdownTable(['', 'is', 'last drill', 'took:', 'what was shown'], cells);
}
