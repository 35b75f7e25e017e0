import { z } from 'zod';
import { COMMAND_RESULTS } from '../../src/operations/commands.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { errorResult, helpResult, programResult } from '../../src/operations/results/command.ts';
import { OPERATIONS } from '../../src/operations/table.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The published contract: JSON Schemas by name. Types are written once, and commands and operations refer to them. */
export interface Contract {
  /** The schema of each command's `--json`, by the words of the command. */
  commands: Record<string, JsonSchema>;
  operations: Record<string, { args: JsonSchema; result: JsonSchema; item?: JsonSchema }>;
  /** Types with a name, as `Job`. */
  types: Record<string, JsonSchema>;
}

/** Reads the whole table. */
export async function contractOf(): Promise<Contract> {
  const rows: [string, Operation][] = Object.entries(OPERATIONS);
  const results: Record<string, z.ZodType> = {
    'command any that fails': errorResult,
    'command --help': helpResult,
    'command --version': programResult,
  };
  for (const [words, schema] of Object.entries(COMMAND_RESULTS)) results[`command ${words}`] = schema;
  for (const [op, { result, item }] of rows) {
    results[`result ${op}`] = await result();
    if (item) results[`item ${op}`] = await item();
  }
  const { properties: published, $defs: types } = schemaOf(z.strictObject(results), 'output');
  const named = (kind: string, name: string) => published![`${kind} ${name}`] as JsonSchema;
  return {
    commands: Object.fromEntries(
      Object.keys(results).flatMap((key) =>
        key.startsWith('command ') ? [[key.slice(8), published![key] as JsonSchema]] : [],
      ),
    ),
    operations: Object.fromEntries(
      rows.map(([op, { args, item }]) => {
        const { $schema: _, ...schema } = schemaOf(args, 'input');
        return [op, { args: schema, result: named('result', op), ...(item ? { item: named('item', op) } : {}) }];
      }),
    ),
    types: types!,
  };
}

/** Arguments are strict. Results may get further fields, which clients have to accept: their schemas are open. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, {
    io,
    override({ jsonSchema: made }) {
      if (io === 'output' && made.additionalProperties === false) delete made.additionalProperties;
      if (made.minimum === Number.MIN_SAFE_INTEGER) delete made.minimum;
      if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
      delete made.propertyNames;
    },
  });
}

/** docs/daruma.schema.json. */
export function schemaFile({ commands, operations, types }: Contract): string {
  const $defs: Record<string, JsonSchema> = { ...types };
  for (const [words, schema] of Object.entries(commands)) $defs[`command.${words.replaceAll(' ', '-')}`] = schema;
  for (const [op, { args, result, item }] of Object.entries(operations)) {
    $defs[`operation.${op}.args`] = args;
    $defs[`operation.${op}.result`] = result;
    if (item) $defs[`operation.${op}.item`] = item;
  }
  const $schema = 'https://json-schema.org/draft/2020-12/schema';
  const title = 'What daruma prints with --json, and what its operations take and answer';
  return `${JSON.stringify({ $schema, title, $defs }, null, 2)}\n`;
}
