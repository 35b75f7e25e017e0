import { definePlugin, RetryLater, z } from 'daruma';
import { endpoint, type Probe, probe } from './lib/probe.ts';
import { escapeMarkdown, markdownTable } from './lib/text.ts';
import { duration, msOf, showMany, showMs } from './lib/units.ts';

const AT_ONCE = 8;
/** Waiting longer than that would run into the next slot. */
const LONGEST_WAIT_MS = 240_000;

export default definePlugin({
  about: 'Fails when a URL does not answer, answers wrongly or too slowly; without URLs it checks Daruma itself.',
  schedule: '2-59/5 * * * *',
  firstRun: true,
  settings: z.strictObject({
    urls: z
      .array(endpoint)
      .max(100)
      .default([])
      .describe('What to check. Without any, Daruma asks its own control socket.'),
    timeout: duration().default('10s').describe('The longest that one URL may take.'),
  }),
  limits: { memory: '96MB', timeout: '4m', silence: '1m', attempts: 3, backoff: { first: '5s', longest: '20s' } },
  needs: { net: ['*'], fleet: true },
  async run({ settings, fleet, fetch, signal, beat, summary }) {
    if (settings.urls.length === 0) {
      const { asked, ok, tookMs, detail } = await fleet.health();
      const ms = Math.round(tookMs);
      summary(`Daruma's ${asked} ${ok ? 'answered' : 'failed'} after ${showMs(ms)}: ${escapeMarkdown(detail)}`);
      if (!ok) throw new Error(`Daruma's own ${asked} failed after ${showMs(ms)}: ${detail}`);
      return { checked: 1, urls: [{ url: asked, status: null, ms }] };
    }
    const probes: Probe[] = [];
    const waiting = settings.urls.entries();
    const limits = { timeoutMs: msOf(settings.timeout), signal };
    const askInTurn = async () => {
      for (const [place, wanted] of waiting) {
        probes[place] = await probe(wanted, fetch, limits);
        beat(wanted.url);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askInTurn));
    signal.throwIfAborted();
    summary(tableOf(probes));
    judge(probes);
    return { checked: probes.length, urls: probes.map(({ url, status, ms }) => ({ url, status, ms })) };
  },
});

/** Throws when anything is wrong, with everything that is. */
function judge(probes: Probe[]): void {
  const bad = probes.filter((one) => one.problem !== null);
  if (bad.length === 0) return;
  const why = bad.map(({ url, problem }) => `${url}: ${problem}`).join('; ');
  const message = `${bad.length} of ${showMany(probes.length, 'URL')} failed: ${why}`;
  // Asking again in seconds is what a server that says "too many requests" must be spared.
  if (bad.every((one) => one.retryAfterMs !== null)) {
    const wait = Math.min(LONGEST_WAIT_MS, Math.max(...bad.map((one) => one.retryAfterMs!)));
    throw new RetryLater(message, { after: `${wait}ms` });
  }
  throw new Error(message);
}

function tableOf(probes: Probe[]): string {
  const rows = probes.map(({ url, status, ms, problem }) => [
    problem === null ? '✓ ok' : '✗ failed',
    escapeMarkdown(url),
    String(status ?? '–'),
    showMs(ms),
    escapeMarkdown(problem ?? ''),
  ]);
  return markdownTable(['', 'URL', 'status:', 'took:', 'problem'], rows);
}
