import type { Operation } from '../../src/operations/operation.ts';
import { OPERATIONS } from '../../src/operations/table.ts';
import type { Contract, JsonSchema } from './schema.ts';

const HEAD = `# Operations

Printed from the table in the sources by \`npm run operations\`; do not edit. Each operation is a row of that table: the control socket checks arguments
by it, and these pages and [daruma.schema.json](daruma.schema.json) come from it.

## How to ask

The command line asks the host over its control socket (\`socket\` in \`daruma status --json\`), which only the user of the host can open. You can ask,
too: one line of JSON for each request, any number of them over one connection. Each request carries the text of the file beside the socket
(\`control.sock.token\`): the host writes it anew at each start, and refuses what does not have it (\`TOKEN_WRONG\`). A program that shall only look gets the
text of \`control.sock.reader-token\`: its client is a reader, and operations for operators are refused (\`ROLE_LACKING\`).

<!-- requests and answers -->
\`\`\`json
{ "id": 1, "op": "next", "args": { "agent": "backup", "n": 1 }, "token": "qk3…" }
{ "id": 1, "ok": true, "value": { "agent": "backup", "schedule": "0 2 * * *", … } }
\`\`\`

- An operation that fails answers \`{ "id", "ok": false, "error" }\`; \`error\` is a [Fault](#type-fault). \`ARGS_INVALID\` names the argument, and says what the
  operation takes; \`OP_UNKNOWN\` names the operation that was meant.
- An operation with items sends \`{ "id", "item" }\`, any number of times, before its answer.
- Times are ISO 8601 in UTC with milliseconds, durations end in \`Ms\`, sizes in \`Bytes\`. An argument that is not listed is refused. Results get
  further fields in later versions, and fields keep their names: accept fields that you do not know.

## What \`--json\` prints

[daruma.schema.json](daruma.schema.json) has a JSON Schema (2020-12) for each command: \`#/$defs/command.status\` is that of \`daruma status --json\`,
\`#/$defs/command.backup-list\` that of \`daruma backup list --json\`. A command that fails prints \`#/$defs/command.any-that-fails\`. What an operation takes,
answers and sends has the names \`operation.run.args\`, \`operation.run.result\` and \`operation.rehearse.item\`.`;

const KINDS = `## All operations

A \`read\` changes nothing. An \`act\` changes something, or makes the host work for long. A \`stream\` sends items until you leave. A reader sees how agents
and jobs are doing; an operator changes them, and sees what they are made of. Over the control socket you are an operator.`;

/** docs/operations.md. */
export function operationsPage({ operations, types }: Contract): string {
  const rows: [string, Operation][] = Object.entries(OPERATIONS);
  const list = [
    '| operation | kind | for | |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ([op, { kind, role, about }]) => `| [\`${op}\`](#${op.toLowerCase()}) | ${kind} | ${role} | ${about} |`,
    ),
  ].join('\n');
  const parts = rows.map(([op, { about }]) => {
    const { args, result, item } = operations[op]!;
    return [
      `### ${op}`,
      about,
      ...(Object.keys(args.properties ?? {}).length > 0 ? [argumentTable(args)] : ['No arguments.']),
      ...(item ? [`Items: ${typeWords(item)}.`] : []),
      `Result: ${typeWords(result)}.`,
    ].join('\n\n');
  });
  const used = usedBy(operations, types);
  const named = Object.keys(types)
    .filter((name) => used.has(name))
    .sort()
    .map((name) => typePart(name, types[name]!));
  return `${[HEAD, KINDS, list, ...parts, '## Types', ...named].join('\n\n')}\n`;
}

function argumentTable(args: JsonSchema): string {
  const required = new Set(args.required);
  const rows = Object.entries(args.properties ?? {}).map(([name, field]) => {
    const schema = field as JsonSchema;
    const must = required.has(name)
      ? 'needed'
      : schema.default === undefined
        ? ''
        : `\`${JSON.stringify(schema.default)}\``;
    return `| \`${name}\` | ${typeWords(schema)} | ${must} | ${schema.description ?? ''} |`;
  });
  return ['| argument | | default | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function typePart(name: string, schema: JsonSchema): string {
  const head = [`### Type ${name}`, ...(schema.description ? [schema.description] : [])];
  if (!schema.properties) return [...head, typeWords({ ...schema, description: undefined })].join('\n\n');
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties).map(([field, of]) => {
    const may = required.has(field) ? '' : ', or left out';
    return `| \`${field}\` | ${typeWords(of as JsonSchema)}${may} | ${(of as JsonSchema).description ?? ''} |`;
  });
  return [...head, ['| field | | |', '| --- | --- | --- |', ...rows].join('\n')].join('\n\n');
}

/** A type in a few words: `list of [Job](#type-job), or null`. */
function typeWords(schema: JsonSchema): string {
  if (schema.$ref) {
    const name = schema.$ref.replace('#/$defs/', '');
    return `[${name}](#type-${name.toLowerCase()})`;
  }
  const any = schema.anyOf as JsonSchema[] | undefined;
  if (any) return any.map(typeWords).join(', or ');
  if (schema.enum) return schema.enum.map((word) => `\`${word}\``).join(' ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.type === 'array') return `list of ${typeWords(schema.items as JsonSchema)}`;
  if (schema.type === 'object') return objectWords(schema);
  if (schema.type === 'string') return stringWords(schema);
  if (schema.type === 'integer' || schema.type === 'number') return numberWords(schema);
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeWords({ type } as JsonSchema)).join(', or ');
  return typeof schema.type === 'string' ? schema.type : 'any JSON';
}

function objectWords({ properties }: JsonSchema): string {
  if (!properties) return 'object';
  const fields = Object.entries(properties).map(([name, of]) => `\`${name}\`: ${typeWords(of as JsonSchema)}`);
  return `{ ${fields.join('; ')} }`;
}

function stringWords({ format, maxLength }: JsonSchema): string {
  if (format === 'date-time') return 'time';
  return maxLength === undefined ? 'text' : `text of 1–${maxLength} characters`;
}

function numberWords({ type, minimum, maximum }: JsonSchema): string {
  const word = type === 'integer' ? 'whole number' : 'number';
  return minimum !== undefined && maximum !== undefined ? `${word} from ${minimum} to ${maximum}` : word;
}

/** The types that operations use, by themselves or inside of other types. */
function usedBy(operations: Contract['operations'], types: Contract['types']): Set<string> {
  const used = new Set<string>(['Fault']);
  const refsIn = (schema: unknown) =>
    [...JSON.stringify(schema).matchAll(/"#\/\$defs\/(\w+)"/g)].map(([, name]) => name!);
  for (const name of refsIn(operations)) used.add(name);
  for (const name of used) for (const inner of refsIn(types[name])) used.add(inner);
  return used;
}
