/** Writes docs/options.md from the docstrings of the author's types and the schema of agent files; a test keeps the page as they are. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { agentFileSchema } from '../src/catalog/files/agent-file.ts';

const ROOT = join(import.meta.dirname, '..');

const HEAD = `# Every option

Printed from the types in \`src/plugin/\` and the schema of agent files by \`npm run options\`; do not edit. What your editor shows beside a name is the same text.

Options of the host (\`config/daruma.yaml\`) are in [settings.md](settings.md), those of commands in [cli.md](cli.md) and \`daruma <command> --help\`, arguments of operations in
[operations.md](operations.md); [values.md](values.md) says which lengths of time, sizes and counts are allowed.`;

const PLUGIN = `## A plugin

What \`definePlugin({ … })\` takes. An [agent file](#an-agent-file) may set most of it anew. How to use it: [plugins.md](plugins.md).`;

const CONTEXT = `## What run gets

The members of the context, as in \`run({ settings, fetch, log })\`.`;

const AGENT = `## An agent file

The keys of \`agents/<name>.yaml\`. What it does not say, the plugin says. \`daruma config show <agent>\` prints each value, and where it was said.`;

/** The tables of options of calls, by the name of their type. */
const CALLS: readonly [type: string, title: string][] = [
  ['FetchOptions', 'fetch(url, options)'],
  ['ExecOptions', 'exec(command, args, options)'],
  ['SendOptions', 'send(agent, input, options)'],
  ['OnceOptions', 'once(key, effect, options)'],
];

/** The whole page. */
export function optionsPage(): string {
  const define = readFileSync(join(ROOT, 'src/plugin/define.ts'), 'utf8');
  const context = readFileSync(join(ROOT, 'src/plugin/context.ts'), 'utf8');
  const parts = [
    HEAD,
    PLUGIN,
    tableOf('option', membersOf(define, 'PluginDefinition')),
    '### limits',
    tableOf('limit', membersOf(define, 'Limits')),
    '### needs',
    'A right that is not named is denied.',
    tableOf('need', membersOf(define, 'Needs')),
    '### webhook',
    tableOf('part', membersOf(define, 'Webhook')),
    CONTEXT,
    tableOf('member', membersOf(context, 'Context')),
    ...CALLS.flatMap(([type, title]) => [`### \`${title}\``, tableOf('option', membersOf(context, type))]),
    AGENT,
    tableOf('key', agentKeys(z.toJSONSchema(agentFileSchema, { target: 'draft-7', io: 'input' }) as Schema)),
  ];
  return `${parts.join('\n\n')}\n`;
}

type Row = [name: string, about: string];
interface Schema {
  description?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
}

function tableOf(title: string, rows: readonly Row[]): string {
  const lines = rows.map(([name, about]) => `| \`${name}\` | ${about.replaceAll('|', '\\|')} |`);
  return [`| ${title} | |`, '| --- | --- |', ...lines].join('\n');
}

/** The members of an interface with their docstrings; a member of several signatures has that of the first. */
function membersOf(source: string, name: string): Row[] {
  const body = new RegExp(`^export interface ${name}\\b[\\s\\S]*?\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source)?.[1];
  if (body === undefined) throw new Error(`there is no interface ${name}`);
  const members = body.matchAll(/^(?: {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)? {2}(?:readonly )?(\w+)[?:(<]/gm);
  const rows = new Map<string, string>();
  for (const [, doc, member] of members)
    if (!rows.has(member!)) rows.set(member!, proseOf(doc ?? ABOUT[member!] ?? ''));
  const bare = [...rows].filter(([, about]) => about === '').map(([member]) => member);
  if (bare.length > 0) throw new Error(`${name} has members without a docstring: ${bare.join(', ')}`);
  return [...rows];
}

/** Members whose type says it all, and whose tables are on this page. */
const ABOUT: Readonly<Record<string, string>> = {
  limits: 'What a worker may hold and how long it may take: [limits](#limits).',
  needs: 'The rights of its worker: [needs](#needs).',
  job: 'The job: `id`, `attempt`, `slot`, `trigger`, `input`.',
  log: 'Writes a line to the log: `log.info(message, data)`, also `debug`, `warn`, `error`.',
  state: 'A durable map of the agent: `get`, `set`, `delete`, `keys`. Keys ≤ 200 characters, values ≤ 1 MB of JSON.',
};

/** A docstring as a sentence in a table: without tags, examples and line breaks. */
function proseOf(doc: string): string {
  return doc
    .replaceAll(/^\s*\* ?/gm, '')
    .replace(/@example[\s\S]*/, '')
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** The keys of an agent file with those inside of them: `limits.memory`. */
function agentKeys(schema: Schema, before = ''): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, { description = '', enum: words, ...inner }]) => {
    const choice = words ? ` One of ${words.map((word) => `\`${word}\``).join(', ')}.` : '';
    return [[`${before}${key}`, description + choice] as Row, ...agentKeys(inner, `${before}${key}.`)];
  });
}

if (import.meta.main) writeFileSync(join(ROOT, 'docs/options.md'), optionsPage());
