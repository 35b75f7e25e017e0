import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import type { ValueSource } from '../ports.ts';
import { HOST_SETTINGS, type HostSettings, placeOf, SETTING_GROUPS } from './host-settings-table.ts';
import { faultOfIssues, type Issue } from './issues.ts';
import { placeInYaml, readYaml } from './yaml-place.ts';

/** The file of the host's own settings, relative to the installation. A missing file means the defaults. */
export const HOST_SETTINGS_FILE = 'config/daruma.yaml';

/** The settings that a file says, and the place of each value. */
interface ResolvedHostSettings {
  settings: HostSettings;
  origins: ValueSource[];
}

/** The schema of config/daruma.yaml; config/daruma.schema.json is the same schema as JSON Schema. */
export const hostSettingsSchema = schemaOfRows();

function schemaOfRows() {
  const shape: Record<string, z.ZodType> = {};
  const groups: Record<string, Record<string, z.ZodType>> = {};
  for (const row of HOST_SETTINGS) {
    const { group, key } = placeOf(row);
    const fallback = typeof row.fallback === 'string' || typeof row.fallback === 'number' ? row.fallback : undefined;
    const about = fallback === undefined ? row.about : `${row.about} Default ${fallback}.`;
    const field = row.kind.schema.optional().describe(about);
    if (group === undefined) shape[key] = field;
    else {
      groups[group] ??= {};
      groups[group][key] = field;
      // Each group keeps the place of its first row; its fields are known at the end.
      shape[group] = field;
    }
  }
  for (const [group, fields] of Object.entries(groups)) {
    shape[group] = z.strictObject(fields).optional().describe(SETTING_GROUPS[group]!);
  }
  return z.strictObject(shape);
}

/** Settings of earlier releases: the error says what became of each, because "unknown" alone would look like a typing mistake. */
const REMOVED: Readonly<Record<string, { message: string; next: string }>> = {
  probation: {
    message: 'no setting any more; new versions are not rehearsed before their first job',
    next: 'remove it; by hand, `daruma rehearse` tries the newest source on past inputs',
  },
};

function explainRemoved(issue: Issue): Issue {
  const key = issue.path.length === 0 ? issue.keys?.find((name) => Object.hasOwn(REMOVED, name)) : undefined;
  if (key === undefined) return issue;
  const { message, next } = REMOVED[key]!;
  return { code: 'custom', path: [key], message, params: { next } };
}

/** The text of config/daruma.yaml of an installation; empty when there is none. Throws a {@link Fault} when it cannot be read. */
export function readHostText(folder: string): string {
  try {
    return readFileSync(join(folder, HOST_SETTINGS_FILE), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new Fault(
      {
        code: 'FILE_UNREADABLE',
        message: `${HOST_SETTINGS_FILE} cannot be read: ${(cause as Error).message}`,
        file: HOST_SETTINGS_FILE,
        next: 'make it readable for the user that runs daruma',
      },
      { cause },
    );
  }
}

/**
 * Reads config/daruma.yaml of an installation; a missing file means the defaults. Throws a {@link Fault} with the place
 * and a suggestion when the file is wrong: a host must not start on half of its settings.
 */
export function readHostSettings(folder: string): ResolvedHostSettings {
  return resolveHostSettings(readHostText(folder), HOST_SETTINGS_FILE);
}

/** The settings in a text, with the defaults filled in and the origin of each; throws a {@link Fault}. */
export function resolveHostSettings(text: string, file: string): ResolvedHostSettings {
  const yaml = readYaml(text, file);
  if (yaml.fault) throw new Fault(yaml.fault);
  const said = inFull(yaml.value ?? {});
  const parsed = hostSettingsSchema.safeParse(said);
  if (!parsed.success) {
    const fault: PlainFault = faultOfIssues(parsed.error.issues.map(explainRemoved), {
      code: 'HOST_SETTINGS_INVALID',
      data: said,
      schema: z.toJSONSchema(hostSettingsSchema, { io: 'input', target: 'draft-7' }),
      file,
      text,
      place: (path, at) => placeInYaml(yaml.document, text, path, at),
    });
    throw new Fault(fault);
  }
  return valuesOf(parsed.data, (path) => {
    const at = placeInYaml(yaml.document, text, path, 'key');
    return `${file}:${at.line}:${at.column}`;
  });
}

/** `web: false` and `models: false` in full. */
function inFull(said: unknown): unknown {
  if (typeof said !== 'object' || said === null) return said;
  const short = (['web', 'models'] as const).filter((group) => (said as Record<string, unknown>)[group] === false);
  return { ...said, ...Object.fromEntries(short.map((group) => [group, { enabled: false }])) };
}

/** Origins are for people: a secret is no part of them. */
function shownOf({ kind }: (typeof HOST_SETTINGS)[number], value: unknown): unknown {
  return (kind as { shown?(said: unknown): unknown }).shown?.(value) ?? value;
}

function valuesOf(said: Record<string, unknown>, sourceOf: (path: string[]) => string): ResolvedHostSettings {
  const origins: ValueSource[] = [];
  const settings: Record<string, unknown> = {};
  for (const row of HOST_SETTINGS) {
    const { group, key, name } = placeOf(row);
    if (group !== undefined) settings[group] ??= {};
    const holder = group === undefined ? settings : (settings[group] as Record<string, unknown>);
    const inFile = group === undefined ? said[key] : (said[group] as Record<string, unknown> | undefined)?.[key];
    const fallback = typeof row.fallback === 'function' ? row.fallback() : row.fallback;
    const value = inFile ?? fallback;
    const path = group === undefined ? [key] : [group, key];
    // The value passed the schema, or it is the row's own default.
    holder[name] = value === undefined ? undefined : row.kind.read(value as never);
    if (row.path === 'origins') {
      for (const [origin, terms] of Object.entries(inFile ?? {}))
        origins.push({ path: `origins.${origin}`, value: terms, origin: sourceOf(['origins', origin]) });
    } else if (value !== undefined) {
      origins.push({
        path: row.path,
        value: shownOf(row, value),
        origin: inFile === undefined ? 'default' : sourceOf(path),
      });
    }
  }
  return { settings: settings as HostSettings, origins };
}
