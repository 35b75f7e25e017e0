import { type FetchOptions, GiveUp, z } from 'daruma';
import { request } from './post-request.ts';

/** A message to a monitor that speaks the pinging API of Healthchecks. `log` changes nothing there. */
export const heartbeat = z.strictObject({
  ping: z.enum(['start', 'success', 'fail', 'log']).default('success').describe('What is told.'),
  text: z.string().default('').describe('Stands with the ping; the monitor keeps the first 100 kB.'),
  run: z.uuid().optional().describe('The same for start and end of a run, so that runs side by side are told apart.'),
});

export type Heartbeat = z.output<typeof heartbeat>;

const MOST_CHARACTERS = 50_000;

interface Monitor {
  server: string;
  /** The UUID of a check, or the ping key and the slug: `key/backup`. */
  check: string;
  fetch(url: string, init: FetchOptions): Promise<Response>;
}

/** Pings once; throws where the monitor did not take it. A ping that comes twice does no harm. */
export async function ping({ ping, text, run }: Heartbeat, { server, check, fetch }: Monitor): Promise<void> {
  const url = new URL(`${server.replace(/\/+$/, '')}/${check}${ping === 'success' ? '' : `/${ping}`}`);
  if (run !== undefined) url.searchParams.set('rid', run);
  const init = { method: 'POST', body: text.slice(0, MOST_CHARACTERS), headers: { 'content-type': 'text/plain' } };
  const { body } = await request(url.href, init, { fetch, network: 'the monitor' });
  const said = String(body).trim();
  // The status is 200 also for a check that does not exist, and for a ping that was not counted.
  if (said === 'OK (not found)') throw new GiveUp('the monitor knows no such check: look at HEARTBEAT_CHECK');
  if (said === 'OK (rate limited)') throw new Error('the monitor did not count the ping: too many within a minute');
}
