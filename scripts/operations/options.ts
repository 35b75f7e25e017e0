import { OPERATIONS } from '../../src/operations/table.ts';
import type { Contract, JsonSchema } from './schema.ts';

const HEAD = `/** Printed from the table of operations by \`npm run operations\`; do not edit. */
import type { OptionRow } from './ports.ts';

/** Arguments of operations that are options of commands: the command line has them without loading the table itself, and zod with it. */
export const OPERATION_OPTIONS = {
`;
const WIDEST = 120;

/** src/cli/operation-options.ts: for each operation its options by the names of the arguments, in the form that Biome keeps. */
export function optionsFile({ operations }: Contract): string {
  const parts = Object.entries(OPERATIONS).flatMap(([op, row]) => {
    const flags: Record<string, string> | undefined = 'options' in row ? row.options : undefined;
    if (!flags) return [];
    const properties = operations[op]!.args.properties as Record<string, JsonSchema>;
    const options = Object.entries(flags).map(([name, flag]) =>
      lineOf(name, { flags: flag, ...optionOf(name, properties) }),
    );
    return [`  ${op}: {\n${options.join('\n')}\n  },`];
  });
  return `${HEAD}${parts.join('\n')}\n} as const satisfies Record<string, Record<string, OptionRow>>;\n`;
}

/** The facts about an option; `words` and bounds only where the argument has them. */
function optionOf(name: string, properties: Record<string, JsonSchema>): Record<string, unknown> {
  const schema = properties[name];
  if (!schema?.description) throw new Error(`the argument ${name} is an option and has no description`);
  const about = schema.description.split('. ')[0]!.replace(/\.$/, '');
  const plain = `${about[0]!.toLowerCase()}${about.slice(1)}`;
  const words = (schema.enum ?? (schema.items as JsonSchema | undefined)?.enum) as string[] | undefined;
  if (words) {
    const isList = schema.type === 'array';
    return {
      about: `${plain}: ${words.join(', ')}${isList ? ', all (comma between)' : ''}`,
      is: isList ? 'words' : 'word',
      words,
    };
  }
  if (schema.type === 'boolean') return { about: plain, is: 'flag' };
  if (schema.format === 'date-time') return { about: `${plain}: 24h, 02:00, "Sat 02:00", 2026-11-21`, is: 'time' };
  if (schema.type === 'integer') return countOf(name, plain, schema);
  return schema.type === 'string'
    ? { about: plain, is: 'text' }
    : { about: `${plain}, as JSON; @file reads a file, - reads stdin`, is: 'json' };
}

function countOf(name: string, about: string, { minimum, maximum, default: byDefault }: JsonSchema) {
  const bounds = { least: minimum, most: maximum };
  if (name.endsWith('Ms')) return { about: `${about}: 30m, 2h`, is: 'length', ...bounds };
  return {
    about: `${about}, ${minimum} to ${maximum}`,
    is: 'count',
    ...bounds,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  };
}

/** `    limit: { flags: '--limit <n>', … },`, broken where it is too wide. */
function lineOf(name: string, option: Record<string, unknown>): string {
  const fields = Object.entries(option).map(([key, value]) => ({ key, value: literal(value) }));
  const line = `    ${name}: { ${fields.map(({ key, value }) => `${key}: ${value}`).join(', ')} },`;
  if (line.length <= WIDEST) return line;
  const lines = fields.map(({ key, value }) => {
    const field = `      ${key}: ${value},`;
    return field.length <= WIDEST ? field : `      ${key}:\n        ${value},`;
  });
  return `    ${name}: {\n${lines.join('\n')}\n    },`;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : String(value);
}
