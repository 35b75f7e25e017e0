import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dayOf } from '../../plugins/lib/days.ts';
import { pageOf } from '../../plugins/lib/report-page.ts';
import { readHostFile } from '../../src/control/place.ts';
import { HANGS_MS } from '../hangs.ts';
import { busyReport } from '../plugins/fleet-sample.ts';
import { type Fleet, liveThrough, PLUGINS, startFleet } from './fleet.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** An element that scrolls. */
interface Scrolled {
  scrollHeight: number;
  scroll(x: number, y: number): void;
}

let fleet: Fleet;
let page: Page;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  fleet = await startFleet();
  page = fleet.page;
  page.setDefaultTimeout(HANGS_MS);
  await liveThrough(fleet, { runs: 3 });
});
afterAll(() => fleet?.leave());

const open = async (path: string) => {
  await page.goto(`${fleet.origin}${path}`);
  await page.locator('#beat.live').waitFor();
};
/** What came of the act that a button asked for. */
const flash = () => page.locator('#banners .banner').innerText();
const stateOf = async (agent: string) => {
  const { json } = await fleet.place.daruma('status', agent, '--json');
  return json.agents[0].state as string;
};

describe('somebody who signed in by the link', () => {
  it('is on the overview, and the link stays in no address', async () => {
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/');
    await open('/');
    expect(await page.locator('h1').innerText()).toBe('Overview');
    expect(await page.locator('#needs').innerText()).toBe('Needs you');
    const used = await page.request.get(await fleet.link(), { headers: { cookie: '' }, maxRedirects: 0 });
    expect(used.status()).toBe(303);
  });

  it('sees an agent heal, live, without touching the page', async () => {
    await open('/agents/news-digest');
    const before = await page.locator('section[aria-label="Jobs"] tbody tr').count();
    const run = fleet.place.daruma('run', 'news-digest', '--wait', '--json');
    await page.locator('.lead .state', { hasText: /retrying|healing|running/ }).waitFor();
    await page.locator('.lead .state', { hasText: 'ok' }).waitFor();
    expect((await run).json).toMatchObject({ state: 'done', attempt: 2 });
    await page.locator('section[aria-label="Jobs"] tbody tr').nth(before).waitFor();
    await open('/incidents');
    await page.locator('.state.green', { hasText: 'healed' }).first().waitFor();
  });

  it('keeps focus, open details and what was typed while the page changes', async () => {
    await open('/agents/api-health');
    await page.locator('#run-now summary').click();
    await page.locator('#input-url').fill('https://typed.example');
    const { json } = await fleet.place.daruma('run', 'api-health', '--wait', '--json');
    await page.locator(`#${json.id}`).waitFor();
    expect(await page.locator('#run-now').getAttribute('open')).not.toBeNull();
    expect(await page.locator('#input-url').inputValue()).toBe('https://typed.example');
    expect(
      await page.evaluate(
        () => (globalThis as unknown as { document: { activeElement: { id: string } } }).document.activeElement.id,
      ),
    ).toBe('input-url');
  });

  it('runs an agent with the input of a form', async () => {
    await page.locator('[name="input.tries~number"]').fill('4');
    await page.locator('#run-now button').click();
    expect(await flash()).toMatch(/ job-\w+ of api-health is \w+\.$/);
    const { json } = await fleet.place.until(
      () => fleet.place.daruma('jobs', 'api-health', '--json'),
      ({ json: jobs }) => jobs[0].input?.url === 'https://typed.example',
    );
    expect(json[0].input).toMatchObject({ url: 'https://typed.example', tries: 4 });
  });

  it('replays all dead letters of a cause, after their number was shown', async () => {
    await open('/dlq');
    await page.getByRole('link', { name: 'Replay 2…' }).click();
    expect(await page.locator('.lead').innerText()).toContain('2 jobs');
    fleet.place.write('plugins/price-watch.ts', PLUGINS['plugins/price-watch.ts'].replace('= 12;', '= [12];'));
    await fleet.place.until(
      () => fleet.place.daruma('versions', 'price-watch', '--json'),
      ({ json }) => json.versions.length === 2 && json.versions[0].agents.some((one: { runs: boolean }) => one.runs),
    );
    await page.getByRole('button', { name: 'Replay 2' }).click();
    expect(new URL(page.url()).pathname).toMatch(/^\/batches\/batch-\d+$/);
    expect(await flash()).toMatch(/ batch-\d+ has begun/);
    await page.locator('.lead', { hasText: 'done 2 replayed · 0 failed' }).waitFor();
    await open('/dlq');
    await page.locator('#list', { hasText: '0 dead letters' }).waitFor();
    await page.locator('.calm').waitFor();
  });

  it('reads what two versions differ in, and puts an agent back on the one before', async () => {
    await open('/versions/price-watch');
    expect(await page.locator('.diff .plus').first().innerText()).toContain('= [12];');
    await page
      .getByRole('button', { name: /^(Put|Force) price-watch on it$/ })
      .first()
      .click();
    expect(await flash()).toMatch(/ price-watch is on version \w+ again, after \w+\.$/);
    await page.locator('tbody tr').nth(1).filter({ hasText: 'runs it' }).waitFor();
  });

  it('reads a report', async () => {
    await open('/reports');
    expect(await page.locator('article').innerText()).toContain('214 jobs ran, 212 were done.');
    expect(await page.locator('article td').first().innerText()).toBe('api-health');
  });

  it('follows the log until it scrolls up to read, and goes on at the end', async () => {
    await page.setViewportSize({ width: 1180, height: 300 });
    await open('/logs?follow=1');
    const run = async () => (await fleet.place.daruma('run', 'api-health', '--wait', '--json')).json.id as string;
    const log = page.locator('.log');
    const state = page.locator('#follow-state');
    await state.filter({ hasText: 'follows the log' }).waitFor();
    await log.locator(`a[href="/jobs/${await run()}"]`).waitFor();
    await log.evaluate((node: Scrolled) => node.scroll(0, 0));
    await state.filter({ hasText: 'stopped' }).waitFor();
    const second = await run();
    expect(await log.locator(`a[href="/jobs/${second}"]`).count()).toBe(0);
    await log.evaluate((node: Scrolled) => node.scroll(0, node.scrollHeight));
    await log.locator(`a[href="/jobs/${second}"]`).waitFor();
    await page.setViewportSize({ width: 1180, height: 800 });
  });

  it('mutes the cause of an incident, and ends the mute', async () => {
    await open('/incidents');
    await page.getByRole('link', { name: /^inc-/ }).first().click();
    await page.getByRole('button', { name: 'Mute this cause' }).click();
    await page.locator('.facts', { hasText: 'its cause needs nobody until' }).waitFor();
    await page.getByRole('button', { name: 'End the mute' }).click();
    await page.getByRole('button', { name: 'Mute this cause' }).waitFor();
  });

  it('walks an incident back along its line of causes', async () => {
    await open('/incidents');
    await page.getByRole('link', { name: /^inc-/ }).first().click();
    const causes = page.locator('section:has(#causes)');
    const line = causes.locator('ol.lines > li');
    await line.first().waitFor();
    const kinds = await line.locator('b').allInnerTexts();
    expect(kinds).toEqual(expect.arrayContaining(['worker.gone', 'incident.opened', 'incident.healed']));
    expect(kinds.indexOf('worker.gone')).toBeLessThan(kinds.indexOf('incident.opened'));
    expect(await line.first().locator('time').getAttribute('datetime')).toMatch(/Z$/);
    expect(await causes.innerText()).toContain('by healing');
    await causes.getByRole('link', { name: 'news-digest' }).first().click();
    await page.waitForURL('**/agents/news-digest');
  });

  it('is told of a crash loop, and ends its alert by acknowledging it', async () => {
    fleet.place.write(
      'plugins/loops.ts',
      `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Crashes.', limits: { attempts: 9, backoff: { first: '10ms', longest: '10ms' } },
  async run() { setTimeout(() => { throw new Error('out of the blue'); }); await new Promise(() => {}); },
});
`,
    );
    await fleet.place.until(
      () => fleet.place.daruma('run', 'loops', '--json'),
      ({ code }) => code === 0,
    );
    await open('/alerts');
    const row = page.locator('tr', { hasText: 'loops is crash-looping' });
    await row.filter({ hasText: 'firing' }).waitFor();
    await row.getByRole('button', { name: 'Acknowledge' }).click();
    await row.filter({ hasText: 'closed by a person' }).waitFor();
    expect(await row.getByRole('button').count()).toBe(0);
    await open('/');
    expect(await page.locator('#alerts', { hasText: 'crash-looping' }).count()).toBe(0);
  });

  it('finds its way by keyboard alone', async () => {
    await open('/');
    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await page.waitForURL('**/jobs');
    await page.locator('#beat.live').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('typed.example');
    await page.keyboard.press('Enter');
    await page.waitForURL('**text=typed.example**');
    expect(await page.locator('section[aria-label="Jobs"] tbody tr').count()).toBe(1);
  });

  it('pauses everything with one button, and resumes it, without a script', async () => {
    const context = await page
      .context()
      .browser()!
      .newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
    const plain = await context.newPage();
    await plain.goto(`${fleet.origin}/`);
    await plain.locator('#pause-all summary').click();
    await plain.getByRole('button', { name: 'Pause 5 agents' }).click();
    expect(await plain.locator('#banners').innerText()).toContain('All agents are paused until you resume them.');
    expect(await stateOf('api-health')).toBe('paused');
    await plain.locator('#pause-all summary').click();
    await plain.getByRole('button', { name: 'Resume 5 agents' }).click();
    expect(await stateOf('api-health')).not.toBe('paused');
    await context.close();
  });
});

