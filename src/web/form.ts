import { Fault, type PlainFault } from '../kernel/fault.ts';

export { outcomeOf } from './act-words.ts';

import { OPERATIONS, type Op, readArgs } from '../operations/table.ts';

/** Fields that are no argument of the operation. */
const OWN_FIELDS = new Set(['csrf', 'back']);
/** `input.url`, `input.count~number`, `states`. */
const FIELD = /^([A-Za-z]\w*)((?:\.[\w-]+)*)(?:~(number|boolean|json|list))?$/;
const MOST_FIELDS = 200;

type FieldKind = 'text' | 'number' | 'boolean' | 'json' | 'list';

/** The act that a form asks for, or the fault for which it is refused. */
type FormRead = { is: 'act'; op: Op; args: Record<string, unknown> } | { is: 'refused'; fault: PlainFault };

/**
 * Reads the fields of a form for an act, which is named by its path. This file is a bundle of its own, loaded with the
 * first form: the table of operations takes memory that a page which is only looked at does not need.
 */
export function readForm(op: string, fields: URLSearchParams): FormRead {
  try {
    if (!isAct(op))
      throw new Fault({ code: 'ACT_UNKNOWN', message: `there is no act ${JSON.stringify(op.slice(0, 60))}` });
    return { is: 'act', op, args: formArguments(op, fields) };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { is: 'refused', fault: thrown.plain };
  }
}

function isAct(name: string): name is Op {
  return Object.hasOwn(OPERATIONS, name) && OPERATIONS[name as Op].kind === 'act';
}

/**
 * The arguments of an operation from the fields of a form, as the schema of the operation wants them: text, a number, a box that is ticked, a
 * list of all values of a name, JSON. An empty field is left out. `input.url` makes an object, and `~number`, `~boolean`, `~json` and `~list`
 * say what a part of it is.
 */
function formArguments(op: Op, fields: URLSearchParams): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  const names = [...new Set(fields.keys())].filter((name) => !OWN_FIELDS.has(name));
  if (names.length > MOST_FIELDS) throw invalid(`a form has at most ${MOST_FIELDS} fields`);
  for (const name of names) {
    const [, key, path, hint] = FIELD.exec(name) ?? [];
    if (key === undefined) throw invalid(`${JSON.stringify(name.slice(0, 60))} is no name of a field`);
    const parts = [key, ...path!.split('.').slice(1)];
    if (parts.some((part) => part === '__proto__')) throw invalid('__proto__ is no name of a field');
    const kind = (hint as FieldKind | undefined) ?? (parts.length > 1 ? 'text' : kindOf(op, key));
    const value = parsedField(fields.getAll(name), kind, name);
    if (value !== undefined) put(args, parts, value);
  }
  readArgs(op, args);
  return args;
}

/** The kind of an argument, out of the schema of the operation. */
function kindOf(op: Op, key: string): FieldKind {
  let schema: unknown = (OPERATIONS[op].args.shape as Record<string, unknown>)[key];
  for (let depth = 0; depth < 10; depth++) {
    const def = (schema as { def?: { type: string; innerType?: unknown; in?: unknown } } | undefined)?.def;
    if (def === undefined) return 'text';
    const inner = def.innerType ?? def.in;
    if (inner !== undefined) schema = inner;
    else if (def.type === 'boolean' || def.type === 'number') return def.type;
    else return def.type === 'array' ? 'list' : def.type === 'unknown' || def.type === 'object' ? 'json' : 'text';
  }
  return 'text';
}

function parsedField(said: string[], kind: FieldKind, name: string): unknown {
  if (kind === 'list') {
    const list = said.flatMap((one) => one.split(',')).map((one) => one.trim());
    return list.some(Boolean) ? list.filter(Boolean) : undefined;
  }
  const text = said.at(-1)!;
  if (kind === 'boolean') return text === 'on' || text === 'true' ? true : text === '' ? undefined : text !== 'false';
  if (text.trim() === '') return undefined;
  if (kind === 'number') return Number(text);
  if (kind === 'text') return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`${name} is no JSON: ${(cause as Error).message}`);
  }
}

function put(args: Record<string, unknown>, parts: readonly string[], value: unknown): void {
  let holder = args;
  for (const part of parts.slice(0, -1)) {
    if (!Object.hasOwn(holder, part) || typeof holder[part] !== 'object' || holder[part] === null) holder[part] = {};
    holder = holder[part] as Record<string, unknown>;
  }
  holder[parts.at(-1)!] = value;
}

function invalid(message: string): Fault {
  return new Fault({ code: 'FORM_INVALID', message, next: 'go back, correct the field and send the form again' });
}
