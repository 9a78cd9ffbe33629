// `completion`: the scripts of three shells, and the words that they ask for.
#include "cli/candidates.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"

namespace hostpci {
namespace {

constexpr std::string_view bash_script =
    R"shell(# completion of hostpci for bash: eval "$(hostpci completion bash)", or as a file in /etc/bash_completion.d
_hostpci() {
  local line=${COMP_LINE:0:COMP_POINT} breaks=${COMP_WORDBREAKS//[^:=]/} current text rest
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=${words[${#words[@]} - 1]}
  COMPREPLY=()
  while IFS=$'\t' read -r text rest; do
    case $text in
      :files) compopt -o default 2>/dev/null ;;
      :directories) compopt -o dirnames 2>/dev/null ;;
      ?*) COMPREPLY+=("$text") ;;
    esac
  done < <("$1" completion --words -- "${words[@]:1}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
  # readline replaces only what stands behind the last of its word breaks
  if [[ -n $breaks && $current == *[$breaks]* ]]; then
    text=${current%"${current##*[$breaks]}"}
    COMPREPLY=("${COMPREPLY[@]#"$text"}")
  fi
}
complete -F _hostpci hostpci
)shell";

constexpr std::string_view zsh_script = R"shell(#compdef hostpci
# completion of hostpci for zsh: source <(hostpci completion zsh), or as a file _hostpci in $fpath
_hostpci() {
  local line text
  local -a plain open
  while IFS= read -r line; do
    text=${line%%$'\t'*}
    case $text in
      :files) _files; return ;;
      :directories) _files -/; return ;;
      *=) open+=("${text//:/\\:}:${line#*$'\t'}") ;;
      ?*) plain+=("${text//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <("${(Q)words[1]}" completion --words -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  _describe -t words hostpci plain
  _describe -t words hostpci open -S ''
}
if [[ ${funcstack[1]} == _hostpci ]]; then _hostpci "$@"; else compdef _hostpci hostpci; fi
)shell";

constexpr std::string_view fish_script =
    R"shell(# completion of hostpci for fish: hostpci completion fish | source, or as a file in ~/.config/fish/completions
function __hostpci_words
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    for line in ($typed[1] completion --words -- $typed[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files*'
                __fish_complete_path "$current"
            case ':directories*'
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c hostpci -f -a '(__hostpci_words)'
)shell";

struct Shell {
  std::string_view name, script;
};
constexpr Shell shells[] = {{"bash", bash_script}, {"fish", fish_script}, {"zsh", zsh_script}};

int print_words(Invocation& invocation) {
  for (const CompletionWord& c : candidates(invocation.arguments))
    *invocation.out << c.text << "\t" << printable(c.description) << "\n";
  return done;
}

int wrong_shell(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Shell& shell : shells) names.push_back(shell.name);
  auto near = closest(word, names);
  log_error("`completion` is for bash, zsh and fish, not for `" + word + "`" +
            (near ? "; did you mean `" + std::string(*near) + "`?" : ""));
  return usage;
}

}  // namespace

int run_completion(Invocation& invocation) {
  if (invocation.options.has("words")) return print_words(invocation);
  if (invocation.arguments.size() != 1) {
    log_error("`completion` takes one shell: bash, zsh or fish");
    return usage;
  }
  const std::string& word = invocation.arguments[0];
  for (const Shell& shell : shells) {
    if (shell.name != word) continue;
    *invocation.out << shell.script;
    return done;
  }
  return wrong_shell(word);
}

}  // namespace hostpci