const PAGES = [
  '/',
  '/agents/api-health',
  '/agents/price-watch',
  '/jobs',
  '/incidents',
  '/dlq',
  '/alerts',
  '/schedule',
  '/versions/price-watch',
  '/trends',
  '/logs',
  '/reports',
  '/host',
  '/audit',
  '/none',
];

type Violations = { id: string; nodes: { html: string }[] }[];
const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1180, 360].map((width) => ({ colorScheme, width })),
);
const AXE_ALL = `axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(({ violations }) => violations)`;
/** The rules that colours and widths decide; the document is the same for all looks. */
const AXE_OF_LOOKS = `axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'rule', values: ['color-contrast', 'target-size', 'link-in-text-block', 'scrollable-region-focusable'] } }).then(({ violations }) => violations)`;

it('a report keeps WCAG AA on a screen and on a phone, and is never wider than either', async () => {
  const viewer = await page.context().browser()!.newPage();
  await viewer.setContent(pageOf(busyReport(), dayOf('2026-11-21', 'UTC'), null));
  await viewer.evaluate(AXE);
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [390, 1280]) {
      await viewer.emulateMedia({ colorScheme });
      await viewer.setViewportSize({ width, height: 800 });
      const seen = await viewer.evaluate<Violations>(AXE_ALL);
      expect(seen.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`)).toEqual([]);
      expect(await viewer.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    }
  await viewer.close();
});

describe('every page', () => {
  const paths = async () => {
    const incident = (await fleet.place.daruma('incidents', '--json')).json[0].id;
    const job = (await fleet.place.daruma('jobs', 'news-digest', '--json')).json[0].id;
    return [...PAGES, `/incidents/${incident}`, `/jobs/${job}`];
  };

  it('keeps WCAG AA for operators and readers, light and dark, on a screen and on a phone, and scrolls one way only', async () => {
    const all = await paths();
    const look = async (role: string, viewer: Page) => {
      const found: string[] = [];
      for (const path of all) {
        await viewer.goto(`${fleet.origin}${path}`);
        await viewer.evaluate(AXE);
        for (const [at, { colorScheme, width }] of LOOKS.entries()) {
          await viewer.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          await viewer.setViewportSize({ width, height: 800 });
          const seen = await viewer.evaluate<Violations>(at === 0 ? AXE_ALL : AXE_OF_LOOKS);
          const where = `${path} for an ${role}, ${colorScheme}, ${width}`;
          found.push(...seen.map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]!.html}`));
          const over = await viewer.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
          if (over > 0) found.push(`${where}: ${over} px too wide`);
        }
      }
      return found;
    };
    const reader = await fleet.readerPage();
    expect(await Promise.all([look('operator', page), look('reader', reader)])).toEqual([[], []]);
    await reader.context().close();
  });

  it('has targets that a finger hits at each hour: a mark may stand anywhere below the name of its lane', async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    await open('/schedule');
    await page.evaluate(AXE);
    const marks = page.locator('.lane a > svg');
    expect(await marks.count()).toBeGreaterThan(0);
    for (let share = 0; share <= 100; share += 10) {
      await marks.evaluateAll((all, x) => {
        for (const mark of all) mark.setAttribute('x', x);
      }, `${share}%`);
      const seen = await page.evaluate<Violations>(AXE_OF_LOOKS);
      expect(seen.map(({ id, nodes }) => `${share}%: ${id}: ${nodes[0]!.html}`)).toEqual([]);
    }
    await page.setViewportSize({ width: 1180, height: 800 });
  });

  it('says nothing to the console: its policy forbids nothing that it does', async () => {
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    for (const path of PAGES.slice(0, -1)) await open(path);
    expect(said).toEqual([]);
  });
});

