/**
 * Writes docs/settings.md and the config file of a new installation from the table of the host's settings; tests hold both to the
 * table.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST_SETTINGS, SETTING_GROUPS } from '../src/catalog/files/host-settings-table.ts';

const HEAD = `# Settings of the host

Printed from the table in src/catalog/files/host-settings-table.ts by \`npm run settings\`; do not edit. These are all settings of
\`config/daruma.yaml\`. The file may be missing, and each setting may be left out. \`daruma config show\` prints the value in force of
each setting and where it was said.

The host reads the file when it starts; \`daruma stop\` and \`daruma start\` put changes in force, at first
[on probation](versions.md#the-hosts-own-settings). A setting marked **in place** changes without another start when the host goes back, or when you
force it. A setting marked **keeps** deletes nothing more than before until the changed settings are known to be good.`;

const TAIL = '[plugins.md](plugins.md#servers-that-are-down) has the terms of `origins`.';

/** The whole page. */
export function settingsPage(): string {
  const parts = [HEAD, tableOf(undefined)];
  for (const [group, about] of Object.entries(SETTING_GROUPS))
    parts.push(`## ${group}\n\n${about}\n\n${tableOf(group)}`);
  return `${[...parts, TAIL].join('\n\n')}\n`;
}

/** The settings of a group; those of none for undefined. */
function tableOf(group: string | undefined): string {
  const rows = HOST_SETTINGS.filter(({ path }) => (path.includes('.') ? path.split('.')[0] : undefined) === group);
  const lines = rows.map(({ path, kind, fallback, live, deletes, about }) => {
    const standard = typeof fallback === 'string' || typeof fallback === 'number' ? `\`${fallback}\`` : '–';
    const marks = [...(live ? ['in place'] : []), ...(deletes ? ['keeps'] : [])].join(', ');
    return `| \`${path}\` | ${kind.allowed} | ${standard} | ${marks} | ${about} |`;
  });
  return ['| setting | value | default | change | |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
}

/** Values for rows whose default depends on the machine, or on nothing. */
const SHOWN: Readonly<Record<string, string>> = { timezone: 'UTC', origins: '{}' };
const ORIGINS = [
  '#   "https://api.example": { instead: ["https://mirror.example"] }',
  '#   "*": { failures: 3, pause: { first: 5s, longest: 5m }, attempts: 3, timeout: 30s }',
];
const WIDTH = 120;

/** config/daruma.yaml of a new installation: all settings that have a default, none of them set. */
function configText(): string {
  const parts = [
    '# yaml-language-server: $schema=./daruma.schema.json',
    "# The host's own settings. The value behind a # is the default; take the # away to change it.",
    '# `daruma config show` prints each value and where it was said.',
  ];
  for (const { path, about } of HOST_SETTINGS.filter(({ path }) => !path.includes('.'))) {
    parts.push('', ...wrapped(about, '# '), ...(path === 'origins' ? ORIGINS : []), `# ${path}: ${shownValue(path)}`);
  }
  for (const [group, about] of Object.entries(SETTING_GROUPS)) {
    const rows = HOST_SETTINGS.filter(({ path }) => path.startsWith(`${group}.`) && shownValue(path) !== undefined);
    if (rows.length > 0) parts.push('', ...wrapped(about, '# '), `# ${group}:`, ...rows.flatMap(rowLines));
  }
  return `${parts.join('\n')}\n`;
}

function rowLines({ path, about }: { path: string; about: string }): string[] {
  const line = `#   ${path.split('.')[1]}: ${shownValue(path)}`;
  const commented = `${line}  # ${about}`;
  return commented.length <= WIDTH ? [commented] : [...wrapped(about, '#   # '), line];
}

function shownValue(path: string): string | undefined {
  const { fallback } = HOST_SETTINGS.find((row) => row.path === path)!;
  if (path in SHOWN) return SHOWN[path];
  if (typeof fallback === 'function' && /^(models|alerts)\./.test(path)) return flow(fallback());
  return typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
}

/** A value as YAML has it within a line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' && /^[A-Za-z][\w/.-]*$/.test(value) ? value : JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${flow(one)}`)
    .join(', ')} }`;
}

function wrapped(text: string, prefix: string): string[] {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(' ')) {
    if (line !== prefix && line.length + word.length > WIDTH) lines.push(line.trimEnd());
    if (lines.length > 0 && lines.at(-1) === line.trimEnd()) line = prefix;
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

/** The module that holds {@link configText} for the command line, which loads no table of settings. */
export function configModule(): string {
  const text = configText().replace(/[`\\]|\$\{/g, '\\$&');
  return `/** Written by \`npm run settings\` from the table of settings: config/daruma.yaml of a new installation. */\nexport const configText = \`${text}\`;\n`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  writeFileSync(join(root, 'docs/settings.md'), settingsPage());
  writeFileSync(join(root, 'src/cli/init/config-text.ts'), configModule());
}
