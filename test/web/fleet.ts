import { type Browser, chromium, type Page } from 'playwright-core';
import { type Installation, installation } from '../e2e/installation.ts';
import { requiredProgram } from '../programs.ts';

/** A real installation with agents of each kind, and a browser that is signed in to its page. */
export interface Fleet {
  place: Installation;
  /** `http://127.0.0.1:41234`, without a path. */
  origin: string;
  page: Page;
  /** The link of `daruma open`: it signs one browser in, once. */
  link(): Promise<string>;
  /** A page of another browser, which has signed in as a reader. */
  readerPage(): Promise<Page>;
  /** Ends the browser and the host, and removes the folder. */
  leave(): Promise<void>;
}

const REPORT = [
  '# Sunday',
  '',
  '**214** jobs ran, **212** were done.',
  '',
  '| agent | jobs | p95 |',
  '| --- | --- | --- |',
  '| api-health | 180 | 120ms |',
  '| price-watch | 34 | 2.1s |',
].join('\n');

const plugin = (body: string, options: string) => `import { definePlugin, z } from 'daruma';
void z;
export default definePlugin({
  ${options}
  async run(context) { ${body} },
});
`;

/** The plugins: one is well, one fails until it is changed, one crashes its worker once, one makes a report. */
export const PLUGINS = {
  'plugins/api-health.ts': plugin(
    `context.log.info('asked the shop', { status: 200 }); await new Promise((done) => setTimeout(done, Math.random() * 40)); return { status: 200 };`,
    `about: 'The shop answers.', schedule: '* * * * *', input: z.object({ url: z.string().default('https://shop.example').describe('What is asked.'), tries: z.int().min(1).max(5).default(2), deep: z.boolean().optional() }).nullable(),`,
  ),
  'plugins/price-watch.ts': plugin(
    `context.log.warn('the answer is no list'); const prices: unknown = 12; for (const one of prices as number[]) context.log.info(String(one));`,
    `about: 'Tells when a price moves.', schedule: '0 6 * * *', limits: { attempts: 2, backoff: { first: '20ms' } },`,
  ),
  'plugins/news-digest.ts': plugin(
    `if (context.job.attempt === 1) { setTimeout(() => { throw new Error('the feed broke off'); }); await new Promise(() => {}); } return { posted: 4 };`,
    `about: 'Posts the news.', schedule: '0 7 * * *', limits: { attempts: 3, backoff: { first: '1s' } },`,
  ),
  'plugins/performance-report.ts': plugin(
    `context.summary(${JSON.stringify(REPORT)}); return { day: 'Sunday' };`,
    `about: 'Reports on yesterday.', schedule: '0 5,11,17,23 * * *',`,
  ),
};

/** Starts the host and opens a browser, as wide as a screen or as a phone. */
export async function startFleet(): Promise<Fleet> {
  // A missing browser is told before anything is started.
  const executablePath = requiredProgram('chromium');
  const place = installation({ ...PLUGINS, 'config/daruma.yaml': 'web: { port: 0 }\n' });
  let browser: Browser | undefined;
  const leave = async () => {
    await browser?.close();
    await place.leave();
  };
  try {
    // A guardian would start another host in place of one that stands still.
    await place.start({ guardian: false });
    const link = async () => (await place.daruma('open', '--json')).json.url as string;
    const url = await place.until(link, (found) => typeof found === 'string');
    // Chromium has no sandbox of its own under root, where the whole machine is one.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath, args });
    const page = await browser.newPage({ viewport: { width: 1180, height: 800 } });
    await page.goto(url);
    const readerPage = async () => {
      const other = await (await browser!.newContext()).newPage();
      await other.goto((await place.daruma('open', '--reader', '--json')).json.url);
      return other;
    };
    return { place, origin: new URL(url).origin, page, link, readerPage, leave };
  } catch (error) {
    await leave();
    throw error;
  }
}

/** Gives the fleet a past: jobs that were done, one that gave up, one incident that healed. */
export async function liveThrough({ place }: Pick<Fleet, 'place'>, { runs = 12 } = {}): Promise<void> {
  for (let at = 0; at < runs; at++) await place.daruma('run', 'api-health', '--wait');
  await place.daruma('run', 'price-watch', '--wait');
  await place.daruma('run', 'price-watch', '--wait');
  await place.daruma('run', 'news-digest', '--wait');
  await place.daruma('run', 'performance-report', '--wait');
}
