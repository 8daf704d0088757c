# fish completion for h2trace
# In ~/.config/fish/config.fish: h2trace completion fish | source

function __h2trace_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    type -q -- $program; or set program h2trace
    set -e words[1]
    set -l lines ($program __complete $words $current 2>/dev/null)
    set -q lines[1]; or return
    set -l what (string split -m 1 ' ' -- $lines[1])
    set -e lines[1]
    set -q lines[1]; and printf '%s\n' $lines
    switch $what[1]
        case files dirs
            set -l begin (string length -- "$what[2]")
            set -l name (string sub -s (math $begin + 1) -- "$current")
            set -l found
            if test $what[1] = dirs
                set found (__fish_complete_directories "$name")
            else
                set found (__fish_complete_path "$name")
            end
            for file in $found
                echo -- "$what[2]$file"
            end
        case command
            set -l from (math $what[2] + 1)
            set -l rest
            if test $from -le (count $words)
                set rest (string escape -- $words[$from..-1])
            end
            complete -C (string join ' ' -- $rest "$current")
    end
end
complete -c h2trace -f -a '(__h2trace_complete)'
