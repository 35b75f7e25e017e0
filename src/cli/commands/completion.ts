import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { usage } from '../../kernel/fault.ts';
import { entryFile } from '../../kernel/paths.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { completionNames } from '../completion/names.ts';
import { wantedAt } from '../completion/wanted.ts';
import { installationFolder } from '../folder.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { createStage } from '../stage.ts';

/** Scripts for shells: the words up to the cursor go to `daruma complete`, which answers with `word<TAB>what it is`. */
const SCRIPTS: Record<string, (command: string) => string> = {
  bash: (command) => `# daruma: completion for bash. In ~/.bashrc: source <(npx daruma completion bash)
_daruma() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(${command} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ \${COMPREPLY[0]-} == :files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=("\${COMPREPLY[@]%%$'\\t'*}")
  fi
}
complete -F _daruma daruma
`,
  zsh: (command) => `#compdef daruma
# daruma: completion for zsh. In ~/.zshrc, after compinit: source <(npx daruma completion zsh)
_daruma() {
  local -a found
  found=("\${(@f)$(${command} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $found[1] == :files ]]; then
    _files
  else
    found=("\${(@)found//:/\\\\:}")
    found=("\${(@)found/$'\\t'/:}")
    _describe daruma found
  fi
}
compdef _daruma daruma
`,
  fish: (command) => `# daruma: completion for fish. In ~/.config/fish/config.fish: npx daruma completion fish | source
function __daruma_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (${command} complete -- $words[2..-1] 2>/dev/null)
  if test "$found[1]" = :files
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c daruma -f -a '(__daruma_complete)'
`,
};

/** The shells that have a completion. */
const SHELLS = Object.keys(SCRIPTS);

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

/** The script for one of {@link SHELLS}; `command` starts this command line, quoted for a shell. */
function completionScript(shell: string, command: string): string {
  return SCRIPTS[shell]!(command);
}
