import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dayBefore, dayOf } from '../../plugins/lib/days.ts';
import { pageOf } from '../../plugins/lib/report-page.ts';
import { markdownOf } from '../../plugins/lib/report-text.ts';
import performanceReport from '../../plugins/performance-report.ts';
import { runPlugin, tempFolder } from './context.ts';
import { agentOf, busyReport, reportOf } from './fleet-sample.ts';

const slot = '2026-11-22T07:00:00.000Z';
const settings = { timezone: 'UTC' };
const read = (folder: string, name: string) => readFileSync(join(folder, 'reports', name), 'utf8');

it('says what models cost each agent, and nothing where nobody asked one', () => {
  const models = [
    { agent: 'shop|x', calls: 1_200, tokens: 34_000, money: 4.2 },
    { agent: 'mail', calls: 3, tokens: 90, money: 0.00042 },
  ];
  const day = dayOf('2026-11-21', 'UTC');
  const withShop = () => reportOf({ agents: [agentOf('shop|x'), agentOf('mail')] });
  const markdown = markdownOf({ ...withShop(), models }, day);
  expect(markdown).toMatch(/mail .*\$0\.00042 \|\n\| shop\\\|x .*\$4\.20 \|/);
  expect(pageOf({ ...withShop(), models }, day, null)).toContain('<dd>$4.20</dd>');
  expect(markdownOf(busyReport(), day)).not.toContain('$');
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

describe('one truth for each figure', () => {
  it('the headline, the rows of agents, the chart and its table count the same jobs', () => {
    const report = busyReport();
    const page = pageOf(report, dayOf('2026-11-21', 'UTC'), null);
    const sum = (texts: Iterable<RegExpMatchArray>) =>
      [...texts].reduce(
        (all, found) => all + found.slice(1).reduce((row, text) => row + Number(text.replaceAll(',', '')), 0),
        0,
      );
    const headline = sum(page.matchAll(/<\/strong> ([\d,]+) jobs,/g));
    expect(headline).toBe(592);
    expect(sum(page.matchAll(/<dt>jobs<\/dt><dd>([\d,]+)</g))).toBe(headline);
    expect(sum(page.matchAll(/<th scope="row">[\d:]+<\/th><td>(\d+)<\/td><td>(\d+)<\/td>/g))).toBe(headline);
    const strips = [...page.matchAll(/aria-label="[^"]*: ([\d,]+) jobs?, [\d,]+ dead"/g)];
    expect(sum(strips)).toBe(headline);
  });

  it('paints the second eye of the doll when nothing needs anybody', () => {
    const day = dayOf('2026-11-21', 'UTC');
    expect(pageOf(busyReport(), day, null)).toContain('one eye painted: something needs you');
    expect(pageOf(reportOf({ agents: [agentOf('backup')] }), day, null)).toContain(
      'both eyes painted: nothing needs you',
    );
  });

  it('sorts agents by need: troubled, then with losses, then slow, then the rest by jobs', () => {
    const report = busyReport();
    report.agents.push(agentOf('slow', { p95Ms: 900, usualP95Ms: 300 }));
    const names = [...pageOf(report, dayOf('2026-11-21', 'UTC'), null).matchAll(/<li><p><strong>([\w-]+)</g)];
    expect(names.slice(0, 4).map(([, name]) => name)).toEqual(['price-watch', 'news-digest', 'slow', 'api-health']);
  });

  it('links to incidents, jobs and agents where there is a page', () => {
    const page = pageOf({ ...busyReport(), page: 'http://127.0.0.1:7070' }, dayOf('2026-11-21', 'UTC'), null);
    for (const path of ['/incidents/inc-42', '/incidents/inc-41', '/jobs/job-9', '/jobs/job-a02', '/agents/backup'])
      expect(page).toContain(`<a href="http://127.0.0.1:7070${path}">`);
  });
});

describe('a Monday', () => {
  const monday = '2026-11-23T07:00:00.000Z';

  it('has the week beside the day, both in the feed and sent to the channels that are named', async () => {
    const { folder, periods, sent } = await runPlugin(performanceReport, {
      slot: monday,
      settings: { ...settings, sendTo: ['post-file'] },
      report: busyReport(),
    });
    expect(periods).toEqual([
      { from: '2026-11-22T00:00:00Z', to: '2026-11-23T00:00:00Z' },
      { from: '2026-11-16T00:00:00Z', to: '2026-11-23T00:00:00Z' },
    ]);
    expect(readdirSync(join(folder, 'reports')).sort()).toEqual([
      ...['daily-2026-11-22.html', 'daily-2026-11-22.md', 'feed.xml', 'latest.html'],
      ...['weekly-2026-W47.html', 'weekly-2026-W47.md'],
    ]);
    const feed = read(folder, 'feed.xml');
    expect([...feed.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title)).toEqual([
      'Daruma, reports',
      'Daruma, Week 47 of 2026: 2 things need you.',
      'Daruma, Sunday 22 November 2026: 2 things need you.',
    ]);
    expect(sent).toHaveLength(2);
    // Made again, a report has its entry once.
    await runPlugin(performanceReport, { folder, slot: monday, settings, report: busyReport() });
    expect(read(folder, 'feed.xml').match(/<entry>/g)).toHaveLength(2);
  });
});

it('tells of 50 agents and 30 days in 300 KB', () => {
  const agents = Array.from({ length: 50 }, (_, i) => {
    const strip = Array.from({ length: 30 }, (_, day) => ({
      at: new Date(Date.parse('2026-10-22T00:00:00Z') + day * 86_400_000).toISOString(),
      done: (i * 37 + day * 11) % 90,
      dead: (i + day) % 13 === 0 ? 1 : 0,
    }));
    const sum = (of: 'done' | 'dead') => strip.reduce((all, cell) => all + cell[of], 0);
    const counts = { done: sum('done'), dead: sum('dead'), strip, usualP95Ms: 30, memoryPeakBytes: 40_000_000 };
    return agentOf(`agent-with-a-long-name-${i}`, counts);
  });
  const report = { ...busyReport(), agents, from: '2026-10-22T00:00:00.000Z', page: 'https://daruma.example' };
  const month = { ...dayOf('2026-10-22', 'UTC'), kind: 'weekly' as const, title: '30 days' };
  const page = pageOf(report, month, null);
  expect(markdownOf(report, month).length).toBeLessThan(page.length);
  expect(Buffer.byteLength(page)).toBeLessThan(300 * 1024);
});

describe('performance-report', () => {
  it('writes Markdown, a page, and the page again as the latest', async () => {
    const { folder, result, summary, periods } = await runPlugin(performanceReport, {
      slot,
      settings,
      report: busyReport(),
    });
    expect(periods).toEqual([{ from: '2026-11-21T00:00:00Z', to: '2026-11-22T00:00:00Z' }]);
    expect(readdirSync(join(folder, 'reports')).sort()).toEqual([
      'daily-2026-11-21.html',
      'daily-2026-11-21.md',
      'feed.xml',
      'latest.html',
    ]);
    expect(read(folder, 'latest.html')).toBe(read(folder, 'daily-2026-11-21.html'));
    expect(read(folder, 'daily-2026-11-21.md')).toBe(summary);
    const file = 'reports/daily-2026-11-21.html';
    expect(result).toEqual({ day: '2026-11-21', file, needs: 2, jobs: 592, success: 579 / 592, missed: 10 });
  });

  it('tells the figures, and the newest failures with their place', async () => {
    const { summary } = await runPlugin(performanceReport, { slot, settings, report: busyReport() });
    expect(summary).toContain(
      '**2 things need you.** 592 jobs, 97.8 % done, 13 dead; 10 slots missed; 1 incident healed',
    );
    expect(summary).toMatch(
      /\| news-digest \| ok \| `[▁▂▃▄▅▆▇█]{24}` \| 24 \| 100 % \| 21\.0 s \| – \| 23, 1 missed \|/,
    );
    expect(summary).toContain('→ `daruma incidents inc-42`');
    expect(summary).toContain(
      '11:40 **price-watch** TypeError: prices is not iterable at plugins/price-watch.ts:31:18',
    );
  });

  it('makes a page that needs nothing else, and lets no text out of its place', async () => {
    const report = busyReport();
    const evil = `"><img src=x onerror=alert(1)> & '`;
    report.agents.push(agentOf(evil, { state: `late${evil}` }));
    report.failures.push({ job: evil, agent: evil, at: '2026-11-21T11:40:08.000Z', error: evil, where: evil });
    const { folder } = await runPlugin(performanceReport, { slot, settings, report });
    const page = read(folder, 'latest.html');
    expect(page).not.toMatch(/<img|<script|<link|<iframe|url\(|@import|https?:/);
    expect(page).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &#39;');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('\u0007');
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const tag of ['svg', 'section', 'table', 'tr', 'td', 'th', 'div', 'g', 'li', 'ul', 'dl', 'details'])
      expect(page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length, tag).toBe(
        page.match(new RegExp(`</${tag}>`, 'g'))?.length,
      );
  });

  it('reads well when nothing ran yet', async () => {
    const quiet = { done: 0, slotsKept: 0, p50Ms: null, p95Ms: null, p99Ms: null };
    const report = reportOf({ agents: [agentOf('backup', quiet), agentOf('post-file', { ...quiet, schedule: null })] });
    report.host.startedAt = '2026-11-22T08:00:00.000Z';
    const { folder, result, summary } = await runPlugin(performanceReport, { slot, settings, report });
    const sentence = 'Nothing ran in this time, for Daruma was started later.';
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
    const { folder, result, summary, periods } = await runPlugin(performanceReport, { slot, settings, report });
    expect(periods.at(-1)).toEqual({ from: '2026-11-22T00:00:00Z', to: slot });
    expect(result).toMatchObject({ day: '2026-11-22', jobs: 592 });
    expect(summary).toContain('# Daruma, Sunday 22 November 2026, so far');
    expect(read(folder, 'latest.html')).toContain('592');
  });

  it('makes the report of a day that is asked for, without taking it for the latest', async () => {
    const folder = tempFolder();
    await runPlugin(performanceReport, { folder, slot, settings });
    const newest = read(folder, 'latest.html');
    await runPlugin(performanceReport, { folder, settings, input: { day: '2026-11-03' }, report: busyReport() });
    expect(read(folder, 'daily-2026-11-03.html')).toContain('Tuesday 3 November 2026');
    expect(read(folder, 'latest.html')).toBe(newest);
    await expect(runPlugin(performanceReport, { folder, settings, input: { day: 'monday' } })).rejects.toThrow(
      'expected { day?',
    );
  });

  it('leads to the day before and keeps as many days as it is told', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'reports'));
    for (const day of ['18', '19', '20'])
      for (const kind of ['html', 'md']) writeFileSync(join(folder, `reports/daily-2026-11-${day}.${kind}`), 'old');
    writeFileSync(join(folder, 'reports/mine.html'), 'not a report');
    await runPlugin(performanceReport, { folder, slot, settings: { ...settings, keep: 2 } });
    expect(read(folder, 'latest.html')).toContain('<a href="daily-2026-11-20.html">');
    expect(readdirSync(join(folder, 'reports')).sort()).toEqual([
      ...['daily-2026-11-20.html', 'daily-2026-11-20.md', 'daily-2026-11-21.html', 'daily-2026-11-21.md'],
      ...['feed.xml', 'latest.html', 'mine.html'],
    ]);
  });

  it('makes its folder when it is missing', async () => {
    const { folder } = await runPlugin(performanceReport, { slot, settings });
    expect(existsSync(join(folder, 'reports/latest.html'))).toBe(true);
  });
});
