import { given } from '../../kernel/given.ts';
import { bareModule, GRANTABLE } from '../../kernel/plugin-modules.ts';
import { describe, isError, sentenceOf } from '../../kernel/reasons.ts';
import type { Issue } from '../files/issues.ts';
import type { FromInside, RawManifest } from './messages.ts';

/** The part of zod's API that is asked of a settings schema, of the lent zod or of the plugin's own. */
interface Schema {
  _zod: unknown;
  toJSONSchema(options: object): unknown;
  safeParseAsync(value: unknown): Promise<{ success: boolean; error?: { issues: Issue[] } }>;
}

/** Thrown for a guarded module, with its name, where a plugin is loaded only to be inspected. */
export class GuardedModule extends Error {}

/** The form in which a schema is written down. */
const AS_WRITTEN = { target: 'draft-7', io: 'input', unrepresentable: 'any', cycles: 'ref' };
const MARK = Symbol.for('daruma.plugin');
/** Functions are taken before the plugin is loaded, which may put its own in their place. */
const { parse, stringify } = JSON;

/** The answer for a default export. `hasGrantable`: whether the plugin imported the module that needs can grant. */
export async function rawManifestOf(
  found: unknown,
  { settings, hasGrantable }: { settings: readonly string[]; hasGrantable(): boolean },
): Promise<FromInside> {
  if (typeof found !== 'object' || found === null || (found as Record<symbol, unknown>)[MARK] !== true) {
    return refuse('not-a-plugin', kindOf(found));
  }
  const { run, settings: schema, input, webhook, ...rest } = found as Record<string, unknown>;
  const { hook, body } = withoutBody(webhook);
  const definition: Record<string, unknown> = { ...rest, ...hook };
  if (hasGrantable() && !asksFor(definition.needs)) return refuse('guarded', GRANTABLE);
  if (typeof run !== 'function') return refuse('bad-run', kindOf(run));
  if (schema !== undefined && !isSchema(schema)) return refuse('bad-settings', kindOf(schema));
  if (input !== undefined && !isSchema(input)) return refuse('bad-input', kindOf(input));
  if (body !== undefined && !isSchema(body)) return refuse('bad-body', kindOf(body));
  if (input && body) return refuse('two-inputs', '');
  let given: RawManifest['input'];
  try {
    given = input ? await inputOf(input) : body && deliveriesOf(body);
  } catch (thrown) {
    return refuse(input ? 'bad-input' : 'bad-body', thrown);
  }
  try {
    const settingsSchema = schema?.toJSONSchema(AS_WRITTEN) ?? null;
    const issues: Issue[][] = [];
    for (const text of settings) issues.push(await issuesOf(schema, parse(text)));
    const manifest = { definition: toPlain(definition), settingsSchema: toPlain(settingsSchema) };
    return { ok: true, manifest: given ? { ...manifest, input: given } : manifest, issues };
  } catch (thrown) {
    return refuse('bad-settings', thrown);
  }
}

/** The answer for a plugin that threw while it was loaded. */
export function refusedLoad(thrown: unknown): FromInside {
  return thrown instanceof GuardedModule ? refuse('guarded', thrown) : refuse('threw', thrown);
}

/** The schema of the input that its jobs may be given; no input is handed over as undefined or null. */
async function inputOf(schema: Schema): Promise<NonNullable<RawManifest['input']>> {
  const [one, other] = [await schema.safeParseAsync(undefined), await schema.safeParseAsync(null)];
  return { schema: toPlain(schema.toJSONSchema(AS_GIVEN)), takesNothing: one.success || other.success };
}

/** The definition's part about deliveries without the schema of their body, which is code. */
function withoutBody(webhook: unknown): { hook: { webhook?: unknown }; body?: unknown } {
  if (webhook === undefined) return { hook: {} };
  if (typeof webhook !== 'object' || webhook === null) return { hook: { webhook } };
  const { input: body, ...rest } = webhook as Record<string, unknown>;
  return { hook: { webhook: rest }, body };
}

/** The schema of deliveries, of the schema of their body. A job that no delivery made is given nothing. */
function deliveriesOf(body: Schema): NonNullable<RawManifest['input']> {
  const textOrNull = { anyOf: [{ type: 'string' }, { type: 'null' }] };
  const schema = {
    type: 'object',
    properties: { event: textOrNull, delivery: textOrNull, body: toPlain(body.toJSONSchema(AS_GIVEN)) },
    required: ['event', 'delivery', 'body'],
  };
  return { schema, takesNothing: true };
}

async function issuesOf(schema: Schema | undefined, value: object): Promise<Issue[]> {
  if (!schema) {
    const keys = Object.keys(value);
    return keys.length === 0 ? [] : [{ code: 'unrecognized_keys', message: 'takes no settings', path: [], keys }];
  }
  const result = await schema.safeParseAsync(value);
  return (result.error?.issues ?? []).map(({ code, message, path, keys }) => ({
    code,
    message,
    path: path.map((step) => (typeof step === 'number' ? step : String(step))),
    ...given({ keys }),
  }));
}

function asksFor(needs: unknown): boolean {
  const { modules } = (needs ?? {}) as { modules?: unknown };
  return Array.isArray(modules) && modules.some((name) => bareModule(String(name)) === GRANTABLE);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && '_zod' in value && 'toJSONSchema' in value;
}

/** A copy of any value of an author; a function becomes an empty object, so that the schema says what was expected. */
function toPlain(value: unknown): unknown {
  const text = stringify(value, (_, part) =>
    typeof part === 'function' || typeof part === 'symbol' ? {} : typeof part === 'bigint' ? String(part) : part,
  );
  return text === undefined ? undefined : parse(text);
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function refuse(because: Extract<FromInside, { ok: false }>['because'], thrown: unknown): FromInside {
  if (!isError(thrown)) {
    return { ok: false, because, name: '', message: typeof thrown === 'string' ? thrown : describe(thrown), stack: '' };
  }
  return {
    ok: false,
    because,
    name: String(thrown.name),
    message: thrown instanceof GuardedModule ? thrown.message : sentenceOf(thrown),
    stack: String(thrown.stack),
  };
}

/**
 * The parts of zod's inner view of a schema that are read here; the plugin brings its own copy of zod in its bundle.
 */
interface Inner {
  _zod: { def: { type: string; coerce?: boolean; in?: Inner; checks?: { _zod: { def: { check: string } } }[] } };
}

/**
 * The form of `input`: the schema of what it takes, never less. zod writes down a schema that changes a value before it
 * checks it as if it did not; no form is given for those, and the worker decides.
 */
export const AS_GIVEN = {
  target: 'draft-7',
  io: 'input',
  unrepresentable: 'any',
  cycles: 'ref',
  override({ zodSchema, jsonSchema }: { zodSchema: Inner; jsonSchema: Record<string, unknown> }) {
    const { def } = zodSchema._zod;
    const isChanged =
      def.coerce === true ||
      def.type === 'catch' ||
      (def.type === 'pipe' && def.in?._zod.def.type === 'transform') ||
      def.checks?.some((check) => check._zod.def.check === 'overwrite');
    if (isChanged) for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  },
};