describe('a page', () => {
  it('says that its host stands still, that it is stale itself, and that both go on', async () => {
    await page.setViewportSize({ width: 1180, height: 800 });
    await open('/');
    const host = readHostFile(fleet.place.folder)!.pid;
    const web = (await fleet.place.daruma('status', '--json')).json.web.pid as number;
    process.kill(host, 'SIGSTOP');
    try {
      await page.locator('#beat.off').waitFor();
      await page.locator('.banner', { hasText: 'host is not answering (frozen?)' }).waitFor();
      expect(await page.locator('#banners .banner').innerText()).toMatch(
        new RegExp(`process is ${host}, and it was last heard .* ago.*→ daruma health`),
      );
      expect(await page.locator('#agents').count()).toBe(1);
      process.kill(web, 'SIGSTOP');
      try {
        await page.locator('#stale').waitFor({ state: 'visible' });
        expect(await page.locator('#stale').innerText()).toMatch(/no data since \d\d:\d\d:\d\d/);
        expect(await page.locator('#beat').innerText()).toContain('no data since');
      } finally {
        process.kill(web, 'SIGCONT');
      }
    } finally {
      process.kill(host, 'SIGCONT');
    }
    await page.locator('#beat.live').waitFor();
    await page.locator('#stale').waitFor({ state: 'hidden' });
    await page.locator('#banners .banner').waitFor({ state: 'detached' });
  });
});
