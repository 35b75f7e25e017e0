import type { Hono } from 'hono';
import { Fault, toPlainFault } from '../kernel/fault.ts';
import { type AppNeeds, shortAnswer, signedIn, signInPage } from './app.ts';

/** Lines of the log that go with a job, the newest. */
const MOST_LINES = 1_000;
const MOST_INCIDENTS = 50;
/** An id that is safe in a header. */
const ID = /^job-[0-9a-z]{1,13}$/;

/** Adds `/jobs/<id>/json`: a job with its log and its incidents as a file, with what the page of the job may show. */
export function addJobDownload(app: Hono, needs: AppNeeds): void {
  const { reader } = needs;

  app.get('/jobs/:id/json', async (c) => {
    const signed = signedIn(c, needs);
    if (!signed) return signInPage(c, needs);
    const id = c.req.param('id');
    if (!ID.test(id)) return shortAnswer(c, 404, 'there is no such job');
    const { cookie } = signed;
    try {
      const job = await reader.ask('job', { id }, cookie);
      const [log, incidents] = await Promise.all([
        reader.ask('logs', { job: id, limit: MOST_LINES }, cookie).catch(() => null),
        reader.ask('incidents', { agent: job.agent, limit: MOST_INCIDENTS }, cookie).catch(() => []),
      ]);
      const linked = incidents.filter(({ jobs }) => jobs.includes(id));
      const text = `${JSON.stringify({ job, incidents: linked, log }, undefined, 2)}\n`;
      return c.body(text, 200, {
        'content-type': 'application/json; charset=utf-8',
        'content-disposition': `attachment; filename="${id}.json"`,
        'cache-control': 'no-store',
      });
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      const { code, message } = toPlainFault(thrown);
      return shortAnswer(c, code === 'JOB_UNKNOWN' ? 404 : 503, message);
    }
  });
}
