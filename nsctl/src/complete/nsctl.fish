# Completion of nsctl for fish 3.1 or newer: nsctl completion fish | source

function __nsctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l answer ($program __complete -- $words "$current" 2>/dev/null)
    or return
    set -l also (string split \t -- $answer[1])
    set -e answer[1]
    if test (count $answer) -gt 0
        printf '%s\n' $answer
    end

    switch $also[1]
        case files directories
            set -l length (string length -- "$also[2]")
            set -l rest (string sub -s (math $length + 1) -- "$current")
            if test $also[1] = files
                set -l found (__fish_complete_path "$rest")
                test (count $found) -gt 0; and printf "$also[2]%s\n" $found
            else
                set -l found (__fish_complete_directories "$rest")
                test (count $found) -gt 0; and printf "$also[2]%s\n" $found
            end
        case command
            # Words are counted from nsctl, which is 0.
            set -l line $words[$also[2]..-1]
            test $also[2] -gt (count $words); and set line
            complete -C (string join ' ' -- (string escape -- $line) "$current")
    end
end

complete -c nsctl -f -k -a '(__nsctl_complete)'
