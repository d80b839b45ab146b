#compdef nsctl
# Completion of nsctl for zsh 5.1 or newer, as _nsctl in a directory of $fpath.

_nsctl() {
    local also argument line value about program=${~words[1]}
    local -a lines ready open
    lines=("${(@f)$(_call_program words ${(q)program} __complete -- \
        ${(q)${(Q)words[2,CURRENT-1]}} ${(q)${(Q)PREFIX}})}")
    IFS=$'\t' read -r also argument <<<"$lines[1]"
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*} about=${line#*$'\t'}
        line=${value//:/\\:}${about:+:$about}
        # More of the word comes after these.
        if [[ $value == *[=:] ]]; then open+=("$line"); else ready+=("$line"); fi
    done

    local found=1
    (( $#ready )) && _describe -V -t words word ready && found=0
    (( $#open )) && _describe -V -t words word open -S '' && found=0
    case $also in
    files)
        [[ -z $argument ]] || compset -p $#argument
        _files && found=0
        ;;
    directories)
        [[ -z $argument ]] || compset -p $#argument
        _files -/ && found=0
        ;;
    command)
        words=("${(@)words[argument+1,-1]}")
        (( CURRENT -= argument ))
        _normal -p nsctl && found=0
        ;;
    esac
    return found
}

# Sourced, it has to be made known; as a file of $fpath it is the function.
if [[ $funcstack[1] == _nsctl ]]; then _nsctl "$@"; else compdef _nsctl nsctl; fi
