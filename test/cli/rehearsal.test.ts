import { expect, test } from 'vitest';
import { dryRunLines } from '../../src/cli/text/dry-run.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { rehearsalLines } from '../../src/cli/text/rehearsal.ts';
import type { RehearsalSide, RehearsalView, RehearsedView } from '../../src/control/protocol.ts';

const look = { paint: plain, width: 100 };
const side = (over: Partial<RehearsalSide> = {}): RehearsalSide => ({
  version: '9c1e77ab',
  state: 'done',
  result: { price: 1 },
  summary: null,
  error: null,
  durationMs: 12,
  effects: [],
  refused: 0,
  logs: [],
  ...over,
});

function rehearsed(job: string, over: Partial<RehearsedView> = {}): RehearsedView {
  const base = { job, agent: 'quote', is: 'same' as const, startedAt: '2026-11-22T11:04:00.000Z', input: null };
  return { ...base, old: side(), new: side(), differences: [], differing: 0, ...over };
}

const answer = (jobs: RehearsedView[], live = false): RehearsalView => ({
  agents: [{ agent: 'quote', version: '77ab00112233', against: null, file: null }],
  live,
  jobs,
});
const refusal = { kind: 'fetch', what: 'GET https://shop.example/price', is: 'refused' as const };

test('equal outcomes stand in one row with their count, whatever the values are', () => {
  const price = (job: string, after: number) =>
    rehearsed(job, { is: 'differs', differences: [{ path: 'price', is: 'changed', before: 1, after }], differing: 1 });
  const lines = rehearsalLines(
    answer([price('job-a', 2), price('job-b', 3), rehearsed('job-c'), price('job-d', 4)]),
    look,
  );
  expect(lines.filter((line) => /job-/.test(line)).map((line) => line.trim().split(/ {2,}/).slice(0, 3))).toEqual([
    ['≠', 'job-a +2', 'differs'],
    ['✓', 'job-c', 'same'],
  ]);
  expect(lines).toContain('≠ 1 same · 3 differ');
});

test('other errors, places or requests are other outcomes', () => {
  const fails = (job: string, message: string) =>
    rehearsed(job, { is: 'fails', new: side({ state: 'failed', error: { code: 'ERROR', message } }) });
  const asks = rehearsed('job-c', { is: 'unclear', new: side({ effects: [refusal] }) });
  const lines = rehearsalLines(answer([fails('job-a', 'too dear'), fails('job-b', 'no price'), asks]), look);
  expect(lines.filter((line) => /job-/.test(line))).toHaveLength(3);
});

test('that requests which only read were refused is said first, and not with --live', () => {
  const asks = rehearsed('job-a', { is: 'unclear', new: side({ effects: [refusal] }) });
  expect(rehearsalLines(answer([asks]), look)[0]).toBe('→ --live lets requests go out that only read');
  expect(rehearsalLines(answer([asks], true), look).join('\n')).not.toContain('--live');
});

test('a dry run shows bodies whole, which secrets are missing, and that --live would let a request out', () => {
  const body = { status: 'x'.repeat(300) };
  const post = { kind: 'fetch', what: 'POST https://shop.example/', is: 'refused' as const, data: body };
  const error = { code: 'REHEARSAL_REFUSED', message: 'GET https://shop.example/price is not done in a dry run' };
  const view = { agent: 'quote', live: false, standIns: ['SHOP_TOKEN'], ...side({ effects: [post, refusal] }) };
  const refused = dryRunLines({ ...view, state: 'failed', error, refused: 2 }, look).join('\n');
  expect(refused).toContain('stand-in was given: SHOP_TOKEN');
  expect(refused).toContain(body.status);
  expect(refused).toContain('→ --live lets requests go out that only read');
  const done = dryRunLines({ ...view, summary: 'Nothing was sent.' }, look);
  expect(done.at(-1)).toBe('✓ ran to its end');
  const broken = { code: 'ERROR', message: 'no luck' };
  expect(dryRunLines({ ...view, effects: [], state: 'failed', error: broken }, look)).toContain('✗ no luck');
});
