import { createInterface } from 'node:readline/promises';
import type { PluginAsks } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { copiedFiles, offLinesOf, planCopy, writeCopy } from '../plugins/copy.ts';
import { expectPluginName, pluginFileOf } from '../plugins/names.ts';
import { pickedUp } from '../plugins/picked-up.ts';
import { sourceToAdd } from '../plugins/source.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { type Facts, factLines } from '../text/width.ts';

/**
 * Adds a plugin that ships, or one of a file: shows what it asks for, and writes it once somebody said yes, on the terminal or by `--yes`. Exit
 * code 1 when nobody did. A plugin that is here already stays as it is; where it is off, the line that switches it on is told.
 */
export async function addCommand(stage: Stage, [said]: Words, options: { yes?: boolean }): Promise<CommandResult> {
  const source = sourceToAdd(said!);
  const { name } = source;
  expectPluginName(name, 'daruma add');
  const here = pluginFileOf(stage.folder, name);
  if (here !== undefined) return await alreadyHere(stage, name, here);
  const asks = await stage.launcher.readPlugin(source.root, source.file);
  const copy = planCopy(source, asks, name, false);
  const files = copiedFiles(copy);
  const shown = [...asksLines(name, asks, stage), '', 'would be written', ...files.map((path) => `  ${path}`)];
  const answer = options.yes ? 'yes' : await agreed(stage, shown, name);
  if (answer !== 'yes') {
    const arrow = stage.paint('cyan', '→');
    const lines = [...(answer === 'no' ? [] : shown), '', `not added; ${arrow} daruma add ${said} --yes`];
    return { json: { plugin: name, is: 'asked', asks, files, off: [], agent: null }, lines, code: 1 };
  }
  writeCopy(stage.folder, copy);
  const { agent, lines: seen } = await pickedUp(stage, name, copy.file);
  const off = offLinesOf(stage.folder, name);
  const lines = [
    // On a terminal they were shown before the question.
    ...(options.yes ? [...asksLines(name, asks, stage), ''] : []),
    ...files.map((path) => `${stage.paint('green', '✓')} ${path}`),
    ...seen,
    ...nextLines(stage, name, asks, off),
  ];
  return {
    json: { plugin: name, is: 'added', asks, files, off, agent: agent ?? null },
    lines,
    code: agent?.problem ? 1 : 0,
  };
}

/** Says what is off of a plugin that is here already. Throws `FILE_EXISTS` where nothing of it is. */
async function alreadyHere(stage: Stage, name: string, file: string): Promise<CommandResult> {
  const off = offLinesOf(stage.folder, name);
  if (off.length === 0) {
    const message = `${file} is there already, and nothing keeps it off`;
    throw new Fault({ code: 'FILE_EXISTS', message, next: `daruma status ${name}` });
  }
  const asks = await stage.launcher.readPlugin(stage.folder, file);
  const lines = [
    ...asksLines(name, asks, stage),
    '',
    `${stage.paint('green', '✓')} ${file} is there already, and off`,
    ...nextLines(stage, name, asks, off),
  ];
  return { json: { plugin: name, is: 'off', asks, files: [], off, agent: null }, lines };
}

/** Asks on the terminal, below what the plugin asks for; `unasked` where nobody can be asked. */
async function agreed(stage: Stage, shown: readonly string[], name: string): Promise<'yes' | 'no' | 'unasked'> {
  if (stage.json || !process.stdin.isTTY || !process.stderr.isTTY) return 'unasked';
  for (const line of shown) stage.note(line);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`\nAdd ${name}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no';
  } finally {
    terminal.close();
  }
}

function nextLines(
  { paint }: Stage,
  name: string,
  { needs }: PluginAsks,
  off: readonly { file: string; line: number }[],
): string[] {
  const arrow = paint('cyan', '→');
  if (off.length === 0) return [`  ${arrow} daruma run ${name} --dry-run        daruma status ${name}`];
  const secrets = needs.secrets ?? [];
  return [
    ...(secrets.length > 0
      ? [`  ${arrow} its secrets go into .env: ${secrets.map((secret) => `${secret}=…`).join(' ')}`]
      : []),
    ...off.map(({ file, line }) => `  ${arrow} to switch it on, take out "enabled: false": ${file}:${line}`),
  ];
}

/** The needs of a plugin, in lines for people: each right that it would have, when it runs, and the settings that it has. */
function asksLines(name: string, asks: PluginAsks, { paint, width }: Pick<Stage, 'paint' | 'width'>): string[] {
  const { needs } = asks;
  const listed = (list: readonly string[] | undefined) => (list?.length ? list.join(', ') : 'none');
  const facts: Facts = [
    ['about', asks.about],
    [
      'runs',
      [...(asks.schedule ? [asks.schedule] : []), ...asks.starts].join(', ') || 'when it is sent a job, or asked to',
    ],
    ['net', listed(needs.net)],
    ['secrets', listed(needs.secrets)],
    ['env', listed(needs.env)],
    ['may write', listed(needs.write)],
    ['may read', listed([...(needs.read ?? []), ...(needs.fleet ? ['the figures of all agents (fleet)'] : [])])],
    ['commands', listed(needs.exec?.map(commandWords))],
    ['models', needs.llm ? modelWords(needs.llm) : 'none'],
    ['processes', needs.kill?.length ? `may be ended: ${needs.kill.join(', ')}` : null],
    ['modules', needs.modules?.length ? `${needs.modules.join(', ')}, which writes past all rights` : null],
    ['packages', asks.packages.length > 0 ? asks.packages.join(', ') : null],
    ['memory', asks.memory],
    ['settings', asks.settings.map(settingWords).join(', ') || 'none'],
  ];
  return [paint('bold', name), ...factLines(facts, width)];
}

function settingWords({ name, mustBeSet }: PluginAsks['settings'][number]): string {
  return mustBeSet ? `${name} (has to be set)` : name;
}

function commandWords(entry: string): string {
  if (!entry.startsWith('{')) return `${entry} with any arguments`;
  const { command, args } = JSON.parse(entry) as { command: string; args: string[] };
  return [command, ...args].join(' ');
}

function modelWords(llm: NonNullable<PluginAsks['needs']['llm']>): string {
  if (llm === true) return 'as many calls as the installation allows';
  const most = Object.entries(llm).map(([what, count]) => `${count} ${what}`);
  return most.length > 0 ? `at most ${most.join(', ')} a day` : 'as many calls as the installation allows';
}
