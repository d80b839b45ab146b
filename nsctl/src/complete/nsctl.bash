# Completion of nsctl for bash 4.4 or newer: source <(nsctl completion bash)

_nsctl() {
    local -a words=() starts=()
    local line=${COMP_LINE:0:COMP_POINT} rest part i
    # bash splits words at = and : as well; those without a blank between them are one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${line#"${line%%[![:space:]]*}"}
        part=${COMP_WORDS[i]}
        # Only what is left of the cursor.
        [[ $rest == "$part"* ]] || part=$rest
        if ((i == 0)) || [[ ${#rest} -lt ${#line} || -z $line ]]; then
            words+=("$part")
            starts+=("$i")
        else
            words[-1]+=$part
        fi
        line=${rest#"$part"}
    done

    local program=${words[0]/#\~/$HOME} cur=${words[-1]} answer
    answer=$("$program" __complete -- "${words[@]:1}" 2>/dev/null) || return
    local also argument value about kept=""
    # bash replaces only what comes after the last place where it splits.
    if [[ $COMP_WORDBREAKS == *=* && $cur == *=* ]]; then kept=${cur%"${cur##*=}"}; fi
    if [[ $COMP_WORDBREAKS == *:* && ${cur#"$kept"} == *:* ]]; then kept=${cur%"${cur##*:}"}; fi
    COMPREPLY=()
    {
        IFS=$'\t' read -r also argument
        while IFS=$'\t' read -r value about; do
            COMPREPLY+=("${value#"$kept"}")
            # More of the word comes after these.
            [[ $value == *[=:] ]] && compopt -o nospace
        done
    } <<<"$answer"

    case $also in
    nothing) compopt +o default ;;
    files)
        # Without other words readline does it itself, and better.
        if ((${#COMPREPLY[@]})); then _nsctl_files -f; fi
        ;;
    directories)
        compopt +o default
        _nsctl_files -d
        ;;
    command)
        if ((argument == ${#words[@]} - 1)) && [[ $cur != */* ]]; then
            mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
        elif declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "${starts[argument]}"
        elif declare -F _command_offset >/dev/null; then
            _command_offset "${starts[argument]}"
        fi
        ;;
    esac
}

# Adds those that begin as the word does, without what `__complete` said is no part of it.
_nsctl_files() {
    local -a found
    mapfile -t found < <(compgen "$1" -- "${cur#"$argument"}")
    ((${#found[@]})) || return
    compopt -o filenames
    COMPREPLY+=("${found[@]}")
}

complete -o default -o nosort -F _nsctl nsctl
