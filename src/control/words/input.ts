import type { AgentView } from '../protocol.ts';

const DEEPEST = 4;

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: unknown;
}

/** `{ url: string, retries?: integer, tags?: string[] }` of a JSON Schema, as short as a person wants it; `any` where it says nothing. */
export function schemaWords(schema: unknown, depth = 0): string {
  if (typeof schema !== 'object' || schema === null) return 'any';
  const { type, enum: words, anyOf, oneOf, allOf, items, properties, required = [] } = schema as Schema;
  if ('const' in schema) return JSON.stringify((schema as Schema).const);
  if (words) return words.map((word) => JSON.stringify(word)).join(' | ');
  const several = anyOf ?? oneOf;
  if (several) return [...new Set(several.map((one) => schemaWords(one, depth + 1)))].join(' | ');
  if (allOf) return allOf.map((one) => schemaWords(one, depth + 1)).join(' & ');
  if (Array.isArray(type)) return type.join(' | ');
  if (type === 'array') {
    const inner = schemaWords(items, depth + 1);
    return inner.includes(' ') && !inner.startsWith('{') ? `(${inner})[]` : `${inner}[]`;
  }
  if (type !== 'object') return type ?? 'any';
  if (!properties || Object.keys(properties).length === 0) return 'object';
  if (depth >= DEEPEST) return '{ … }';
  const parts = Object.entries(properties).map(
    ([name, one]) => `${name}${required.includes(name) ? '' : '?'}: ${schemaWords(one, depth + 1)}`,
  );
  return `{ ${parts.join(', ')} }`;
}

/** `{ url: string }, or nothing`; what a plugin without `input` takes is anything. */
export function inputWords({ input }: Pick<AgentView, 'input'>): string {
  if (!input) return 'anything: its plugin has no `input`';
  return `${schemaWords(input.schema)}${input.takesNothing ? ', or nothing' : ''}`;
}
