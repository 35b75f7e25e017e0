import { fileURLToPath } from 'node:url';
import { entryFile } from '../../kernel/paths.ts';
import { completionScript, SHELLS } from '../completion/scripts.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { usage } from '../usage.ts';

export const anyFolder = true;
export const verbatim = true;

/** Prints what a shell has to read; it calls this very Daruma by its path, which is faster than by npx. */
export async function run(_stage: Stage, [shell]: (string | undefined)[]): Promise<CommandResult> {
  if (!SHELLS.includes(shell!)) throw usage(`there is no completion for ${shell}`, 'daruma completion bash');
  const main = fileURLToPath(entryFile('main.js'));
  const script = completionScript(shell!, [process.execPath, main].map(quoted).join(' '));
  return { json: { shell, script }, lines: [script.trimEnd()] };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
