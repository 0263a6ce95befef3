#compdef sigtool

autoload -U is-at-least

_sigtool() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'(--format)--json[Same as --format json]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_sigtool_commands" \
"*::: :->sigtool" \
&& ret=0
    case $state in
    (sigtool)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:sigtool-command-$line[1]:"
        case $line[1] in
            (decode-status)
_arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'*-f+[Read copies of /proc/PID/status from FILE]:FILE:_files' \
'*--file=[Read copies of /proc/PID/status from FILE]:FILE:_files' \
'(-f --file --threads --proc)*-m+[Decode a hex mask; NAME is SigPnd, SigBlk, ...]:[NAME=]HEX:_default' \
'(-f --file --threads --proc)*--mask=[Decode a hex mask; NAME is SigPnd, SigBlk, ...]:[NAME=]HEX:_default' \
'--proc=[Read the /proc mounted at DIR, such as the host'\''s]:DIR:_files' \
'*--require=[Exit 1 unless all SIGNALS are in SET]:SET=SIGNALS:_default' \
'*--forbid=[Exit 1 if any is in SET (--forbid pending=any)]:SET=SIGNALS:_default' \
'--signal=[Show the effect that SIGNAL would have]:SIGNAL:_default' \
'--signals=[Signals to count with --format prometheus]:SET:_default' \
'(--pids)--sort=[Sort by pid, name, state, threads, uid, queue, or the size of pending, blocked, ignored, caught (-KEY\: largest first)]:KEY:_default' \
'--backend=[Read handlers and queues with auto, bpf or ptrace]:BACKEND:(auto bpf ptrace)' \
'*--name=[Exact process name, not truncated to 15 bytes]:NAME:_default' \
'*--match=[Command line matches this regular expression]:REGEX:_default' \
'*--user=[Effective user, a name or UID]:USER:_default' \
'*--gid=[Effective group, a name or GID]:GROUP:_default' \
'*--pgrp=[Process group; 0 is the group of sigtool]:PGID:_default' \
'*--parent=[PID of the parent]:PID:_default' \
'*--session=[Session; 0 is the session of sigtool]:SID:_default' \
'*--tty=[Controlling terminal (pts/3, tty1), or none]:TTY:_default' \
'*--cgroup=[In this cgroup or a descendant of it]:PATH:_default' \
'*--ns=[In the same PID namespace as this process]:PID:_default' \
'*--state=[State, letters of RSDTtZXIP as in ps(1)]:LETTERS:_default' \
'--older=[Started at least this long ago (5s, 1m30s, 2h)]:DURATION:_default' \
'--newer=[Started less than this long ago]:DURATION:_default' \
'*--pidfile=[PID in this file; an error if the file is stale]:FILE:_files' \
'*--port=[Listens on this TCP port, or is bound to this UDP port]:[tcp:|udp:]N:_default' \
'*--catches=[Catches all of these signals; or any, or none]:SIGNAL:_default' \
'*--ignores=[Ignores all of these signals]:SIGNAL:_default' \
'*--blocks=[Every thread blocks all of these signals]:SIGNAL:_default' \
'*--pending=[These signals are pending, in any of its queues]:SIGNAL:_default' \
'--at-most=[Fail if more than N processes match]:N:_default' \
'(--format)--json[Same as --format json]' \
'--threads[Also show the mask and pending set of each thread]' \
'--full[Show all signals, and each process in full]' \
'-q[Print only errors]' \
'--quiet[Print only errors]' \
'(-f --file -m --mask)--all[All except sigtool, its ancestors, kernel threads]' \
'(-f --file -m --mask --signal --threads --full)--pids[Print only PIDs, one per line]' \
'--handlers[Show the handler function of each caught signal]' \
'--queue[Show pending signals with senders and values]' \
'-v[Show why the kernel rejected a BPF program]' \
'--verbose[Show why the kernel rejected a BPF program]' \
'(--newest)--oldest[Only the match that started first]' \
'--newest[Only the match that started last]' \
'-t[Also select all descendants of the matches]' \
'--tree[Also select all descendants of the matches]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::operands -- Process, thread, sigtool itself, or stdin:_default' \
&& ret=0
;;
(decode)
_arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'*-f+[Read copies of /proc/PID/status from FILE]:FILE:_files' \
'*--file=[Read copies of /proc/PID/status from FILE]:FILE:_files' \
'(-f --file --threads --proc)*-m+[Decode a hex mask; NAME is SigPnd, SigBlk, ...]:[NAME=]HEX:_default' \
'(-f --file --threads --proc)*--mask=[Decode a hex mask; NAME is SigPnd, SigBlk, ...]:[NAME=]HEX:_default' \
'--proc=[Read the /proc mounted at DIR, such as the host'\''s]:DIR:_files' \
'*--require=[Exit 1 unless all SIGNALS are in SET]:SET=SIGNALS:_default' \
'*--forbid=[Exit 1 if any is in SET (--forbid pending=any)]:SET=SIGNALS:_default' \
'--signal=[Show the effect that SIGNAL would have]:SIGNAL:_default' \
'--signals=[Signals to count with --format prometheus]:SET:_default' \
'(--pids)--sort=[Sort by pid, name, state, threads, uid, queue, or the size of pending, blocked, ignored, caught (-KEY\: largest first)]:KEY:_default' \
'--backend=[Read handlers and queues with auto, bpf or ptrace]:BACKEND:(auto bpf ptrace)' \
'*--name=[Exact process name, not truncated to 15 bytes]:NAME:_default' \
'*--match=[Command line matches this regular expression]:REGEX:_default' \
'*--user=[Effective user, a name or UID]:USER:_default' \
'*--gid=[Effective group, a name or GID]:GROUP:_default' \
'*--pgrp=[Process group; 0 is the group of sigtool]:PGID:_default' \
'*--parent=[PID of the parent]:PID:_default' \
'*--session=[Session; 0 is the session of sigtool]:SID:_default' \
'*--tty=[Controlling terminal (pts/3, tty1), or none]:TTY:_default' \
'*--cgroup=[In this cgroup or a descendant of it]:PATH:_default' \
'*--ns=[In the same PID namespace as this process]:PID:_default' \
'*--state=[State, letters of RSDTtZXIP as in ps(1)]:LETTERS:_default' \
'--older=[Started at least this long ago (5s, 1m30s, 2h)]:DURATION:_default' \
'--newer=[Started less than this long ago]:DURATION:_default' \
'*--pidfile=[PID in this file; an error if the file is stale]:FILE:_files' \
'*--port=[Listens on this TCP port, or is bound to this UDP port]:[tcp:|udp:]N:_default' \
'*--catches=[Catches all of these signals; or any, or none]:SIGNAL:_default' \
'*--ignores=[Ignores all of these signals]:SIGNAL:_default' \
'*--blocks=[Every thread blocks all of these signals]:SIGNAL:_default' \
'*--pending=[These signals are pending, in any of its queues]:SIGNAL:_default' \
'--at-most=[Fail if more than N processes match]:N:_default' \
'(--format)--json[Same as --format json]' \
'--threads[Also show the mask and pending set of each thread]' \
'--full[Show all signals, and each process in full]' \
'-q[Print only errors]' \
'--quiet[Print only errors]' \
'(-f --file -m --mask)--all[All except sigtool, its ancestors, kernel threads]' \
'(-f --file -m --mask --signal --threads --full)--pids[Print only PIDs, one per line]' \
'--handlers[Show the handler function of each caught signal]' \
'--queue[Show pending signals with senders and values]' \
'-v[Show why the kernel rejected a BPF program]' \
'--verbose[Show why the kernel rejected a BPF program]' \
'(--newest)--oldest[Only the match that started first]' \
'--newest[Only the match that started last]' \
'-t[Also select all descendants of the matches]' \
'--tree[Also select all descendants of the matches]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::operands -- Process, thread, sigtool itself, or stdin:_default' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'(--format)--json[Same as --format json]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':shell -- bash, zsh, fish or nushell:(bash zsh fish nushell)' \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'-a+[Numbers of x86, arm, alpha, sparc, mips or parisc]:NAME:_default' \
'--arch=[Numbers of x86, arm, alpha, sparc, mips or parisc]:NAME:_default' \
'(--names -c --codes --realtime)-e+[Print the mask of these signals]:SIGNAL,...:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--names -c --codes --realtime)--encode=[Print the mask of these signals]:SIGNAL,...:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--format)--json[Same as --format json]' \
'(--names)--realtime[List each real-time signal]' \
'--names[Print only names, one per line]' \
'(--names)-c[List si_code values, all or of these signals]' \
'(--names)--codes[List si_code values, all or of these signals]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::operands -- Signal name or number, exit status, or mask:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
&& ret=0
;;
(send)
_arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'-n+[Signal to send, as a number]:NUMBER:_default' \
'--number=[Signal to send, as a number]:NUMBER:_default' \
'-q+[Queue the signal with a value (sigqueue(3))]:VALUE:_default' \
'--queue=[Queue the signal with a value (sigqueue(3))]:VALUE:_default' \
'-w+[Wait for all to exit (exit status 124 if not)]:DURATION:_default' \
'--wait=[Wait for all to exit (exit status 124 if not)]:DURATION:_default' \
'*--then=[Send SIGNAL to survivors, then wait again]:SIGNAL[:DURATION]:_default' \
'*--name=[Exact process name, not truncated to 15 bytes]:NAME:_default' \
'*--match=[Command line matches this regular expression]:REGEX:_default' \
'*--user=[Effective user, a name or UID]:USER:_default' \
'*--gid=[Effective group, a name or GID]:GROUP:_default' \
'*--pgrp=[Process group; 0 is the group of sigtool]:PGID:_default' \
'*--parent=[PID of the parent]:PID:_default' \
'*--session=[Session; 0 is the session of sigtool]:SID:_default' \
'*--tty=[Controlling terminal (pts/3, tty1), or none]:TTY:_default' \
'*--cgroup=[In this cgroup or a descendant of it]:PATH:_default' \
'*--ns=[In the same PID namespace as this process]:PID:_default' \
'*--state=[State, letters of RSDTtZXIP as in ps(1)]:LETTERS:_default' \
'--older=[Started at least this long ago (5s, 1m30s, 2h)]:DURATION:_default' \
'--newer=[Started less than this long ago]:DURATION:_default' \
'*--pidfile=[PID in this file; an error if the file is stale]:FILE:_files' \
'*--port=[Listens on this TCP port, or is bound to this UDP port]:[tcp:|udp:]N:_default' \
'*--catches=[Catches all of these signals; or any, or none]:SIGNAL:_default' \
'*--ignores=[Ignores all of these signals]:SIGNAL:_default' \
'*--blocks=[Every thread blocks all of these signals]:SIGNAL:_default' \
'*--pending=[These signals are pending, in any of its queues]:SIGNAL:_default' \
'--at-most=[Fail if more than N processes match]:N:_default' \
'(-n --number)-s+[Signal to send (default TERM; 0 only checks)]:SIGNAL:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(-n --number)--signal=[Signal to send (default TERM; 0 only checks)]:SIGNAL:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--format)--json[Same as --format json]' \
'--dry-run[Print the effect on each target; send nothing]' \
'-i[Ask before signalling each target]' \
'--interactive[Ask before signalling each target]' \
'-v[Report each signal, its effect and each exit]' \
'--verbose[Report each signal, its effect and each exit]' \
'-r[Send only to processes that catch the signal]' \
'--require-handler[Send only to processes that catch the signal]' \
'--broadcast[Allow -1 (every process except init and sigtool)]' \
'(--newest)--oldest[Only the match that started first]' \
'--newest[Only the match that started last]' \
'-t[Also select all descendants of the matches]' \
'--tree[Also select all descendants of the matches]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::targets -- PID, -PGID, 0 (own process group), PID/TID or PID\:INODE:_default' \
&& ret=0
;;
(watch)
_arguments "${_arguments_options[@]}" : \
'--format=[table (default on a terminal), plain or json]:FORMAT:(table plain json prometheus)' \
'--color=[Use color\: auto, always or never (overrides NO_COLOR)]:WHEN:(auto always never)' \
'--width=[Limit tables to N columns]:N:_default' \
'--burst=[If COMMAND is still running\: queue (default), drop or parallel]:HOW:(queue drop parallel)' \
'--count=[Exit after N signals (with --pid\: N changes)]:N:_default' \
'--timeout=[Exit with status 124 after this time (30s, 1m30s)]:DURATION:_default' \
'*--map=[Forward SIGNAL\[,...\] as another signal]:SIGNAL=SIGNAL:_default' \
'--kill-after=[With --timeout\: send KILL this long after TERM]:DURATION:_default' \
'--log=[Append the signal log to FILE (- is stderr, the default)]:FILE:_files' \
'*--pid=[Watch these processes (PIDs separated by commas)]:PID:_default' \
'*--until=[Exit once every process matches, as in caught=TERM]:SET=SIGNALS:_default' \
'--interval=[Time between two samples, 1ms to 1d (default\: 100ms)]:DURATION:_default' \
'*--signal=[Report only these signals]:SIGNAL[,...]:_default' \
'*--sender=[Report only signals from these processes (PIDs or names)]:PROCESS[,...]:_default' \
'*--target=[With --all\: report only signals to these (PIDs or names)]:PROCESS[,...]:_default' \
'--backend=[Signal source\: bpf, ptrace, proc or auto (bpf, else proc)]:BACKEND:(auto bpf ptrace proc)' \
'*--name=[Exact process name, not truncated to 15 bytes]:NAME:_default' \
'*--match=[Command line matches this regular expression]:REGEX:_default' \
'*--user=[Effective user, a name or UID]:USER:_default' \
'*--gid=[Effective group, a name or GID]:GROUP:_default' \
'*--pgrp=[Process group; 0 is the group of sigtool]:PGID:_default' \
'*--parent=[PID of the parent]:PID:_default' \
'*--session=[Session; 0 is the session of sigtool]:SID:_default' \
'*--tty=[Controlling terminal (pts/3, tty1), or none]:TTY:_default' \
'*--cgroup=[In this cgroup or a descendant of it]:PATH:_default' \
'*--ns=[In the same PID namespace as this process]:PID:_default' \
'*--state=[State, letters of RSDTtZXIP as in ps(1)]:LETTERS:_default' \
'--older=[Started at least this long ago (5s, 1m30s, 2h)]:DURATION:_default' \
'--newer=[Started less than this long ago]:DURATION:_default' \
'*--pidfile=[PID in this file; an error if the file is stale]:FILE:_files' \
'*--port=[Listens on this TCP port, or is bound to this UDP port]:[tcp:|udp:]N:_default' \
'*--catches=[Catches all of these signals; or any, or none]:SIGNAL:_default' \
'*--ignores=[Ignores all of these signals]:SIGNAL:_default' \
'*--blocks=[Every thread blocks all of these signals]:SIGNAL:_default' \
'*--pending=[These signals are pending, in any of its queues]:SIGNAL:_default' \
'--at-most=[Fail if more than N processes match]:N:_default' \
'*--on=[Run COMMAND on SIGNAL\[,...\], or at exit (EXIT)]:SIGNAL=COMMAND:(HUP= INT= QUIT= ILL= TRAP= ABRT= BUS= FPE= USR1= SEGV= USR2= PIPE= ALRM= TERM= STKFLT= CHLD= CONT= TSTP= TTIN= TTOU= URG= XCPU= XFSZ= VTALRM= PROF= WINCH= IO= PWR= SYS= RTMIN= RTMIN+1= RTMIN+2= RTMIN+3= RTMIN+4= RTMIN+5= RTMIN+6= RTMIN+7= RTMIN+8= RTMIN+9= RTMIN+10= RTMIN+11= RTMIN+12= RTMIN+13= RTMIN+14= RTMIN+15= RTMAX-14= RTMAX-13= RTMAX-12= RTMAX-11= RTMAX-10= RTMAX-9= RTMAX-8= RTMAX-7= RTMAX-6= RTMAX-5= RTMAX-4= RTMAX-3= RTMAX-2= RTMAX-1= RTMAX= EXIT=)' \
'*--drop=[Do not forward these signals]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'*--ignore=[Start COMMAND with these signals ignored (or all)]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'*--block=[Start COMMAND with these signals also blocked (or all)]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'*--default=[Start COMMAND with the default action for these signals (or all)]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--format)--json[Same as --format json]' \
'--group[Run COMMAND in its own process group and forward to the whole group]' \
'--reap[Adopt and reap orphaned descendants (PID 1 always does)]' \
'--wait-all[Wait for all descendants of COMMAND too, and reap orphans]' \
'(--log)--quiet[Do not log signals]' \
'--threads[Report each thread separately]' \
'(--pid)--all[Report all signals on the system (needs CAP_BPF and CAP_PERFMON)]' \
'--until-exit[Report only exits and the signals that caused them]' \
'-v[Print the verifier log if the kernel rejects a BPF program]' \
'--verbose[Print the verifier log if the kernel rejects a BPF program]' \
'(--newest)--oldest[Only the match that started first]' \
'--newest[Only the match that started last]' \
'-t[Also select all descendants of the matches]' \
'--tree[Also select all descendants of the matches]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::signals -- Signals to report (default\: all that can be caught):(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
&& ret=0
;;
        esac
    ;;
esac
}

