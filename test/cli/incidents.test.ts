import fc from 'fast-check';
import { expect, it } from 'vitest';
import { incidentLines, incidentTable } from '../../src/cli/text/incident.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { widthOf } from '../../src/cli/text/width.ts';
import type { IncidentView } from '../../src/control/protocol.ts';
import { postMortemOf, seenBefore } from '../../src/control/words/post-mortem.ts';
import { clock } from './views.ts';

const look = { clock, paint: plain, width: 100 };

function incident(over: Partial<IncidentView> = {}): IncidentView {
  return {
    id: 'inc-41',
    agent: 'news-digest',
    verdict: 'out-of-memory',
    state: 'healed',
    openedAt: '2026-11-22T02:12:02.000Z',
    healedAt: '2026-11-22T02:12:06.100Z',
    endedAt: '2026-11-22T02:12:06.100Z',
    seen: "w7: the worker's heap ran full; limits.memory is 512 MB",
    version: '9c1e77ab0011',
    jobs: ['job-9f3'],
    remedies: [
      {
        kind: 'retry',
        by: 'jobs',
        at: '2026-11-22T02:12:02.000Z',
        what: 'a clean worker takes its place',
        outcome: 'did not hold',
      },
      {
        kind: 'retry',
        by: null,
        at: '2026-11-22T02:12:03.000Z',
        what: 'a clean worker takes its place',
        outcome: 'held',
      },
    ],
    timeline: [
      { at: '2026-11-22T02:12:02.000Z', what: 'seen', text: "w7: the worker's heap ran full" },
      { at: '2026-11-23T02:12:06.100Z', what: 'healed', text: 'job-9f3 of news-digest was done' },
    ],
    evidence: {
      at: '2026-11-22T02:12:02.000Z',
      tookMs: 80,
      thread: 'spins in JavaScript',
      hot: [{ name: 'digest', file: 'plugins/news-digest.ts', line: 12, share: 0.84 }],
      memory: { heapBytes: 400 * 1024 ** 2, externalBytes: 0, childrenBytes: 0, limitBytes: 512 * 1024 ** 2 },
      children: [{ pid: 7, command: 'curl', rssBytes: 5 * 1024 ** 2 }],
      lines: [{ level: 'warn', message: 'slow' }],
    },
    fingerprint: 'f-abc',
    repeats: 1,
    note: null,
    ...over,
  };
}

it('tells each incident in one line: who, what was seen, what was done, what came of it', () => {
  const open = { healedAt: null, endedAt: null };
  const lines = incidentTable(
    [
      incident({ id: 'inc-42', agent: null, verdict: 'host-lost', state: 'escalated', ...open }),
      incident({ id: 'inc-43', state: 'open', ...open }),
      incident(),
      incident({ id: 'inc-40', state: 'closed', healedAt: null }),
    ],
    look,
  );
  expect(lines[1]).toMatch(/^✗ +inc-42 +03:12 +host +host-lost: .* retry ×2 +ESCALATED$/);
  expect(lines[2]).toMatch(/^⟳ .* OPEN$/);
  expect(lines[3]).toMatch(/^✓ .* healed 4\.1s$/);
  expect(lines[4]).toMatch(/^– .* closed$/);
  expect(lines.at(-1)).toBe('  → daruma incidents inc-42');
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(100);
  expect(incidentTable([], look)).toEqual(['✓ no incidents']);
});

it('tells one in full: everything that was noticed, the evidence in sentences, the next step', () => {
  const text = incidentLines(incident({ note: 'seen\u001b[31m before' }), look).join('\n');
  expect(text).toContain('✓ inc-41  news-digest  out-of-memory  healed 4.1s');
  expect(text).toContain('  03:12:02  seen       w7:');
  expect(text).toContain('──────── Mon 2026-11-23 ────────');
  expect(text).toContain('84 % in digest plugins/news-digest.ts:12');
  expect(text).toContain('memory: heap 400 MB, external 0 B, children 0 B of 512 MB');
  expect(text).toContain('child 7: curl (5 MB)');
  expect(text).toContain('came 1 more time while it was open');
  expect(text).not.toContain('\u001b');
  const loop = incidentLines(
    incident({ verdict: 'crash-looping', state: 'open', healedAt: null, endedAt: null, evidence: null }),
    look,
  );
  expect(loop.at(-1)).toBe('  → daruma logs news-digest   daruma resume news-digest   daruma ack inc-41 "a note"');
});

it('is a post-mortem in Markdown with facts, timeline, remedies, evidence, and what was seen before', () => {
  const before = seenBefore(incident(), [
    incident(),
    incident({ id: 'inc-30' }),
    incident({ id: 'inc-29', fingerprint: 'f-other' }),
  ]);
  const text = postMortemOf(incident({ note: 'a cache without a bound' }), before, clock);
  expect(text).toContain('# inc-41: news-digest out-of-memory');
  expect(text).toContain('- **Result**: healed 4.1s');
  expect(text).toContain('- **Note**: `a cache without a bound`');
  expect(text).toContain('**retry** (did not hold) `a clean worker takes its place`');
  expect(text).toContain('84 % in digest plugins/news-digest.ts:12');
  expect(text.match(/inc-(30|29)/g)).toEqual(['inc-30']);
  expect(text).toContain('## What we learned');
});

it('is a post-mortem in which no text of an author is markup', () => {
  const hostile = fc
    .array(fc.constantFrom('`', '*', '<', '[', '\n', '#', 'a', ' ', '|'), { maxLength: 12 })
    .map((signs) => signs.join(''));
  fc.assert(
    fc.property(hostile, hostile, (seen, note) => {
      const text = postMortemOf(incident({ seen, note, evidence: { lastBeat: `at ${seen}` } }), [], clock);
      expect(text.match(/^#+ /gm)).toHaveLength(6);
      const left = withoutCode(text).replace(/\*\*[\w ]+\*\*/g, '');
      expect(left).not.toMatch(/[<|*`[]/);
    }),
  );
});

/** The Markdown without fenced blocks and code spans: a span goes from a run of backticks to the next run of the same length. */
function withoutCode(text: string): string {
  const prose = text.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '');
  const runs = [...prose.matchAll(/`+/g)];
  let left = '';
  let at = 0;
  for (const [place, run] of runs.entries()) {
    if (run.index < at) continue;
    const end = runs.slice(place + 1).find(([signs]) => signs === run[0]);
    if (!end) continue;
    left += prose.slice(at, run.index);
    at = end.index + end[0].length;
  }
  return left + prose.slice(at);
}
