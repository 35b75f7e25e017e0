import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

it('counts what an agent’s commands hold against its memory limit, and kills the worker with them', async () => {
  place = installation({
    'plugins/heavy.ts': plugin(
      // A shell that holds 200 MB of text while its worker holds nothing.
      `return context.job.attempt > 1 ? 'well' : context.exec('sh', ['-c', 'x=$(head -c 200000000 /dev/zero | tr "\\\\0" x); sleep 60; echo "$x" | wc -c']);`,
      'needs: { exec: ["sh"] }, limits: { memory: "64MB", timeout: "50s", attempts: 2, backoff: { first: "5ms", longest: "5ms" } },',
    ),
  });
  await place.start();
  const { json } = await place.daruma('run', 'heavy', '--wait', '--json');
  expect(json).toMatchObject({ state: 'done', attempt: 2, result: 'well' });
  const job = await place.daruma('jobs', json.id, '--json');
  expect(job.json.failures[0].error).toMatchObject({ code: 'OVER_LIMIT' });
});
