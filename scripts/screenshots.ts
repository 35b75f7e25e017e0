/**
 * Takes the pictures of docs/images/ in a real browser: `npm run screenshots`, after a build. Of the page they show a real installation, of
 * the performance report the sample of its tests. `SCREENSHOTS`: another folder; `--all`: every page, dark, and as wide as a phone;
 * `--report`: the report alone.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { dayOf } from '../plugins/lib/days.ts';
import { pageOf } from '../plugins/lib/report-page.ts';
import { busyReport } from '../test/plugins/fleet-sample.ts';
import { requiredProgram } from '../test/programs.ts';
import { liveThrough, startFleet } from '../test/web/fleet.ts';

const OUT = process.env.SCREENSHOTS ?? join(import.meta.dirname, '../docs/images');
const WIDE = { width: 1180, height: 760 };
const PHONE = { width: 360, height: 740 };
/** The report at the widths of a desk and of a phone; its page has no other file. */
const REPORT = [
  { name: 'report', size: { width: 1280, height: 1180 } },
  { name: 'report-phone', size: { width: 390, height: 1150 } },
];

const OTHERS = [
  '/schedule',
  '/incidents',
  '/jobs',
  '/dlq',
  '/trends',
  '/logs',
  '/reports',
  '/host',
  '/audit',
  '/versions/price-watch',
  '/agents/news-digest',
  '/none',
];

mkdirSync(OUT, { recursive: true });
await shootReport();
if (!process.argv.includes('--report')) await shootPages();

async function shootReport() {
  const browser = await chromium.launch({ executablePath: requiredProgram('chromium'), args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.emulateMedia({ colorScheme: 'light' });
    for (const { name, size } of REPORT) {
      await page.setViewportSize(size);
      await page.setContent(pageOf(busyReport(), dayOf('2026-11-21', 'UTC'), null));
      await page.screenshot({ path: join(OUT, `${name}.png`) });
    }
  } finally {
    await browser.close();
  }
}

async function shootPages() {
  const fleet = await startFleet();
  try {
    await liveThrough(fleet, { runs: 40 });
    const shoot = async (
      name: string,
      path: string,
      { scheme = 'light', size = WIDE }: { scheme?: 'light' | 'dark'; size?: typeof WIDE } = {},
    ) => {
      await fleet.page.emulateMedia({ colorScheme: scheme });
      await fleet.page.setViewportSize(size);
      await fleet.page.goto(`${fleet.origin}${path}`);
      await fleet.page.screenshot({ path: join(OUT, `${name}.png`) });
    };
    const [dead] = (await fleet.place.daruma('jobs', 'price-watch', '--json')).json as { id: string }[];
    await shoot('overview', '/');
    await shoot('overview-phone', '/', { scheme: 'dark', size: PHONE });
    await shoot('agent', '/agents/api-health');
    await shoot('job', `/jobs/${dead!.id}`);
    if (process.argv.includes('--all'))
      for (const path of OTHERS) {
        const name = path.slice(1).replaceAll('/', '-');
        await shoot(name, path, { scheme: 'dark' });
        await shoot(`${name}-phone`, path, { size: PHONE });
      }
  } finally {
    await fleet.leave();
  }
}
