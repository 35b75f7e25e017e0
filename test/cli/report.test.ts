import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { reportCommand } from '../../src/cli/commands/report.ts';
import { htmlReport, markdownReport } from '../../src/cli/report/layouts.ts';
import { reportText } from '../../src/cli/report/sections.ts';
import { plain } from '../../src/cli/text/paint.ts';
import type { ReportView } from '../../src/control/protocol.ts';
import { clock } from './views.ts';

type Agent = ReportView['agents'][number];

const agent = (over: Partial<Agent>): Agent => ({
  ...{ name: 'backup', plugin: 'backup', state: 'ok', why: '', schedule: null, done: 15, dead: 0, failedAttempts: 0 },
  ...{ p50Ms: 12, p95Ms: 40, p99Ms: 61, restarts: 0, slotsKept: 15, slotsMissed: 0, slotsSkipped: 0, before: null },
  ...{ strip: [], usualP95Ms: null, memoryPeakBytes: null, memoryLimitBytes: null },
  ...over,
});
const totals = {
  ...{ done: 30, dead: 1, success: 30 / 31, failedAttempts: 1, restarts: 0, slotsKept: 31, slotsMissed: 0 },
};

function report(over: Partial<ReportView> = {}): ReportView {
  return {
    ...{ from: '2026-11-20T23:00:00.000Z', to: '2026-11-21T23:00:00.000Z', hours: [], failures: [], open: [] },
    ...{ healed: [], dead: [], totals, before: { from: '2026-11-19T23:00:00.000Z', ...totals, success: 1 } },
    agents: [
      agent({}),
      agent({ name: 'shop', state: 'failed', why: '502 <b>|', dead: 1, before: { done: 9, dead: 0, p95Ms: 20 } }),
    ],
    ...over,
  };
}

describe('the report', () => {
  test('says first whether something needs you, then what ran; agents that need somebody come first', () => {
    const { title, lead, sections } = reportText(report(), clock);
    expect(title).toBe('Daruma, Sat 2026-11-21');
    expect(lead).toBe('1 thing needs you. 31 runs, 96.8 % ok, 100 % before; no slot was missed.');
    expect(sections[0]!.items).toEqual([{ text: 'shop is failed: 502 <b>|', next: 'daruma status shop' }]);
    const [first] = sections.find(({ title }) => title.startsWith('Agents'))!.table!.rows;
    expect(first).toEqual(['shop', 'failed', '16 (9)', '93.8 % (100 %)', '40ms (20ms)', '–', '–', '0', '0']);
  });

  test('never says 100 % while a run failed, and names the minutes of a period that is no whole day', () => {
    const lead = (success: number) => reportText(report({ totals: { ...totals, success } }), clock).lead;
    expect(lead(0.99999)).toContain('99.9 % ok');
    expect(lead(1)).toContain('100 % ok');
    const { title } = reportText(report({ from: '2026-11-21T11:04:00.000Z', to: '2026-11-22T11:04:00.000Z' }), clock);
    expect(title).toBe('Daruma, Sat 2026-11-21 12:04 – Sun 2026-11-22 12:04');
  });

  test('has the score of drills with models, with what to do where one went wrong', () => {
    const at = '2026-11-22T03:41:00.000Z';
    const drills = [
      { name: 'models' as const, at, words: 'chain proven 3 of 3', right: 3, of: 3 },
      { name: 'diagnosis' as const, at, words: 'diagnosis drill: 4 of 6 right; not hang, address', right: 4, of: 6 },
    ];
    const { sections } = reportText(report({ drills }), clock);
    expect(sections.find(({ title }) => title === 'Drills with models')!.items).toEqual([
      { text: 'chain proven 3 of 3 at 04:41' },
      { text: 'diagnosis drill: 4 of 6 right at 04:41; not hang, address', next: 'daruma drill diagnosis' },
    ]);
    expect(reportText(report(), clock).sections.some(({ title }) => title === 'Drills with models')).toBe(false);
  });

  test('on the first day says what there is instead of nothing', () => {
    const none = { done: 0, dead: 0, success: null, failedAttempts: 0, restarts: 0, slotsKept: 0, slotsMissed: 0 };
    const empty = { totals: none, before: { from: '2026-11-19T23:00:00.000Z', ...none } };
    expect(reportText(report(empty), clock).lead).toContain('daruma report tells of the last 24 hours');
    const now = { ...empty, to: '2026-11-22T11:04:00.000Z' };
    expect(reportText(report(now), clock).lead).toBe('Nothing ran in this time. 2 agents are ready to run.');
  });

  test('lets no text of others out of its place', () => {
    const text = reportText(report(), clock);
    expect(htmlReport(text).join('\n')).toContain('502 &lt;b&gt;|');
    expect(htmlReport(text).join('\n')).not.toMatch(/<script|<img|<link|https?:/);
    expect(markdownReport(text).join('\n')).toContain('502 \\<b\\>\\|');
  });
});

describe('the command', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-report-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function run(words: (string | undefined)[], options: object, over: object = {}) {
    const askAnyway = vi.fn(async () => ({ value: report(), down: false }));
    const out: string[] = [];
    const stage = {
      clock,
      paint: plain,
      width: 100,
      json: false,
      askAnyway,
      out: (line: string) => out.push(line),
      ...over,
    };
    const said = await reportCommand(stage as never, words, options);
    return { said, out, args: askAnyway.mock.calls[0] as unknown as [string, object] };
  }

  test('asks for whole days of this time zone, for what was since a time, or for the last 24 hours', async () => {
    const periods = await Promise.all([run([], {}), run(['daily'], {}), run(['weekly'], {}), run([], { since: '7d' })]);
    expect(periods.map(({ args }) => args[1])).toEqual([
      {},
      { from: '2026-11-20T23:00:00.000Z', to: '2026-11-21T23:00:00.000Z' },
      { from: '2026-11-14T23:00:00.000Z', to: '2026-11-21T23:00:00.000Z' },
      { from: '2026-11-15T11:04:31.000Z', to: '2026-11-22T11:04:31.000Z' },
    ]);
    await expect(run(['daly'], {})).rejects.toThrow('did you mean daily');
    await expect(run(['daily'], { since: '7d' })).rejects.toThrow('two periods');
  });

  test('writes a file in the form that its name says, and says where a file cannot be written', async () => {
    const html = join(folder, 'r.html');
    expect((await run([], { out: html })).said).toMatchObject({ lines: [expect.stringContaining(`✓ ${html}`)] });
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>/);
    await run([], { out: join(folder, 'r.md') });
    expect(readFileSync(join(folder, 'r.md'), 'utf8')).toMatch(/^# Daruma, Sat 2026-11-21\n/);
    await run([], { out: join(folder, 'r.json') }, { json: true });
    expect(JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8'))).toEqual(report());
    await expect(run([], { out: join(folder, 'no/r.md') })).rejects.toThrow('cannot write');
  });

  test('prints Markdown as it is, and ends with 4 when the last known state answered', async () => {
    const { said, out } = await run(
      [],
      { markdown: true },
      { askAnyway: async () => ({ value: report(), down: true }) },
    );
    expect(said).toBe(4);
    expect(out[0]).toBe('# Daruma, Sat 2026-11-21');
  });
});
