/**
 * Takes the pictures of docs/images/ of a real installation in a real browser: `npm run screenshots`, after a build. `SCREENSHOTS`: another
 * folder; `--all`: every page, dark, and as wide as a phone.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { liveThrough, startFleet } from '../test/web/fleet.ts';

const OUT = process.env.SCREENSHOTS ?? join(import.meta.dirname, '../docs/images');
const WIDE = { width: 1180, height: 760 };
const PHONE = { width: 360, height: 740 };

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

const fleet = await startFleet();
try {
  mkdirSync(OUT, { recursive: true });
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
