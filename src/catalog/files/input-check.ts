import * as z from 'zod';
import type { Agent } from '../../jobs/agent.ts';
import type { PlainFault } from '../../kernel/fault.ts';

/**
 * The problem of an input (JSON text, null for no input) that a job of the agent would be given; undefined when no
 * problem is known.
 */
type InputCheck = (agent: Pick<Agent, 'name' | 'input'>, text: string | null) => PlainFault | undefined;

/** A schema with a longer text is left to the worker. */
const LONGEST_SCHEMA = 64 * 1024;
const MOST_REPORTED = 5;
/**
 * An author's regular expression can take for ever on a text that somebody else chose, and this runs in the host:
 * patterns are left to the worker, which has a timeout. Formats are left to the worker, too: those of JSON Schema are
 * narrower than those of zod.
 */
const LEFT_TO_WORKER = new Set([
  'pattern',
  'patternProperties',
  'propertyNames',
  'contentEncoding',
  'format',
  'default',
]);

/**
 * Checks inputs by the JSON Schema that the plugin's `input` was written down as, before a job is queued: an input that
 * breaks the JSON Schema is refused to its sender. The worker checks by the plugin's own schema whatever a JSON Schema
 * cannot say.
 */
export function createInputCheck(): InputCheck {
  const known = new WeakMap<object, z.ZodType | null>();

  function schemaOf(input: NonNullable<Agent['input']>): z.ZodType | null {
    const found = known.get(input);
    if (found !== undefined) return found;
    const made = readSchema(input.schema);
    known.set(input, made);
    return made;
  }

  return ({ name, input }, text) => {
    if (!input || (text === null && input.takesNothing)) return undefined;
    const schema = schemaOf(input);
    const parsed = schema?.safeParse(text === null ? null : JSON.parse(text));
    if (!parsed || parsed.success) {
      return text === null && schema === null
        ? refusal(name, 'input: nothing was given, and it wants something')
        : undefined;
    }
    const places = parsed.error.issues.slice(0, MOST_REPORTED).map(({ path, message }) => {
      return `${['input', ...path.map(String)].join('.')}: ${message}`;
    });
    return refusal(name, places.join('; '));
  };
}

function refusal(name: string, what: string): PlainFault {
  return {
    code: 'INPUT_INVALID',
    message: `what ${name} is given does not fit: ${what}`,
    next: `daruma agents ${name}`,
  };
}

/** Null: the check is left to the worker. References can make a check of a small text take for ever, too. */
function readSchema(schema: unknown): z.ZodType | null {
  try {
    const text = JSON.stringify(schema);
    if (text.length > LONGEST_SCHEMA || text.includes('"$ref"')) return null;
    return z.fromJSONSchema(withoutPatterns(schema) as Parameters<typeof z.fromJSONSchema>[0]);
  } catch {
    return null;
  }
}

/** Below `properties` the keys are the author's own: a field may be called `format`. */
function withoutPatterns(schema: unknown, isNamed = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => withoutPatterns(one));
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.entries(schema).filter(([key]) => isNamed || !LEFT_TO_WORKER.has(key));
  return Object.fromEntries(
    parts.map(([key, value]) => {
      const isData = !isNamed && (key === 'const' || key === 'enum');
      return [key, isData ? value : withoutPatterns(value, !isNamed && key === 'properties')];
    }),
  );
}
