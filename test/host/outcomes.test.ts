import { expect, it } from 'vitest';
import { noRuns } from '../../src/catalog/rollout/probation.ts';
import { countEnd } from '../../src/host/versions/probation-history.ts';
import type { Settlement } from '../../src/jobs/ports.ts';

const failed = (code: string): Settlement => ({
  job: 'job-1',
  attempt: 1,
  state: 'retrying',
  startedAt: 0,
  finishedAt: 5,
  error: { code, message: 'it failed' },
});

it('a version is blamed for its own errors, and not for a server that is down', () => {
  const before = noRuns(0);
  expect(countEnd(before, failed('ERROR'), [], false)).not.toEqual(before);
  expect(countEnd(before, failed('ORIGIN_DOWN'), [], false)).toEqual(before);
});