(( $+functions[_sigtool_commands] )) ||
_sigtool_commands() {
    local commands; commands=(
'decode-status:Show the signals that a process blocks, ignores, catches and has pending.' \
'decode:Show the signals that a process blocks, ignores, catches and has pending.' \
'completions:Print the completion script for a shell.' \
'list:List signals, and explain numbers, exit statuses and signal masks.' \
'send:Send a signal to exactly the processes you name.' \
'watch:Show signals and their senders; supervise a command; monitor processes' \
    )
    _describe -t commands 'sigtool commands' commands "$@"
}
(( $+functions[_sigtool__subcmd__completions_commands] )) ||
_sigtool__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'sigtool completions commands' commands "$@"
}
(( $+functions[_sigtool__subcmd__decode-status_commands] )) ||
_sigtool__subcmd__decode-status_commands() {
    local commands; commands=()
    _describe -t commands 'sigtool decode-status commands' commands "$@"
}
(( $+functions[_sigtool__subcmd__list_commands] )) ||
_sigtool__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'sigtool list commands' commands "$@"
}
(( $+functions[_sigtool__subcmd__send_commands] )) ||
_sigtool__subcmd__send_commands() {
    local commands; commands=()
    _describe -t commands 'sigtool send commands' commands "$@"
}
(( $+functions[_sigtool__subcmd__watch_commands] )) ||
_sigtool__subcmd__watch_commands() {
    local commands; commands=()
    _describe -t commands 'sigtool watch commands' commands "$@"
}

if [ "$funcstack[1]" = "_sigtool" ]; then
    _sigtool "$@"
else
    compdef _sigtool sigtool
fi
