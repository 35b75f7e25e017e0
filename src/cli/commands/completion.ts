import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { usage } from '../../kernel/fault.ts';
import { entryFile } from '../../kernel/paths.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { completionNames } from '../completion/names.ts';
import { completionScript, SHELLS } from '../completion/scripts.ts';
import { wantedAt } from '../completion/wanted.ts';
import { installationFolder } from '../folder.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { createStage } from '../stage.ts';

/** Prints what a shell has to read; it calls this very Daruma by its path, which is faster than by npx. */
export async function completionCommand(_stage: Stage, [shell]: Words): Promise<CommandResult> {
  if (!SHELLS.includes(shell!)) throw usage(`there is no completion for ${shell}`, 'daruma completion bash');
  const main = fileURLToPath(entryFile('main.js'));
  const script = completionScript(shell!, [process.execPath, main].map(quoted).join(' '));
  return { json: { shell, script }, lines: [script.trimEnd()] };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command that completes the words of a command line of `program`: the program knows its commands, they do not know it. */
export function completeCommand(program: Command) {
  return (stage: Stage, words: Words) => complete(program, stage, words);
}

/** Prints what may follow the words, the last of which is being typed: `word<TAB>what it is`, or `:files`. For shells. */
async function complete(program: Command, stage: Stage, given: Words): Promise<CommandResult> {
  const words = given.filter((word) => word !== undefined);
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const wanted = wantedAt(program, before, current);
  if (wanted.is === 'files') return { json: [], lines: [':files'] };
  const found = wanted.is === 'words' ? wanted.words : wanted.is === 'name' ? await names(wanted.of) : [];
  const fitting = found.filter(({ word }) => word.startsWith(current) && /^\S+$/.test(word));
  return { json: fitting, lines: fitting.map(({ word, about }) => `${word}\t${oneLine(about)}`) };

  async function names(kinds: Parameters<typeof completionNames>[1]) {
    const at = before.indexOf('--dir');
    const folder = installationFolder(at < 0 ? undefined : before[at + 1], process.cwd());
    const there = createStage({ folder, json: true, launcher: stage.launcher });
    try {
      return await completionNames(there, kinds);
    } finally {
      there.close();
    }
  }
}
