import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, GiveUp, z } from 'daruma';
import { leadOf, markdownOf } from './lib/daily.ts';
import { dayBefore, dayOf, dayUntil, machineZone } from './lib/days.ts';
import { isEmpty, totalsOf } from './lib/figures.ts';
import { writeWhole } from './lib/files.ts';
import { pageOf } from './lib/page.ts';
import { timezone } from './lib/units.ts';

const inputForm = z.object({ day: z.iso.date().optional() }).nullable();

export default definePlugin({
  about:
    'Reports on yesterday (on the first day: on today so far) in Markdown and as one HTML page with charts, in reports/.',
  schedule: '0 7 * * *',
  firstRun: true,
  settings: z.strictObject({
    timezone: timezone().optional().describe('IANA zone whose day is told of. Default: the zone of the machine.'),
    keep: z.int().min(1).default(400).describe('Reports that are kept; older ones go.'),
  }),
  limits: { memory: '96MB', timeout: '2m', silence: '1m', attempts: 4 },
  needs: { fleet: true, write: ['reports'] },
  async run({ settings, fleet, folder, job, summary }) {
    const input = inputForm.safeParse(job.input);
    if (!input.success) throw new GiveUp(`expected { day?: "2026-11-21" }: ${z.prettifyError(input.error)}`);
    const zone = settings.timezone ?? machineZone();
    // A report that is late, because the host was down, is still the one that its slot asked for.
    const at = job.slot ?? new Date().toISOString();
    const asked = input.data?.day ? dayOf(input.data.day, zone) : dayBefore(at, zone);
    const ofDay = await fleet.report({ from: asked.from, to: asked.to });
    // Yesterday is an empty sheet on the first day: what ran today says more. Tomorrow's report replaces it.
    const isFirst = !input.data?.day && isEmpty(totalsOf(ofDay)) && ofDay.host.startedAt >= ofDay.to;
    const today = dayUntil(at, zone);
    const soFar = isFirst ? await fleet.report({ from: today.from, to: today.to }) : ofDay;
    const [report, day] = isEmpty(totalsOf(soFar)) ? [ofDay, asked] : [soFar, isFirst ? today : asked];
    const reports = join(folder, 'reports');
    await mkdir(reports, { recursive: true });
    const own = `daily-${day.name}.html`;
    const found = (await readdir(reports)).filter((name) => /^daily-[\d-]{10}\.html$/.test(name));
    const pages = [...new Set(found).add(own)].sort();
    const markdown = markdownOf(report, day);
    const page = pageOf(report, day, leadOf(report), pages[pages.indexOf(own) - 1] ?? null);
    await writeWhole(join(reports, own.replace('html', 'md')), markdown);
    await writeWhole(join(reports, own), page);
    if (pages.at(-1) === own) await writeWhole(join(reports, 'latest.html'), page);
    for (const name of pages.slice(0, -settings.keep)) {
      await rm(join(reports, name), { force: true });
      await rm(join(reports, name.replace('html', 'md')), { force: true });
    }
    summary(markdown);
    const { jobs, success, missed } = totalsOf(report);
    return { day: day.name, file: `reports/daily-${day.name}.html`, jobs, success, missed };
  },
});
