# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sigtool_global_optspecs
    string join \n format= json color= width= h/help V/version
end

function __fish_sigtool_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sigtool_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sigtool_using_subcommand
    set -l cmd (__fish_sigtool_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sigtool -n "__fish_sigtool_needs_command" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_needs_command" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_needs_command" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_needs_command" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_needs_command" -s V -l version -d 'Print version'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "decode-status" -d 'Show the signals that a process blocks, ignores, catches and has pending.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "decode" -d 'Show the signals that a process blocks, ignores, catches and has pending.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "completions" -d 'Print completions for a shell, signal names among them.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "list" -d 'Which signals there are; what a number, name, exit status or mask means.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "send" -d 'Send a signal, to what was named or chosen and to nothing else.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "watch" -d 'Receive signals, tell who sent them, run commands on them; observe others.'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s f -l file -d 'Read copies of /proc/PID/status from FILE' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s m -l mask -d 'Decode a hex mask; NAME is SigPnd, SigBlk, ...' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l proc -d 'Read the /proc mounted at DIR, such as the host\'s' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l require -d 'Exit 1 unless all SIGNALS are in SET' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l forbid -d 'Exit 1 if any is in SET (--forbid pending=any)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l signal -d 'Show the effect that SIGNAL would have' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l signals -d 'Signals to count with --format prometheus' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l sort -d 'Sort by pid, name, state, threads, uid, queue, or the size of pending, blocked, ignored, caught (-KEY: largest first)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l backend -d 'Read handlers and queues with auto, bpf or ptrace' -r -f -a "auto\t''
bpf\t''
ptrace\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l name -d 'The whole name, exactly; however long' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l match -d 'A regular expression, in the command line' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l user -d 'Effective user, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l gid -d 'Effective group, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pgrp -d 'Process group; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l parent -d 'Parent process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l session -d 'Session; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l tty -d 'Terminal: pts/3, tty1; none for without one' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l cgroup -d 'In this control group or one below it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l ns -d 'In the pid namespace of this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l state -d 'State: letters of RSDTtZXIP, as ps(1) prints' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l older -d 'Started at least so long ago: 5s, 1m30s, 2h' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l newer -d 'Started less than so long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pidfile -d 'Its number is in this file; refused if stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l port -d 'Listening (TCP) or bound (UDP) at this port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l catches -d 'It catches these signals; any; none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l ignores -d 'It ignores these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l blocks -d 'Each of its threads blocks these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pending -d 'Pending for it or one of its threads' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l at-most -d 'Refuse if more than N were found' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l threads -d 'Also show the mask and pending set of each thread'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l full -d 'Show all signals, and each process in full'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s q -l quiet -d 'Print only errors'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l all -d 'All except sigtool, its ancestors, kernel threads'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pids -d 'Print only PIDs, one per line'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l handlers -d 'Show the handler function of each caught signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l queue -d 'Show pending signals with senders and values'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s v -l verbose -d 'Show why the kernel rejected a BPF program'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l oldest -d 'Only the one of them that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l newest -d 'Only the one of them that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s t -l tree -d 'Also every descendant of what was found'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s f -l file -d 'Read copies of /proc/PID/status from FILE' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s m -l mask -d 'Decode a hex mask; NAME is SigPnd, SigBlk, ...' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l proc -d 'Read the /proc mounted at DIR, such as the host\'s' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l require -d 'Exit 1 unless all SIGNALS are in SET' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l forbid -d 'Exit 1 if any is in SET (--forbid pending=any)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l signal -d 'Show the effect that SIGNAL would have' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l signals -d 'Signals to count with --format prometheus' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l sort -d 'Sort by pid, name, state, threads, uid, queue, or the size of pending, blocked, ignored, caught (-KEY: largest first)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l backend -d 'Read handlers and queues with auto, bpf or ptrace' -r -f -a "auto\t''
bpf\t''
ptrace\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l name -d 'The whole name, exactly; however long' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l match -d 'A regular expression, in the command line' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l user -d 'Effective user, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l gid -d 'Effective group, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pgrp -d 'Process group; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l parent -d 'Parent process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l session -d 'Session; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l tty -d 'Terminal: pts/3, tty1; none for without one' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l cgroup -d 'In this control group or one below it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l ns -d 'In the pid namespace of this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l state -d 'State: letters of RSDTtZXIP, as ps(1) prints' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l older -d 'Started at least so long ago: 5s, 1m30s, 2h' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l newer -d 'Started less than so long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pidfile -d 'Its number is in this file; refused if stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l port -d 'Listening (TCP) or bound (UDP) at this port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l catches -d 'It catches these signals; any; none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l ignores -d 'It ignores these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l blocks -d 'Each of its threads blocks these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pending -d 'Pending for it or one of its threads' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l at-most -d 'Refuse if more than N were found' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l threads -d 'Also show the mask and pending set of each thread'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l full -d 'Show all signals, and each process in full'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s q -l quiet -d 'Print only errors'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l all -d 'All except sigtool, its ancestors, kernel threads'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pids -d 'Print only PIDs, one per line'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l handlers -d 'Show the handler function of each caught signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l queue -d 'Show pending signals with senders and values'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s v -l verbose -d 'Show why the kernel rejected a BPF program'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l oldest -d 'Only the one of them that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l newest -d 'Only the one of them that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s t -l tree -d 'Also every descendant of what was found'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s a -l arch -d 'Numbers on x86, arm, alpha, sparc, mips or parisc' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s e -l encode -d 'The mask of these signals' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
KILL\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
STOP\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''
RTMIN\t''
RTMIN+1\t''
RTMIN+2\t''
RTMIN+3\t''
RTMIN+4\t''
RTMIN+5\t''
RTMIN+6\t''
RTMIN+7\t''
RTMIN+8\t''
RTMIN+9\t''
RTMIN+10\t''
RTMIN+11\t''
RTMIN+12\t''
RTMIN+13\t''
RTMIN+14\t''
RTMIN+15\t''
RTMAX-14\t''
RTMAX-13\t''
RTMAX-12\t''
RTMAX-11\t''
RTMAX-10\t''
RTMAX-9\t''
RTMAX-8\t''
RTMAX-7\t''
RTMAX-6\t''
RTMAX-5\t''
RTMAX-4\t''
RTMAX-3\t''
RTMAX-2\t''
RTMAX-1\t''
RTMAX\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l realtime -d 'A row for each real-time signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l names -d 'Bare names, one a line, for scripts'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s c -l codes -d 'The si_code values, of all or those named'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s n -l number -d 'The signal, by its number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s q -l queue -d 'Queue it with a value, as sigqueue(3) does' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s w -l wait -d 'Wait until all have ended; status 124 if not' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l then -d 'SIGNAL to those alive then, and wait again' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l name -d 'The whole name, exactly; however long' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l match -d 'A regular expression, in the command line' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l user -d 'Effective user, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l gid -d 'Effective group, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l pgrp -d 'Process group; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l parent -d 'Parent process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l session -d 'Session; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l tty -d 'Terminal: pts/3, tty1; none for without one' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l cgroup -d 'In this control group or one below it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l ns -d 'In the pid namespace of this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l state -d 'State: letters of RSDTtZXIP, as ps(1) prints' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l older -d 'Started at least so long ago: 5s, 1m30s, 2h' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l newer -d 'Started less than so long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l pidfile -d 'Its number is in this file; refused if stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l port -d 'Listening (TCP) or bound (UDP) at this port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l catches -d 'It catches these signals; any; none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l ignores -d 'It ignores these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l blocks -d 'Each of its threads blocks these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l pending -d 'Pending for it or one of its threads' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l at-most -d 'Refuse if more than N were found' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s s -l signal -d 'The signal: a name or a number; 0 only checks' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
KILL\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
STOP\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''
RTMIN\t''
RTMIN+1\t''
RTMIN+2\t''
RTMIN+3\t''
RTMIN+4\t''
RTMIN+5\t''
RTMIN+6\t''
RTMIN+7\t''
RTMIN+8\t''
RTMIN+9\t''
RTMIN+10\t''
RTMIN+11\t''
RTMIN+12\t''
RTMIN+13\t''
RTMIN+14\t''
RTMIN+15\t''
RTMAX-14\t''
RTMAX-13\t''
RTMAX-12\t''
RTMAX-11\t''
RTMAX-10\t''
RTMAX-9\t''
RTMAX-8\t''
RTMAX-7\t''
RTMAX-6\t''
RTMAX-5\t''
RTMAX-4\t''
RTMAX-3\t''
RTMAX-2\t''
RTMAX-1\t''
RTMAX\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l dry-run -d 'Say what it would do to each; send nothing'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s i -l interactive -d 'Ask before each target'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s v -l verbose -d 'Say what it does, and what becomes of it'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s r -l require-handler -d 'Only to processes that catch the signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l broadcast -d 'Allow -1, everybody but init and sigtool itself'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l oldest -d 'Only the one of them that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l newest -d 'Only the one of them that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s t -l tree -d 'Also every descendant of what was found'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l format -d 'table (on a terminal), plain (else) or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l color -d 'Colour tables: auto, always or never; beats NO_COLOR' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l width -d 'Fit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l burst -d 'While one runs: queue (default), drop or parallel' -r -f -a "queue\t''
drop\t''
parallel\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l count -d 'End after N signals, or N changes' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l timeout -d 'End after this time, with status 124' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l map -d 'Forward SIGNAL[,...] as another' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l kill-after -d 'With --timeout: KILL, so long after TERM' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l log -d 'Append to FILE what was received and done (-: standard error)' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pid -d 'Observe processes (or by --name, ...: see --help)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l until -d 'With --pid: end once all have them: caught=TERM' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l interval -d 'With --pid: from one look to the next (100ms)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l signal -d 'Of what is sent to others, only these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l sender -d 'Only what these send (numbers, or names)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l target -d 'With --all: only what is sent to these (numbers, or names)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l backend -d 'See signals by: auto, bpf, ptrace or proc' -r -f -a "auto\t''
bpf\t''
ptrace\t''
proc\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l name -d 'The whole name, exactly; however long' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l match -d 'A regular expression, in the command line' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l user -d 'Effective user, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l gid -d 'Effective group, name or number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pgrp -d 'Process group; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l parent -d 'Parent process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l session -d 'Session; 0 is sigtool\'s own' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l tty -d 'Terminal: pts/3, tty1; none for without one' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l cgroup -d 'In this control group or one below it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l ns -d 'In the pid namespace of this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l state -d 'State: letters of RSDTtZXIP, as ps(1) prints' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l older -d 'Started at least so long ago: 5s, 1m30s, 2h' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l newer -d 'Started less than so long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pidfile -d 'Its number is in this file; refused if stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l port -d 'Listening (TCP) or bound (UDP) at this port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l catches -d 'It catches these signals; any; none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l ignores -d 'It ignores these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l blocks -d 'Each of its threads blocks these' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pending -d 'Pending for it or one of its threads' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l at-most -d 'Refuse if more than N were found' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l on -d 'Run COMMAND on SIGNAL[,...], or at the end (EXIT)' -r -f -a "HUP=\t''
INT=\t''
QUIT=\t''
ILL=\t''
TRAP=\t''
ABRT=\t''
BUS=\t''
FPE=\t''
USR1=\t''
SEGV=\t''
USR2=\t''
PIPE=\t''
ALRM=\t''
TERM=\t''
STKFLT=\t''
CHLD=\t''
CONT=\t''
TSTP=\t''
TTIN=\t''
TTOU=\t''
URG=\t''
XCPU=\t''
XFSZ=\t''
VTALRM=\t''
PROF=\t''
WINCH=\t''
IO=\t''
PWR=\t''
SYS=\t''
RTMIN=\t''
RTMIN+1=\t''
RTMIN+2=\t''
RTMIN+3=\t''
RTMIN+4=\t''
RTMIN+5=\t''
RTMIN+6=\t''
RTMIN+7=\t''
RTMIN+8=\t''
RTMIN+9=\t''
RTMIN+10=\t''
RTMIN+11=\t''
RTMIN+12=\t''
RTMIN+13=\t''
RTMIN+14=\t''
RTMIN+15=\t''
RTMAX-14=\t''
RTMAX-13=\t''
RTMAX-12=\t''
RTMAX-11=\t''
RTMAX-10=\t''
RTMAX-9=\t''
RTMAX-8=\t''
RTMAX-7=\t''
RTMAX-6=\t''
RTMAX-5=\t''
RTMAX-4=\t''
RTMAX-3=\t''
RTMAX-2=\t''
RTMAX-1=\t''
RTMAX=\t''
EXIT=\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l drop -d 'Do not forward these' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''
RTMIN\t''
RTMIN+1\t''
RTMIN+2\t''
RTMIN+3\t''
RTMIN+4\t''
RTMIN+5\t''
RTMIN+6\t''
RTMIN+7\t''
RTMIN+8\t''
RTMIN+9\t''
RTMIN+10\t''
RTMIN+11\t''
RTMIN+12\t''
RTMIN+13\t''
RTMIN+14\t''
RTMIN+15\t''
RTMAX-14\t''
RTMAX-13\t''
RTMAX-12\t''
RTMAX-11\t''
RTMAX-10\t''
RTMAX-9\t''
RTMAX-8\t''
RTMAX-7\t''
RTMAX-6\t''
RTMAX-5\t''
RTMAX-4\t''
RTMAX-3\t''
RTMAX-2\t''
RTMAX-1\t''
RTMAX\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l ignore -d 'Start COMMAND with these ignored, or all' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''
RTMIN\t''
RTMIN+1\t''
RTMIN+2\t''
RTMIN+3\t''
RTMIN+4\t''
RTMIN+5\t''
RTMIN+6\t''
RTMIN+7\t''
RTMIN+8\t''
RTMIN+9\t''
RTMIN+10\t''
RTMIN+11\t''
RTMIN+12\t''
RTMIN+13\t''
RTMIN+14\t''
RTMIN+15\t''
RTMAX-14\t''
RTMAX-13\t''
RTMAX-12\t''
RTMAX-11\t''
RTMAX-10\t''
RTMAX-9\t''
RTMAX-8\t''
RTMAX-7\t''
RTMAX-6\t''
RTMAX-5\t''
RTMAX-4\t''
RTMAX-3\t''
RTMAX-2\t''
RTMAX-1\t''
RTMAX\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l block -d 'Start COMMAND with these blocked, or all, beside those inherited' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''
RTMIN\t''
RTMIN+1\t''
RTMIN+2\t''
RTMIN+3\t''
RTMIN+4\t''
RTMIN+5\t''
RTMIN+6\t''
RTMIN+7\t''
RTMIN+8\t''
RTMIN+9\t''
RTMIN+10\t''
RTMIN+11\t''
RTMIN+12\t''
RTMIN+13\t''
RTMIN+14\t''
RTMIN+15\t''
RTMAX-14\t''
RTMAX-13\t''
RTMAX-12\t''
RTMAX-11\t''
RTMAX-10\t''
RTMAX-9\t''
RTMAX-8\t''
RTMAX-7\t''
RTMAX-6\t''
RTMAX-5\t''
RTMAX-4\t''
RTMAX-3\t''
RTMAX-2\t''
RTMAX-1\t''
RTMAX\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l default -d 'Start COMMAND with these at their default, or all' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''
RTMIN\t''
RTMIN+1\t''
RTMIN+2\t''
RTMIN+3\t''
RTMIN+4\t''
RTMIN+5\t''
RTMIN+6\t''
RTMIN+7\t''
RTMIN+8\t''
RTMIN+9\t''
RTMIN+10\t''
RTMIN+11\t''
RTMIN+12\t''
RTMIN+13\t''
RTMIN+14\t''
RTMIN+15\t''
RTMAX-14\t''
RTMAX-13\t''
RTMAX-12\t''
RTMAX-11\t''
RTMAX-10\t''
RTMAX-9\t''
RTMAX-8\t''
RTMAX-7\t''
RTMAX-6\t''
RTMAX-5\t''
RTMAX-4\t''
RTMAX-3\t''
RTMAX-2\t''
RTMAX-1\t''
RTMAX\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l json -d 'The same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l group -d 'Run COMMAND in a process group of its own, and forward to all of it'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l reap -d 'Adopt descendants whose parents end (PID 1 does so anyway)'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l wait-all -d 'Wait for all descendants, not for COMMAND alone; adopts them'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l quiet -d 'Tell it nowhere; else it is told on standard error'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l threads -d 'With --pid: each thread by itself'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l all -d 'Every signal of the whole system, as it is sent'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l until-exit -d 'Tell only how processes end, and who ended them'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -s v -l verbose -d 'Also why the kernel refused a BPF program'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l oldest -d 'Only the one of them that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l newest -d 'Only the one of them that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -s t -l tree -d 'Also every descendant of what was found'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -f -a "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -f -a "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX"
