/**
 * What the shells load. They only ask `tscompose __complete -- WORD...`, which answers a candidate a line, with its
 * description behind a tab, and ends with `:files` or `:folders` where the shell is to add those.
 */
export const completionScripts: Readonly<Record<'bash' | 'fish' | 'zsh', string>> = {
  bash: `# bash completion for tscompose: eval "$(tscompose completion bash)" in ~/.bashrc
_tscompose() {
  local line=\${COMP_LINE:0:COMP_POINT} candidate current done='' paths=''
  local -a words
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]}-1]}
  # bash takes = and : for the ends of words and replaces only what follows the last one.
  [[ $current == *[=:]* ]] && done=\${current%"\${current##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    case $candidate in
      :files | :folders) paths=$candidate ;;
      *[=:]) compopt -o nospace 2> /dev/null; COMPREPLY+=("\${candidate#"$done"}") ;;
      *) COMPREPLY+=("\${candidate#"$done"}") ;;
    esac
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2> /dev/null)
  if [[ -n $paths ]]; then
    compopt -o filenames 2> /dev/null
    [[ $paths == :files ]] && paths=-f || paths=-d
    while read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen "$paths" -- "\${current##*[=:]}")
  fi
}
complete -F _tscompose tscompose
`,
  zsh: `#compdef tscompose
# zsh completion for tscompose: source <(tscompose completion zsh) in ~/.zshrc, after compinit;
# or as a file named _tscompose in a folder of $fpath
_tscompose() {
  local line word paths
  local -a plain open
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2> /dev/null)}"; do
    case $line in
      '') ;;
      :files | :folders) paths=$line ;;
      *)
        word=\${\${line%%$'\\t'*}//:/\\\\:}
        [[ $line == *$'\\t'* ]] && line="$word:\${line#*$'\\t'}" || line=$word
        [[ $word == *(=|:) ]] && open+=("$line") || plain+=("$line")
        ;;
    esac
  done
  (( $#plain )) && _describe -t candidates tscompose plain
  (( $#open )) && _describe -t candidates tscompose open -S ''
  if [[ -n $paths ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    [[ $paths == :files ]] && _files || _files -/
  fi
}
if [[ $funcstack[1] == _tscompose ]]; then _tscompose "$@"; else compdef _tscompose tscompose; fi
`,
  fish: `# fish completion for tscompose: tscompose completion fish > ~/.config/fish/completions/tscompose.fish
function __tscompose_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c tscompose -f -a '(__tscompose_complete)'
`,
};
