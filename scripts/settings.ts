/** Writes docs/settings.md from the table of the host's settings; a test keeps the page as the table is. */
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

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../docs/settings.md'), settingsPage());
