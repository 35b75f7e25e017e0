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
export const SHELLS = Object.keys(SCRIPTS);

/** The script for one of {@link SHELLS}; `command` starts this command line, quoted for a shell. */
export function completionScript(shell: string, command: string): string {
  return SCRIPTS[shell]!(command);
}
