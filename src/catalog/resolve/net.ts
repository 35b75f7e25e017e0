import { suggest } from '../../kernel/suggest.ts';

/** The reason why a setting gives no host. */
interface WrongHost {
  /** The place of the entry in `needs.net`. */
  index: number;
  /** The setting, below `settings`. */
  path: string[];
  /** `entry`: the plugin has no such setting; `value`: it is there and names no host. */
  at: 'entry' | 'value';
  message: string;
}

interface JsonSchema {
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

const PREFIX = 'settings.';
const DEFAULT_PORTS = new Map([
  ['http:', '80'],
  ['https:', '443'],
  ['ws:', '80'],
  ['wss:', '443'],
  ['ftp:', '21'],
  ['postgres:', '5432'],
  ['postgresql:', '5432'],
]);
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/** Whether an entry of `needs.net` means the host of a setting. A host that is called so is written with its port. */
export function isSettingOf(entry: string): boolean {
  return entry.startsWith(PREFIX) && !entry.includes(':');
}

/**
 * The entries of `needs.net` with `settings.url` replaced by host and port of what that setting says: a URL, a host, or a
 * list of them. A setting that nobody set, and that has no default, adds nothing. A value never stands for more than one host. Pure.
 */
export function hostsOf(
  net: readonly string[],
  settings: Record<string, unknown>,
  schema: unknown,
): { net: string[] } | { wrong: WrongHost } {
  const hosts: string[] = [];
  for (const [index, entry] of net.entries()) {
    if (!isSettingOf(entry)) {
      hosts.push(entry);
      continue;
    }
    const path = entry.slice(PREFIX.length).split('.');
    const unknown = unknownIn(schema as JsonSchema | null, path);
    if (unknown !== undefined) return { wrong: { index, path, at: 'entry', message: unknown } };
    for (const value of valuesAt(settings, schema as JsonSchema, path)) {
      const host = hostOf(value);
      if (host === undefined) {
        const message = `names no single host, and needs.net takes the host from it: expected a URL such as https://api.shop.example/`;
        return { wrong: { index, path, at: 'value', message } };
      }
      hosts.push(host);
    }
  }
  return { net: [...new Set(hosts)] };
}

/** The problem of a path into settings; undefined when the schema has it. */
export function unknownIn(schema: JsonSchema | null, path: readonly string[]): string | undefined {
  let at = schema ?? {};
  for (const [index, step] of path.entries()) {
    const next = below(at, step);
    if (next) at = next;
    else {
      const known = [at, itemsOf(at)].flatMap((one) =>
        choices(one).flatMap((each) => Object.keys(each.properties ?? {})),
      );
      const meant = suggest(step, known);
      const name = [...path.slice(0, index), step].join('.');
      return `the plugin has no setting ${name}${meant ? `, did you mean ${[...path.slice(0, index), meant].join('.')}?` : ''}`;
    }
  }
  return undefined;
}

function choices(schema: JsonSchema): JsonSchema[] {
  const { anyOf = [], allOf = [], oneOf = [] } = schema;
  return [schema, ...[...anyOf, ...allOf, ...oneOf].flatMap(choices)];
}

function itemsOf(schema: JsonSchema): JsonSchema {
  return choices(schema).find(({ items }) => items !== undefined)?.items ?? {};
}

/** The schema of a key, also of the items of a list. */
function below(schema: JsonSchema, key: string): JsonSchema | undefined {
  for (const one of [...choices(schema), ...choices(itemsOf(schema))]) {
    if (one.properties && Object.hasOwn(one.properties, key)) return one.properties[key];
  }
  const free = choices(schema).find(({ additionalProperties }) => typeof additionalProperties === 'object');
  return free?.additionalProperties as JsonSchema | undefined;
}

/** All values at the path, lists flattened, with the defaults of the schema. */
function valuesAt(value: unknown, schema: JsonSchema, path: readonly string[]): unknown[] {
  const said = value === undefined ? schema.default : value;
  if (said === undefined || said === null) return [];
  if (Array.isArray(said)) return said.flatMap((item) => valuesAt(item, itemsOf(schema), path));
  const [step, ...rest] = path;
  if (step === undefined) return [said];
  const own =
    typeof said === 'object' && Object.hasOwn(said, step) ? (said as Record<string, unknown>)[step] : undefined;
  return valuesAt(own, below(schema, step) ?? {}, rest);
}

/**
 * Host and port, as `api.shop.example:443`; undefined for a value that is no text, no URL, or could mean several hosts.
 */
function hostOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (!text.includes('://')) return HOST.test(text) ? text.toLowerCase() : undefined;
  const url = URL.parse(text);
  if (!url || url.hostname === '' || !HOST.test(url.hostname)) return undefined;
  const port = url.port || DEFAULT_PORTS.get(url.protocol);
  return port ? `${url.hostname}:${port}` : url.hostname;
}
