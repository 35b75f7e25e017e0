import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, z } from 'daruma';
import { farthestFirst } from './lib/copies.ts';
import { machineZone, stampOf } from './lib/days.ts';
import { writeWhole } from './lib/files.ts';
import { DRILLS, drillRows, drillTable, provenLine } from './lib/fire-drill.ts';
import { duration, msOf, timezone } from './lib/units.ts';

const FILE = /^fire-drill-[\d-]{10}\.md$/;

export default definePlugin({
  about:
    'Says once a week what of the redundancy is proven by a drill, and what is only a hope, with the command that proves it.',
  schedule: '10 5 * * SUN',
  settings: z.strictObject({
    expect: z
      .array(z.enum(DRILLS))
      .default(['faults', 'backup', 'restore'])
      .describe('What has to be proven; whatever else a drill has shown stands in the table, too.'),
    oldest: duration().default('8d').describe('A proof counts for so long.'),
    keep: z.int().min(1).default(60).describe('Tables that are kept.'),
    sendTo: z.array(z.string().min(1)).default([]).describe('Channel agents that are sent the table.'),
    timezone: timezone().optional().describe('IANA zone of the dates. Default: the zone of the machine.'),
  }),
  limits: { memory: '64MB', timeout: '2m', attempts: 4 },
  needs: { fleet: true, write: ['reports'] },
  async run({ settings, fleet, folder, send, job, summary }) {
    const zone = settings.timezone ?? machineZone();
    const { proofs, to, agents } = await fleet.report();
    // A copy elsewhere is only a hope until it was restored from there.
    const expected = farthestFirst(agents).length > 0 ? [...settings.expect, 'copy' as const] : settings.expect;
    const rows = drillRows(proofs, { expected, now: to, oldestMs: msOf(settings.oldest) });
    const day = stampOf(to, zone).slice(0, 10);
    const title = `Fire drill, ${day}: ${provenLine(rows)}`;
    const table = drillTable(rows, zone);
    const reports = join(folder, 'reports');
    await mkdir(reports, { recursive: true });
    await writeWhole(join(reports, `fire-drill-${day}.md`), `# ${title}\n\n${table}\n`);
    const kept = (await readdir(reports)).filter((name) => FILE.test(name)).sort();
    for (const old of kept.slice(0, -settings.keep)) await rm(join(reports, old), { force: true });
    const isProven = rows.every(({ is }) => is === 'proven');
    const post = {
      title,
      text: provenLine(rows),
      markdown: table,
      level: isProven ? ('info' as const) : ('warning' as const),
    };
    for (const channel of settings.sendTo) await send(channel, post, { key: `fire-drill:${job.slot ?? job.id}` });
    summary(`**${title}**\n\n${table}`);
    return {
      file: `reports/fire-drill-${day}.md`,
      rows: rows.map(({ what, is, at, tookMs }) => ({ what, is, at, tookMs })),
    };
  },
});
