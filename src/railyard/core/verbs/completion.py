"""Completion in a shell: `eval "$(railyard completion bash)"`, and what the shell is told at each Tab.

`railyard completion words VERB WORD…` prints the words that the last one may become.
"""

from collections.abc import Iterator

from railyard.core.verbs.table import verbs

SHELLS = ("bash", "zsh", "fish")
OPTIONS = ("--help", "--cfg", "--resolve", "--package", "--info", "--config-dir", "-m")
SCRIPTS = {
    "bash": """_railyard() {
    local cur="${COMP_LINE:0:COMP_POINT}"
    local -a words; read -ra words <<< "$cur"
    [[ "$cur" == *" " ]] && words+=("")
    local last="${words[-1]}" prefix=""
    [[ "$last" == *=* && "$COMP_WORDBREAKS" == *=* ]] && prefix="${last%%=*}="
    local IFS=$'\\n'
    COMPREPLY=($(railyard completion words "${words[@]:1}" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace
    return 0
}
complete -o default -F _railyard railyard
""",
    "zsh": """#compdef railyard
_railyard() {
    local -a found
    found=("${(@f)$(railyard completion words "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
    compadd -Q -S '' -- $found || _files
}
compdef _railyard railyard
""",
    "fish": """function __railyard_words
    set -l words (commandline -opc) (commandline -ct)
    railyard completion words $words[2..-1] 2>/dev/null
end
complete -c railyard -f -a "(__railyard_words)"
""",
}


def main(words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `railyard completion …`."""
    if words[:1] == ["words"]:
        return 0, "".join(f"{word}\n" for word in candidates(words[1:])), ""
    if len(words) == 1 and words[0] in SCRIPTS:
        return 0, SCRIPTS[words[0]], ""
    return 2, "", f'railyard completion: give one of {", ".join(SHELLS)}, as in eval "$(railyard completion bash)"\n'


def candidates(words: list[str]) -> list[str]:
    """What the last of these words may become: a verb, a key, or the option of a group."""
    *before, last = words or [""]
    if not before:
        known = [*verbs(), "help", "completion"]
    elif before[0] == "help":
        known = [*verbs()]
    elif before[0] == "completion":
        known = [*SHELLS]
    elif before[0] in verbs():
        known = [*_of_verb(before[0], before[1:], last)]
    else:
        known = []
    return [word for word in known if word.startswith(last)]


def _of_verb(verb: str, before: list[str], last: str) -> Iterator[str]:
    from railyard.core.verbs.help import groups, keys

    if last.startswith("-"):
        yield from OPTIONS
        return
    of_verb = groups(verb)
    name, equals, _ = last.lstrip("+~").partition("=")
    if equals:
        yield from (f"{name}={option}" for option in of_verb.get(name, ()))
        return
    yield from (f"{group}=" for group in of_verb)
    yield from (f"{key}=" for key in keys(verb, before) if key not in of_verb)
