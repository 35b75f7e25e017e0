import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { incidentTable } from '../../src/cli/text/incident.ts';
import { jobTable } from '../../src/cli/text/job.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { statusLines } from '../../src/cli/text/status.ts';
import { table } from '../../src/cli/text/table.ts';
import { fitLine, joined, outputWidth, widthOf } from '../../src/cli/text/width.ts';
import type { IncidentView } from '../../src/control/protocol.ts';
import { agent, clock, fleet, job, status } from './views.ts';

const at = (width: number) => ({ clock, paint: plain, width });

const incident: IncidentView = {
  id: 'inc-42',
  agent: 'price-watch',
  verdict: 'crash-looping',
  fingerprint: 'f-1',
  state: 'escalated',
  seen: '5 crashes within 10 minutes: TypeError: prices is not iterable (plugins/price-watch.ts:31)',
  openedAt: '2026-11-22T10:40:00.000Z',
  healedAt: null,
  endedAt: null,
  repeats: 0,
  jobs: ['job-a02'],
  version: '9c1e77ab',
  note: null,
  remedies: [{ kind: 'fail-over', by: 'origins', at: '2026-11-22T10:40:01.000Z', what: 'x', outcome: 'pending' }],
  timeline: [],
  evidence: null,
};

describe('narrow terminals', () => {
  const long = agent({ name: 'a-name-that-is-rather-long-for-a-table', lastJob: job({ durationMs: 59_900 }) });

  test.each([60, 80, 100])('status, jobs and incidents fit into %i columns', (width) => {
    const lines = [
      ...statusLines(status({ agents: [...fleet, long] }), at(width)),
      ...jobTable(
        [job(), job({ state: 'dead', error: { code: 'X', message: 'a message that is long '.repeat(9) } })],
        at(width),
      ),
      ...incidentTable([incident], at(width)),
    ];
    for (const line of lines.flatMap((one) => fitLine(one, width)))
      expect(widthOf(line), line).toBeLessThanOrEqual(width);
  });

  test('columns go before names and states do', () => {
    const [title] = statusLines(status({ host: null, agents: fleet }), at(60));
    expect(title).toMatch(/AGENT +STATE +LAST RUN +NEXT$/);
    const wide = statusLines(status({ host: null, agents: fleet }), at(100))[0];
    expect(wide).toMatch(/AGENT +STATE +LAST RUN +NEXT +P95 +MEMORY +24 H$/);
  });

  test('the column with the smallest number goes first, and none when all fit', () => {
    const columns = [{ title: 'NAME' }, { title: 'SECOND', drop: 2 }, { title: 'FIRST', drop: 1 }];
    const rows = [['a', 'b', 'c']];
    expect(table(columns, rows, at(30))[0]).toBe('NAME  SECOND  FIRST');
    expect(table(columns, rows, at(18))).toEqual(['NAME  SECOND', 'a     b']);
    expect(table(columns, rows, at(8))).toEqual(['NAME', 'a']);
  });

  test('the parts about the host are broken between parts', () => {
    expect(joined(['one two', 'three', 'four'], ' · ', 14)).toEqual(['one two', 'three · four']);
  });
});

describe('a line that is too long for the terminal', () => {
  test('is broken between words, keeps every word, and keeps its indentation', () => {
    expect(fitLine('  one two three', 10)).toEqual(['  one two', '    three']);
    fc.assert(
      fc.property(fc.nat(6), fc.lorem({ maxCount: 20 }), fc.integer({ min: 24, max: 60 }), (spaces, text, width) => {
        const indent = ' '.repeat(spaces);
        const lines = fitLine(indent + text, width);
        for (const line of lines) {
          expect(line.startsWith(indent)).toBe(true);
          expect(widthOf(line)).toBeLessThanOrEqual(width);
        }
        expect(lines.map((line) => line.trim()).join(' ')).toBe(text.trim());
      }),
    );
  });

  test('is left whole when it is a line of code, whose columns carry a meaning', () => {
    const frame = `  > 12 |   ${'x'.repeat(90)} y`;
    expect(fitLine(frame, 60)).toEqual([frame]);
  });
});

describe('the width of the output', () => {
  test('is that of the terminal, else COLUMNS, else 100, and stays between 40 and 100', () => {
    expect(outputWidth({ columns: 72 }, {})).toBe(72);
    expect(outputWidth({}, { COLUMNS: '60' })).toBe(60);
    expect(outputWidth({}, {})).toBe(100);
    expect(outputWidth({ columns: 300 }, {})).toBe(100);
    expect(outputWidth({ columns: 12 }, {})).toBe(40);
    expect(outputWidth({}, { COLUMNS: 'wide' })).toBe(100);
  });
});
