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

complete -c sigtool -n "__fish_sigtool_needs_command" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_needs_command" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_needs_command" -l width -d 'Limit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_needs_command" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_needs_command" -s V -l version -d 'Print version'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "decode-status" -d 'Show the signals that a process blocks, ignores, catches and has pending.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "decode" -d 'Show the signals that a process blocks, ignores, catches and has pending.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "completions" -d 'Print the completion script for a shell.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "list" -d 'List signals, and explain numbers, exit statuses and signal masks.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "send" -d 'Send a signal to exactly the processes you name.'
complete -c sigtool -n "__fish_sigtool_needs_command" -f -a "watch" -d 'Show signals and their senders; supervise a command; monitor processes'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l width -d 'Limit tables to N columns' -r
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
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l name -d 'Exact process name, not truncated to 15 bytes' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l match -d 'Command line matches this regular expression' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l user -d 'Effective user, a name or UID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l gid -d 'Effective group, a name or GID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pgrp -d 'Process group; 0 is the group of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l parent -d 'PID of the parent' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l session -d 'Session; 0 is the session of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l tty -d 'Controlling terminal (pts/3, tty1), or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l cgroup -d 'In this cgroup or a descendant of it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l ns -d 'In the same PID namespace as this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l state -d 'State, letters of RSDTtZXIP as in ps(1)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l older -d 'Started at least this long ago (5s, 1m30s, 2h)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l newer -d 'Started less than this long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pidfile -d 'PID in this file; an error if the file is stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l port -d 'Listens on this TCP port, or is bound to this UDP port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l catches -d 'Catches all of these signals; or any, or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l ignores -d 'Ignores all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l blocks -d 'Every thread blocks all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pending -d 'These signals are pending, in any of its queues' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l at-most -d 'Fail if more than N processes match' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l threads -d 'Also show the mask and pending set of each thread'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l full -d 'Show all signals, and each process in full'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s q -l quiet -d 'Print only errors'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l all -d 'All except sigtool, its ancestors, kernel threads'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l pids -d 'Print only PIDs, one per line'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l handlers -d 'Show the handler function of each caught signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l queue -d 'Show pending signals with senders and values'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s v -l verbose -d 'Show why the kernel rejected a BPF program'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l oldest -d 'Only the match that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -l newest -d 'Only the match that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s t -l tree -d 'Also select all descendants of the matches'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode-status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l width -d 'Limit tables to N columns' -r
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
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l name -d 'Exact process name, not truncated to 15 bytes' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l match -d 'Command line matches this regular expression' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l user -d 'Effective user, a name or UID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l gid -d 'Effective group, a name or GID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pgrp -d 'Process group; 0 is the group of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l parent -d 'PID of the parent' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l session -d 'Session; 0 is the session of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l tty -d 'Controlling terminal (pts/3, tty1), or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l cgroup -d 'In this cgroup or a descendant of it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l ns -d 'In the same PID namespace as this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l state -d 'State, letters of RSDTtZXIP as in ps(1)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l older -d 'Started at least this long ago (5s, 1m30s, 2h)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l newer -d 'Started less than this long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pidfile -d 'PID in this file; an error if the file is stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l port -d 'Listens on this TCP port, or is bound to this UDP port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l catches -d 'Catches all of these signals; or any, or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l ignores -d 'Ignores all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l blocks -d 'Every thread blocks all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pending -d 'These signals are pending, in any of its queues' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l at-most -d 'Fail if more than N processes match' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l threads -d 'Also show the mask and pending set of each thread'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l full -d 'Show all signals, and each process in full'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s q -l quiet -d 'Print only errors'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l all -d 'All except sigtool, its ancestors, kernel threads'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l pids -d 'Print only PIDs, one per line'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l handlers -d 'Show the handler function of each caught signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l queue -d 'Show pending signals with senders and values'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s v -l verbose -d 'Show why the kernel rejected a BPF program'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l oldest -d 'Only the match that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -l newest -d 'Only the match that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s t -l tree -d 'Also select all descendants of the matches'
complete -c sigtool -n "__fish_sigtool_using_subcommand decode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l width -d 'Limit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l width -d 'Limit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s a -l arch -d 'Numbers of x86, arm, alpha, sparc, mips or parisc' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s e -l encode -d 'Print the mask of these signals' -r -f -a "HUP\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l realtime -d 'List each real-time signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -l names -d 'Print only names, one per line'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s c -l codes -d 'List si_code values, all or of these signals'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l width -d 'Limit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s n -l number -d 'Signal to send, as a number' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s q -l queue -d 'Queue the signal with a value (sigqueue(3))' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s w -l wait -d 'Wait for all to exit (exit status 124 if not)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l then -d 'Send SIGNAL to survivors, then wait again' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l name -d 'Exact process name, not truncated to 15 bytes' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l match -d 'Command line matches this regular expression' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l user -d 'Effective user, a name or UID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l gid -d 'Effective group, a name or GID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l pgrp -d 'Process group; 0 is the group of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l parent -d 'PID of the parent' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l session -d 'Session; 0 is the session of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l tty -d 'Controlling terminal (pts/3, tty1), or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l cgroup -d 'In this cgroup or a descendant of it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l ns -d 'In the same PID namespace as this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l state -d 'State, letters of RSDTtZXIP as in ps(1)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l older -d 'Started at least this long ago (5s, 1m30s, 2h)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l newer -d 'Started less than this long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l pidfile -d 'PID in this file; an error if the file is stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l port -d 'Listens on this TCP port, or is bound to this UDP port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l catches -d 'Catches all of these signals; or any, or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l ignores -d 'Ignores all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l blocks -d 'Every thread blocks all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l pending -d 'These signals are pending, in any of its queues' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l at-most -d 'Fail if more than N processes match' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s s -l signal -d 'Signal to send (default TERM; 0 only checks)' -r -f -a "HUP\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l dry-run -d 'Print the effect on each target; send nothing'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s i -l interactive -d 'Ask before signalling each target'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s v -l verbose -d 'Report each signal, its effect and each exit'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s r -l require-handler -d 'Send only to processes that catch the signal'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l broadcast -d 'Allow -1 (every process except init and sigtool)'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l oldest -d 'Only the match that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -l newest -d 'Only the match that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s t -l tree -d 'Also select all descendants of the matches'
complete -c sigtool -n "__fish_sigtool_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l format -d 'table (default on a terminal), plain or json' -r -f -a "table\t''
plain\t''
json\t''
prometheus\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l color -d 'Use color: auto, always or never (overrides NO_COLOR)' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l width -d 'Limit tables to N columns' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l burst -d 'If COMMAND is still running: queue (default), drop or parallel' -r -f -a "queue\t''
drop\t''
parallel\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l count -d 'Exit after N signals (with --pid: N changes)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l timeout -d 'Exit with status 124 after this time (30s, 1m30s)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l map -d 'Forward SIGNAL[,...] as another signal' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l kill-after -d 'With --timeout: send KILL this long after TERM' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l log -d 'Append the signal log to FILE (- is stderr, the default)' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pid -d 'Watch these processes (PIDs separated by commas)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l until -d 'Exit once every process matches, as in caught=TERM' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l interval -d 'Time between two samples, 1ms to 1d (default: 100ms)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l signal -d 'Report only these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l sender -d 'Report only signals from these processes (PIDs or names)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l target -d 'With --all: report only signals to these (PIDs or names)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l backend -d 'Signal source: bpf, ptrace, proc or auto (bpf, else proc)' -r -f -a "auto\t''
bpf\t''
ptrace\t''
proc\t''"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l name -d 'Exact process name, not truncated to 15 bytes' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l match -d 'Command line matches this regular expression' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l user -d 'Effective user, a name or UID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l gid -d 'Effective group, a name or GID' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pgrp -d 'Process group; 0 is the group of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l parent -d 'PID of the parent' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l session -d 'Session; 0 is the session of sigtool' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l tty -d 'Controlling terminal (pts/3, tty1), or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l cgroup -d 'In this cgroup or a descendant of it' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l ns -d 'In the same PID namespace as this process' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l state -d 'State, letters of RSDTtZXIP as in ps(1)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l older -d 'Started at least this long ago (5s, 1m30s, 2h)' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l newer -d 'Started less than this long ago' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pidfile -d 'PID in this file; an error if the file is stale' -r -F
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l port -d 'Listens on this TCP port, or is bound to this UDP port' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l catches -d 'Catches all of these signals; or any, or none' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l ignores -d 'Ignores all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l blocks -d 'Every thread blocks all of these signals' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l pending -d 'These signals are pending, in any of its queues' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l at-most -d 'Fail if more than N processes match' -r
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l on -d 'Run COMMAND on SIGNAL[,...], or at exit (EXIT)' -r -f -a "HUP=\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l drop -d 'Do not forward these signals' -r -f -a "HUP\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l ignore -d 'Start COMMAND with these signals ignored (or all)' -r -f -a "HUP\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l block -d 'Start COMMAND with these signals also blocked (or all)' -r -f -a "HUP\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l default -d 'Start COMMAND with the default action for these signals (or all)' -r -f -a "HUP\t''
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
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l json -d 'Same as --format json'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l group -d 'Run COMMAND in its own process group and forward to the whole group'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l reap -d 'Adopt and reap orphaned descendants (PID 1 always does)'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l wait-all -d 'Wait for all descendants of COMMAND too, and reap orphans'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l quiet -d 'Do not log signals'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l threads -d 'Report each thread separately'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l all -d 'Report all signals on the system (needs CAP_BPF and CAP_PERFMON)'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l until-exit -d 'Report only exits and the signals that caused them'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -s v -l verbose -d 'Print the verifier log if the kernel rejects a BPF program'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l oldest -d 'Only the match that started first'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -l newest -d 'Only the match that started last'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -s t -l tree -d 'Also select all descendants of the matches'
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sigtool -n "__fish_sigtool_using_subcommand list" -f -a "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX"
complete -c sigtool -n "__fish_sigtool_using_subcommand watch" -f -a "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX"
