import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { agentFileSchema } from '../src/catalog/files/agent-file.ts';
import { hostSettingsSchema } from '../src/catalog/files/host-settings.ts';
import { buildProgram } from '../src/cli/program.ts';
import type { PluginDefinition } from '../src/plugin/define.ts';

const ROOT = join(import.meta.dirname, '..');

/** A fenced block of a page. */
export interface Block {
  kind: string;
  code: string;
  /** The comment in the line before: `from <file>`, `printed by: <command>`, `for <another program>`. */
  said: string;
  line: number;
}

export function blocksOf(text: string): Block[] {
  const found = text.matchAll(/^(?:<!-- (.+) -->\n)?```(\S*)\n([\s\S]*?)^```$/gm);
  return [...found].map((match) => {
    const [, said = '', kind, code] = match;
    return { kind: kind!, code: code!, said, line: text.slice(0, match.index).split('\n').length };
  });
}

const KINDS: Readonly<Record<string, (block: Block) => string[] | Promise<string[]>>> = {
  ts: quoteProblems,
  yaml: yamlProblems,
  json: jsonProblems,
  sh: ({ code }) => problemsOfLines(code.split('\n')),
  console: consoleProblems,
  text: ({ said, code }) =>
    said.startsWith('printed by: ')
      ? titleProblems(code)
      : ['say what printed it: <!-- printed by: daruma status --> in the line before'],
  // The page is printed from the code, and a test of its own compares the two.
  mermaid: () => [],
  // Files of other programs, which no test here has.
  ...Object.fromEntries(['caddy', 'nginx', 'ini', 'dockerfile'].map((kind) => [kind, bracketProblems])),
};

/** The reasons why a block cannot be what it says it is. */
export async function problemsOf(block: Block): Promise<string[]> {
  const check = KINDS[block.kind];
  if (!check) return [`a block of no kind: write \`\`\` and one of ${Object.keys(KINDS).join(', ')}`];
  return check(block);
}

/** Code is quoted from a file that is compiled and tested; `…` stands for lines that are left out. */
function quoteProblems({ said, code }: Block): string[] {
  const file = /^from (\S+)$/.exec(said)?.[1];
  if (!file || !existsSync(join(ROOT, file)))
    return ['quote it from a file that a test runs: <!-- from test/plugins/examples/x.ts --> in the line before'];
  const lines = (text: string) => text.split('\n').map((line) => line.trim());
  let rest = lines(readFileSync(join(ROOT, file), 'utf8')).join('\n');
  for (const piece of lines(code.trimEnd()).join('\n').split('\n…\n')) {
    if (!rest.includes(piece)) return [`${file} does not have it: ${piece.slice(0, 60)}`];
    rest = rest.slice(rest.indexOf(piece) + piece.length);
  }
  return [];
}

/** An agent file, a part of one, or a part of config/daruma.yaml; settings fit the plugin where that is one of ours. */
async function yamlProblems({ said, code }: Block): Promise<string[]> {
  const value: unknown = parse(code);
  if (said.startsWith('for ')) return [];
  const agentFile = agentFileSchema.partial().safeParse(value);
  const tried = [agentFile, hostSettingsSchema.safeParse(value)];
  if (!tried.some(({ success }) => success)) return tried.map(({ error }) => error!.message);
  const { plugin, settings } = agentFile.data ?? {};
  const file = PLUGINS.map((folder) => join(ROOT, folder, `${plugin}.ts`)).find((path) => existsSync(path));
  if (!file || settings === undefined) return [];
  const { default: known } = (await import(file)) as { default: PluginDefinition };
  const { error } = known.settings!.safeParse(settings);
  return error ? [`settings of ${plugin}: ${error.message}`] : [];
}

/** Folders with plugins of which the guide tells. */
const PLUGINS = ['plugins', 'docs/recipes', 'test/plugins/examples'];

/** One value, or a value in each line; `, …` stands for what is left out. */
function jsonProblems({ code }: Block): string[] {
  const whole = code.replaceAll(/, …(?= ?[}\]])/g, '');
  const fits = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  if (fits(whole)) return [];
  return whole
    .trimEnd()
    .split('\n')
    .filter((line) => !fits(line))
    .map((line) => `is no JSON: ${line}`);
}

/** Commands behind `$ `, and the hints (`→ daruma …`) in what they print. */
async function consoleProblems({ code }: Block): Promise<string[]> {
  const lines = code.split('\n');
  if (!lines[0]!.startsWith('$ ')) return ['begins with no command: $ daruma status'];
  const commands = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  // A mistake that the page shows is printed with ✗ in the line behind it.
  const right = commands.filter((command) => !/^✗ (unknown|--)/.test(lines[lines.indexOf(`$ ${command}`) + 1] ?? ''));
  return [...(await problemsOfLines(right)), ...titleProblems(code)];
}

const TITLES = new Set(
  globSync('src/cli/**/*.ts', { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/'([A-Z0-9][A-Z0-9 ]+):?'/g)].map(([, title]) => title!),
  ),
);

/** The titles of a table that is quoted are those of a table that a command prints. */
function titleProblems(code: string): string[] {
  const heads = code.split('\n').filter((line) => /^ *[A-Z][A-Z0-9 ]*( {2,}[A-Z0-9][A-Z0-9 ]*)+$/.test(line));
  const titles = heads.flatMap((line) => line.trim().split(/ {2,}/));
  return titles.filter((title) => !TITLES.has(title)).map((title) => `no command prints a table with ${title}`);
}

function bracketProblems({ code }: Block): string[] {
  const count = (sign: string) => code.split(sign).length;
  return count('{') === count('}') ? [] : ['brackets are not closed'];
}

async function problemsOfLines(lines: string[]): Promise<string[]> {
  const problems = await Promise.all(commandsIn(lines.join('\n')).map(problemOfCommand));
  return problems.filter((problem) => problem !== undefined);
}

/** The words behind each `daruma`, as a shell splits them. */
export function commandsIn(code: string): string[][] {
  const joined = code
    .replaceAll(/\\\n/g, ' ')
    .replaceAll(/\$\(([^)]*)\)/g, '\n$1\n')
    .replaceAll(/<\(([^)]*)\)/g, '\n$1\n');
  return joined.split('\n').flatMap((line) =>
    line
      .replace(/(^|\s)#.*$/, '')
      .split(/&&|\|\|?|;|&(?!\S)/)
      .map((part) => [...part.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g)].map((word) => word[1] ?? word[2] ?? word[0]))
      // An image, or a container, may have the name as well.
      .map((words) => (words[0] === 'docker' && words[1] === 'exec' ? words.slice(3) : words))
      .filter(([program]) => program !== 'docker')
      .map((words) => words.slice(words.findIndex((word) => /(^|\/)daruma$/.test(word))))
      .filter(([first]) => first !== undefined && /(^|\/)daruma$/.test(first))
      .map(([, ...args]) => args.filter((word) => !/^\d?[<>]/.test(word))),
  );
}

/** Runs nothing: the command line only reads the words by its table of commands and options. */
export async function problemOfCommand(args: string[]): Promise<string | undefined> {
  try {
    await buildProgram(async () => {}, true).parseAsync(args, { from: 'user' });
    return undefined;
  } catch (thrown) {
    const { code, message } = thrown as { code?: string; message: string };
    const isAsked = code === 'commander.helpDisplayed' || code === 'commander.version';
    return isAsked ? undefined : `daruma ${args.join(' ')}: ${message}`;
  }
}
