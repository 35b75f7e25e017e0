import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { OPERATIONS, type Op } from '../../src/operations/table.ts';
import { outcomeOf } from '../../src/web/act-words.ts';
import { readForm } from '../../src/web/form.ts';
import { clock, job } from '../cli/views.ts';

const ACTS = (Object.keys(OPERATIONS) as Op[]).filter((op) => OPERATIONS[op].kind === 'act');

/** Some value of a schema: the first of each choice, and by `chance` nothing where that is allowed. */
function sampleOf(
  schema: z.core.JSONSchema.BaseSchema,
  defs: Record<string, z.core.JSONSchema.BaseSchema>,
  count: number,
): unknown {
  if (schema.$ref) return sampleOf(defs[schema.$ref.split('/').at(-1)!]!, defs, count);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return sampleOf(choices[count % choices.length] as z.core.JSONSchema.BaseSchema, defs, count);
  if (Array.isArray(schema.type))
    return sampleOf({ ...schema, type: schema.type[count % schema.type.length] }, defs, count);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[count % schema.enum.length];
  if (schema.type === 'null') return null;
  if (schema.type === 'boolean') return count % 2 === 1;
  if (schema.type === 'integer' || schema.type === 'number') return count;
  if (schema.type === 'array')
    return Array.from({ length: count }, () => sampleOf(schema.items as z.core.JSONSchema.BaseSchema, defs, count));
  if (schema.type === 'string') return schema.format === 'date-time' ? '2026-11-22T11:00:00.000Z' : 'price-watch';
  const entries = Object.entries((schema.properties ?? {}) as Record<string, z.core.JSONSchema.BaseSchema>);
  return Object.fromEntries(
    entries
      .filter(([name]) => count > 0 || schema.required?.includes(name))
      .map(([name, of]) => [name, sampleOf(of, defs, count)]),
  );
}

it.each(ACTS)('%s says what happened in a sentence, whatever its answer is', async (op) => {
  const schema = z.toJSONSchema(await OPERATIONS[op].result(), { unrepresentable: 'any' });
  const args = { job: 'job-9', name: 'a', agent: 'a', id: 'job-12', key: 'k', from: 'b', to: 'c' };
  fc.assert(
    fc.property(fc.nat(3), (count) => {
      const value = sampleOf(schema, (schema.$defs ?? {}) as never, count);
      const { text } = outcomeOf(op, value, args, clock);
      expect(text).toMatch(/^\S[^\n]{8,250}\.$/);
      expect(text).not.toMatch(/undefined|NaN|\[object|null|: done/);
    }),
  );
});

it('names whom an act was about, and leads to the page that it made', () => {
  const said = (op: Op, value: unknown, args: unknown = {}) => outcomeOf(op, value, args, clock).text;
  expect(said('pauseAll', [{ agent: 'a', until: null }])).toBe('All agents are paused until you resume them.');
  expect(said('replay', { count: 1, jobs: ['job-12'], dryRun: false })).toBe(
    'job-12 is queued again, with all its attempts.',
  );
  expect(said('run', job({ id: 'job-b', agent: 'a', state: 'queued' }))).toBe('job-b of a is queued.');
  expect(said('restart', { agent: 'a', workers: ['w1'], jobs: ['job-3'], now: false })).toBe(
    'a gets a new worker as soon as job-3 has ended.',
  );
  const begun = outcomeOf('batchStart', { id: 'batch-6' }, {}, clock);
  expect(begun).toEqual({ text: 'batch-6 has begun; this page follows it.', to: '/batches/batch-6' });
});

it('a form names the jobs of a batch one by one, or by a filter with the number that was shown', () => {
  const named = new URLSearchParams([
    ...[
      ['act', 'drop'],
      ['most', '2'],
      ['reason', 'the shop is gone'],
      ['csrf', 'x'],
      ['back', '/batches'],
    ],
    ...['job-1', 'job-2'].map((id) => ['ids', id]),
  ]);
  expect(readForm('batchStart', named)).toEqual({
    is: 'act',
    op: 'batchStart',
    args: { act: 'drop', most: 2, reason: 'the shop is gone', ids: ['job-1', 'job-2'] },
  });
  const filter = new URLSearchParams({ act: 'replay', cause: 'f-1', states: 'dead', most: '14', stale: 'on' });
  expect(readForm('batchStart', filter)).toMatchObject({
    args: { act: 'replay', cause: 'f-1', states: ['dead'], most: 14, stale: true },
  });
  expect(readForm('batchPlan', filter)).toMatchObject({ is: 'refused', fault: { code: 'ACT_UNKNOWN' } });
});
