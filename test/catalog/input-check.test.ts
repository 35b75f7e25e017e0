import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { AS_GIVEN } from '../../src/catalog/builder/raw-manifest.ts';
import { createInputCheck } from '../../src/catalog/files/input-check.ts';
import { schemaWords } from '../../src/control/words/input.ts';
import { definePlugin } from '../../src/plugin/define.ts';

/** As the workshop writes a schema down. */
function written(schema: z.ZodType) {
  const json = z.toJSONSchema(schema, AS_GIVEN as never);
  const takesNothing = schema.safeParse(undefined).success || schema.safeParse(null).success;
  return { name: 'mail', input: { schema: JSON.parse(JSON.stringify(json)) as unknown, takesNothing } };
}
const check = createInputCheck();
const wrongOf = (schema: z.ZodType, value: unknown) =>
  check(written(schema), value === undefined ? null : JSON.stringify(value))?.message;

const letter = z.strictObject({ to: z.email(), lines: z.array(z.string()).min(1), again: z.int().default(3) });

describe('what a job is given', () => {
  it('is checked before it is queued, with the path to what does not fit', () => {
    expect(wrongOf(letter, { to: 'a@b.example', lines: ['x'] })).toBeUndefined();
    expect(wrongOf(letter, { to: 'a@b.example', lines: [1] })).toMatch(
      /^what mail is given does not fit: input\.lines\.0: /,
    );
    expect(wrongOf(letter, { lines: ['x'] })).toContain('input.to: ');
    expect(wrongOf(letter, { to: 'a@b.example', lines: ['x'], agian: 1 })).toContain('agian');
    expect(wrongOf(letter, 'text')).toContain('input: ');
  });

  it('may be nothing where the schema says so, and only there', () => {
    expect(wrongOf(letter, undefined)).toMatch(/^what mail is given does not fit: input: /);
    expect(wrongOf(letter.optional(), undefined)).toBeUndefined();
    expect(wrongOf(letter.nullable(), undefined)).toBeUndefined();
    expect(wrongOf(z.object({ n: z.int().default(1) }).prefault({}), undefined)).toBeUndefined();
    expect(check({ name: 'mail' }, '{"any":"thing"}')).toBeUndefined();
  });

  it('is never refused here for what only the worker can judge: patterns, references, refinements', () => {
    expect(wrongOf(z.string().regex(/^(a+)+$/), 'b')).toBeUndefined();
    expect(
      wrongOf(
        z.string().refine((text) => text === 'x'),
        'y',
      ),
    ).toBeUndefined();
    const tree: z.ZodType = z.lazy(() => z.object({ of: z.array(tree) }));
    expect(wrongOf(tree, { of: [1] })).toBeUndefined();
    expect(wrongOf(tree, undefined)).toContain('nothing was given');
    // A text on which the pattern would take hours.
    const begun = performance.now();
    expect(wrongOf(z.object({ t: z.string().regex(/^(a+)+$/) }), { t: `${'a'.repeat(5_000)}!` })).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it('that the plugin takes is never refused', () => {
    const schema = z.object({
      n: z.number().max(10).optional(),
      text: z.union([z.string().max(3), z.null()]).optional(),
      list: z.array(z.enum(['a', 'b'])).default([]),
      coerced: z.coerce.number().optional(),
      trimmed: z.string().trim().max(1).optional(),
      made: z.preprocess((value) => String(value).length, z.int().max(4)),
      caught: z.int().catch(1),
      when: z.iso.datetime({ offset: true, local: true }).optional(),
      pair: z.tuple([z.string(), z.int()]).optional(),
      of: z.record(z.string(), z.int()).optional(),
      both: z.intersection(z.object({ a: z.int() }), z.object({ b: z.string().optional() })).optional(),
      kind: z
        .discriminatedUnion('is', [z.strictObject({ is: z.literal('x') }), z.object({ is: z.literal('y') })])
        .optional(),
      flag: z.stringbool().optional(),
      day: z.date().or(z.string()).optional(),
    });
    const any = fc.oneof(
      fc.integer({ min: -5, max: 20 }),
      fc.constantFrom(' a ', 'a', '5', '', 'yes', null, true, '2026-01-01T00:00:00+01:00', '2026-01-01T00:00', 1.5),
      fc.constantFrom(
        ['x', 1],
        ['x'],
        [],
        ['a', 'b'],
        { is: 'x' },
        { is: 'y', z: 1 },
        { a: 1 },
        { a: 1, b: '' },
        { k: 1 },
      ),
    );
    const value = fc.record(Object.fromEntries(Object.keys(schema.shape).map((key) => [key, any])), {
      requiredKeys: [],
    });
    let taken = 0;
    fc.assert(
      fc.property(value, (said) => {
        // Each value by itself among fitting ones, so that some are taken.
        for (const [key, one] of Object.entries(said)) {
          const given = JSON.parse(JSON.stringify({ made: 1, caught: 2, [key]: one })) as unknown;
          if (!schema.safeParse(given).success) continue;
          taken += 1;
          expect(wrongOf(schema, given), JSON.stringify(given)).toBeUndefined();
        }
      }),
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('may have fields that are called as words of JSON Schema', () => {
    const odd = z.strictObject({
      format: z.string(),
      default: z.int(),
      properties: z.strictObject({ pattern: z.string().regex(/x/) }),
      enum: z.enum(['pattern', 'format']),
    });
    const fine = { format: 'a', default: 1, properties: { pattern: 'y' }, enum: 'pattern' };
    expect(wrongOf(odd, fine)).toBeUndefined();
    expect(wrongOf(odd, { ...fine, properties: { pattern: 1 } })).toContain('input.properties.pattern: ');
    expect(wrongOf(odd, { ...fine, __proto__: 1, constructor: 2 })).toContain('constructor');
  });

  it('has the type of the schema in run', () => {
    definePlugin({
      about: 'typed',
      input: letter,
      settings: z.strictObject({ from: z.string() }),
      run({ job, settings }) {
        expectTypeOf(job.input).toEqualTypeOf<{ to: string; lines: string[]; again: number }>();
        expectTypeOf(settings).toEqualTypeOf<{ from: string }>();
      },
    });
  });
});

it('a schema is told in a line', () => {
  expect(schemaWords(written(letter).input.schema)).toBe('{ to: string, lines: string[], again?: integer }');
  const odd = z.object({ is: z.enum(['a', 'b']), of: z.array(z.union([z.string(), z.null()])), any: z.unknown() });
  expect(schemaWords(written(odd).input.schema)).toBe('{ is: "a" | "b", of: (string | null)[], any: any }');
  expect(schemaWords({})).toBe('any');
});
