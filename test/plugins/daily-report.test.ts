import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import dailyReport from '../../plugins/daily-report.ts';
import { markdownOf } from '../../plugins/lib/daily.ts';
import { dayBefore, dayOf } from '../../plugins/lib/days.ts';
import { pageOf } from '../../plugins/lib/page.ts';
import { runPlugin, tempFolder } from './context.ts';
import { agentOf, busyReport, reportOf } from './fleet-sample.ts';

const slot = '2026-11-22T07:00:00.000Z';
const settings = { timezone: 'UTC' };
const read = (folder: string, name: string) => readFileSync(join(folder, 'reports', name), 'utf8');

it('says what models cost, the dearest agent first, and nothing where nobody asked one', () => {
  const models = [
    { agent: 'shop|x', calls: 1_200, tokens: 34_000, money: 4.2 },
    { agent: 'mail', calls: 3, tokens: 90, money: 0.00042 },
  ];
  const day = dayOf('2026-11-21', 'UTC');
  const markdown = markdownOf({ ...busyReport(), models }, day);
  expect(markdown).toMatch(/## Models\n\n.*calls.*\n.*\n.*1,200.*34,000.*\$4\.20.*\n.*mail.*\$0\.00042/);
  expect(pageOf({ ...busyReport(), models }, day, '', null)).toContain('<td>$4.20</td>');
  expect(markdownOf(busyReport(), day)).not.toContain('## Models');
});

describe('yesterday', () => {
  it('is the day of the time zone', () => {
    expect(dayBefore('2026-11-22T03:00:00Z', 'America/New_York').name).toBe('2026-11-20');
    expect(dayBefore('2026-11-22T12:00:00Z', 'Pacific/Auckland').name).toBe('2026-11-22');
  });

  it('has 23 hours in spring and 25 in autumn', () => {
    const hours = (name: string) => {
      const { from, to } = dayOf(name, 'Europe/Berlin');
      return (Date.parse(to) - Date.parse(from)) / 3_600_000;
    };
    expect([hours('2026-03-29'), hours('2026-10-25'), hours('2026-11-21')]).toEqual([23, 25, 24]);
  });
});

describe('daily-report', () => {
  it('writes Markdown, a page, and the page again as the latest', async () => {
    const { folder, result, summary, periods } = await runPlugin(dailyReport, { slot, settings, report: busyReport() });
    expect(periods).toEqual([{ from: '2026-11-21T00:00:00Z', to: '2026-11-22T00:00:00Z' }]);
    expect(readdirSync(join(folder, 'reports')).sort()).toEqual([
      'daily-2026-11-21.html',
      'daily-2026-11-21.md',
      'latest.html',
    ]);
    expect(read(folder, 'latest.html')).toBe(read(folder, 'daily-2026-11-21.html'));
    expect(read(folder, 'daily-2026-11-21.md')).toBe(summary);
    const file = 'reports/daily-2026-11-21.html';
    expect(result).toEqual({ day: '2026-11-21', file, jobs: 592, success: 579 / 592, missed: 10 });
  });

  it('tells the figures, and the newest failures with their place', async () => {
    const { summary } = await runPlugin(dailyReport, { slot, settings, report: busyReport() });
    expect(summary).toContain('592 jobs, 97.8 % done, 13 dead; 10 slots missed. 6 workers replaced.');
    expect(summary).toContain('| news-digest | ok | 24 | 100 % | 9.0 s | 21.0 s | 24.5 s | 1 | 23 | **1** |');
    expect(summary).toContain(
      '11:40 **price-watch** TypeError: prices is not iterable at plugins/price-watch.ts:31:18',
    );
  });

  it('makes a page that needs nothing else, and lets no text out of its place', async () => {
    const report = busyReport();
    const evil = `"><img src=x onerror=alert(1)> & '`;
    report.agents.push(agentOf(evil, { state: `late${evil}` }));
    report.failures.push({ job: evil, agent: evil, at: '2026-11-21T11:40:08.000Z', error: evil, where: evil });
    const { folder } = await runPlugin(dailyReport, { slot, settings, report });
    const page = read(folder, 'latest.html');
    expect(page).not.toMatch(/<img|<script|<link|<iframe|url\(|@import|https?:/);
    expect(page).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &#39;');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('\u0007');
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const tag of ['svg', 'section', 'table', 'tr', 'td', 'th', 'div', 'g', 'li', 'ul', 'details'])
      expect(page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length, tag).toBe(
        page.match(new RegExp(`</${tag}>`, 'g'))?.length,
      );
  });

  it('reads well when nothing ran yet', async () => {
    const quiet = { done: 0, slotsKept: 0, p50Ms: null, p95Ms: null, p99Ms: null };
    const report = reportOf({ agents: [agentOf('backup', quiet), agentOf('post-file', { ...quiet, schedule: null })] });
    report.host.startedAt = '2026-11-22T08:00:00.000Z';
    const { folder, result, summary } = await runPlugin(dailyReport, { slot, settings, report });
    const sentence = 'Nothing ran on this day, for Daruma was started later.';
    expect(summary).toContain(sentence);
    expect(summary).toContain('- backup: `0 2 * * *`\n- post-file: when it is sent a job');
    expect(read(folder, 'latest.html')).toContain(sentence);
    expect(read(folder, 'latest.html')).not.toMatch(/NaN|undefined|null|Infinity/);
    expect(result).toMatchObject({ jobs: 0, success: null, missed: 0 });
  });

  it('tells of today so far when Daruma was started today', async () => {
    const report = (from: string) => {
      const found = from.startsWith('2026-11-22') ? busyReport() : reportOf();
      return { ...found, host: { ...found.host, startedAt: '2026-11-22T06:59:00.000Z' } };
    };
    const { folder, result, summary, periods } = await runPlugin(dailyReport, { slot, settings, report });
    expect(periods.at(-1)).toEqual({ from: '2026-11-22T00:00:00Z', to: slot });
    expect(result).toMatchObject({ day: '2026-11-22', jobs: 592 });
    expect(summary).toContain('# Daruma, Sunday 22 November 2026, so far');
    expect(read(folder, 'latest.html')).toContain('592');
  });

  it('makes the report of a day that is asked for, without taking it for the latest', async () => {
    const folder = tempFolder();
    await runPlugin(dailyReport, { folder, slot, settings });
    const newest = read(folder, 'latest.html');
    await runPlugin(dailyReport, { folder, settings, input: { day: '2026-11-03' }, report: busyReport() });
    expect(read(folder, 'daily-2026-11-03.html')).toContain('Tuesday 3 November 2026');
    expect(read(folder, 'latest.html')).toBe(newest);
    await expect(runPlugin(dailyReport, { folder, settings, input: { day: 'monday' } })).rejects.toThrow(
      'expected { day?',
    );
  });

  it('leads to the day before and keeps as many days as it is told', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'reports'));
    for (const day of ['18', '19', '20'])
      for (const kind of ['html', 'md']) writeFileSync(join(folder, `reports/daily-2026-11-${day}.${kind}`), 'old');
    writeFileSync(join(folder, 'reports/mine.html'), 'not a report');
    await runPlugin(dailyReport, { folder, slot, settings: { ...settings, keep: 2 } });
    expect(read(folder, 'latest.html')).toContain('<a href="daily-2026-11-20.html">');
    expect(readdirSync(join(folder, 'reports')).sort()).toEqual([
      ...['daily-2026-11-20.html', 'daily-2026-11-20.md', 'daily-2026-11-21.html', 'daily-2026-11-21.md'],
      ...['latest.html', 'mine.html'],
    ]);
  });

  it('makes its folder when it is missing', async () => {
    const { folder } = await runPlugin(dailyReport, { slot, settings });
    expect(existsSync(join(folder, 'reports/latest.html'))).toBe(true);
  });
});
