import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type FleetReport, GiveUp, z } from 'daruma';
import { atomEntry, urnOf, withEntry } from './lib/atom.ts';
import { dayBefore, dayOf, dayUntil, isMonday, machineZone, type Period, weekBefore } from './lib/days.ts';
import { isEmpty, totalsOf } from './lib/figures.ts';
import { writeWhole } from './lib/files.ts';
import { pageOf } from './lib/report-page.ts';
import { markdownOf } from './lib/report-text.ts';
import { figuresLine, verdictOf } from './lib/report-words.ts';
import { timezone } from './lib/units.ts';

const inputForm = z.object({ day: z.iso.date().optional() }).nullable();
const PAGES = { daily: /^daily-[\d-]{10}\.html$/, weekly: /^weekly-\d{4}-W\d\d\.html$/ };
/** Entries of the feed. */
const MOST_ENTRIES = 50;

export default definePlugin({
  about:
    'Reports on yesterday, and on Mondays on the week: what needs you, what healed, each agent. HTML, Markdown and a feed in reports/.',
  schedule: '0 7 * * *',
  firstRun: true,
  settings: z.strictObject({
    timezone: timezone().optional().describe('IANA zone whose day is told of. Default: the zone of the machine.'),
    keep: z.int().min(1).default(400).describe('Daily reports that are kept, and weekly ones; older ones go.'),
    weekly: z.boolean().default(true).describe('On Mondays also a report on the week.'),
    sendTo: z.array(z.string()).default([]).describe('Channel agents that are sent each report, as post-email.'),
  }),
  limits: { memory: '96MB', timeout: '2m', silence: '1m', attempts: 4 },
  needs: { fleet: true, write: ['reports'] },
  async run({ settings, fleet, folder, job, send, summary }) {
    const input = inputForm.safeParse(job.input);
    if (!input.success) throw new GiveUp(`expected { day?: "2026-11-21" }: ${z.prettifyError(input.error)}`);
    const zone = settings.timezone ?? machineZone();
    // A report that is late, because the host was down, is still the one that its slot asked for.
    const at = job.slot ?? new Date().toISOString();
    const reports = join(folder, 'reports');
    await mkdir(reports, { recursive: true });
    const asked = input.data?.day ? dayOf(input.data.day, zone) : dayBefore(at, zone);
    const { report, period } = await dayOrToday(fleet.report, asked, input.data?.day ? null : dayUntil(at, zone));
    const own = await write(reports, report, period, settings.keep);
    const markdowns = [own];
    if (settings.weekly && !input.data?.day && isMonday(dayUntil(at, zone).name)) {
      const week = weekBefore(at, zone);
      markdowns.push(await write(reports, await fleet.report({ from: week.from, to: week.to }), week, settings.keep));
    }
    for (const { post, name } of markdowns)
      for (const channel of settings.sendTo) await send(channel, post, { key: `report:${name}` });
    summary(markdowns.map(({ post }) => post.markdown).join('\n'));
    const { jobs, success, missed } = totalsOf(report);
    const needs = report.needs.length;
    return { day: period.name, file: `reports/${own.name}.html`, needs, jobs, success, missed };
  },
});

/** Yesterday is an empty sheet on the first day: `today` so far says more, and tomorrow's report replaces it. */
async function dayOrToday(
  reportOn: (period: { from: string; to: string }) => Promise<FleetReport>,
  asked: Period,
  today: Period | null,
): Promise<{ report: FleetReport; period: Period }> {
  const report = await reportOn({ from: asked.from, to: asked.to });
  const isFirst = today !== null && isEmpty(totalsOf(report)) && report.host.startedAt >= report.to;
  const soFar = isFirst ? await reportOn({ from: today.from, to: today.to }) : report;
  return isFirst && !isEmpty(totalsOf(soFar)) ? { report: soFar, period: today } : { report, period: asked };
}

/** Writes the report as a page and as Markdown, and as an entry of the feed; the oldest beyond `keep` go. */
async function write(reports: string, report: FleetReport, period: Period, keep: number) {
  const name = `${period.kind}-${period.name}`;
  const found = (await readdir(reports)).filter((file) => PAGES[period.kind].test(file));
  const pages = [...new Set(found).add(`${name}.html`)].sort();
  const markdown = markdownOf(report, period);
  const page = pageOf(report, period, pages[pages.indexOf(`${name}.html`) - 1] ?? null);
  await writeWhole(join(reports, `${name}.md`), markdown);
  await writeWhole(join(reports, `${name}.html`), page);
  const isNewest = pages.at(-1) === `${name}.html`;
  if (isNewest && period.kind === 'daily') await writeWhole(join(reports, 'latest.html'), page);
  for (const old of pages.slice(0, -keep)) {
    await rm(join(reports, old), { force: true });
    await rm(join(reports, old.replace('html', 'md')), { force: true });
  }
  const title = `Daruma, ${period.title}: ${verdictOf(report)}`;
  const url = report.page === null ? {} : { url: `${report.page}/reports` };
  const level = report.needs.length === 0 ? ('info' as const) : ('warning' as const);
  const post = { title, text: `${verdictOf(report)} ${figuresLine(report)}`, markdown, ...url, level };
  if (isNewest) await addToFeed(join(reports, 'feed.xml'), post, name, period.to);
  return { name, post };
}

async function addToFeed(file: string, post: Parameters<typeof atomEntry>[0], name: string, at: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '');
  const id = urnOf(`daruma report ${name}`);
  // A report that is made again has its entry anew.
  const rest = before.replace(/<entry>[\s\S]*?<\/entry>\n?/g, (entry) =>
    entry.includes(`<id>${id}</id>`) ? '' : entry,
  );
  const head = { id: urnOf('daruma reports'), title: 'Daruma, reports', link: post.url, author: 'Daruma' };
  const feed = withEntry(rest, { id, text: atomEntry(post, { id, at }), at }, { ...head, most: MOST_ENTRIES });
  if (feed !== null) await writeWhole(file, feed);
}
