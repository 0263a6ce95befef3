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
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
'(--format)--json[The same as --format json]' \
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
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
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
'*--name=[The whole name, exactly; however long]:NAME:_default' \
'*--match=[A regular expression, in the command line]:REGEX:_default' \
'*--user=[Effective user, name or number]:USER:_default' \
'*--gid=[Effective group, name or number]:GROUP:_default' \
'*--pgrp=[Process group; 0 is sigtool'\''s own]:PGID:_default' \
'*--parent=[Parent process]:PID:_default' \
'*--session=[Session; 0 is sigtool'\''s own]:SID:_default' \
'*--tty=[Terminal\: pts/3, tty1; none for without one]:TTY:_default' \
'*--cgroup=[In this control group or one below it]:PATH:_default' \
'*--ns=[In the pid namespace of this process]:PID:_default' \
'*--state=[State\: letters of RSDTtZXIP, as ps(1) prints]:LETTERS:_default' \
'--older=[Started at least so long ago\: 5s, 1m30s, 2h]:DURATION:_default' \
'--newer=[Started less than so long ago]:DURATION:_default' \
'*--pidfile=[Its number is in this file; refused if stale]:FILE:_files' \
'*--port=[Listening (TCP) or bound (UDP) at this port]:[tcp:|udp:]N:_default' \
'*--catches=[It catches these signals; any; none]:SIGNAL:_default' \
'*--ignores=[It ignores these]:SIGNAL:_default' \
'*--blocks=[Each of its threads blocks these]:SIGNAL:_default' \
'*--pending=[Pending for it or one of its threads]:SIGNAL:_default' \
'--at-most=[Refuse if more than N were found]:N:_default' \
'(--format)--json[The same as --format json]' \
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
'(--newest)--oldest[Only the one of them that started first]' \
'--newest[Only the one of them that started last]' \
'-t[Also every descendant of what was found]' \
'--tree[Also every descendant of what was found]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::operands -- Process, thread, sigtool itself, or stdin:_default' \
&& ret=0
;;
(decode)
_arguments "${_arguments_options[@]}" : \
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
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
'*--name=[The whole name, exactly; however long]:NAME:_default' \
'*--match=[A regular expression, in the command line]:REGEX:_default' \
'*--user=[Effective user, name or number]:USER:_default' \
'*--gid=[Effective group, name or number]:GROUP:_default' \
'*--pgrp=[Process group; 0 is sigtool'\''s own]:PGID:_default' \
'*--parent=[Parent process]:PID:_default' \
'*--session=[Session; 0 is sigtool'\''s own]:SID:_default' \
'*--tty=[Terminal\: pts/3, tty1; none for without one]:TTY:_default' \
'*--cgroup=[In this control group or one below it]:PATH:_default' \
'*--ns=[In the pid namespace of this process]:PID:_default' \
'*--state=[State\: letters of RSDTtZXIP, as ps(1) prints]:LETTERS:_default' \
'--older=[Started at least so long ago\: 5s, 1m30s, 2h]:DURATION:_default' \
'--newer=[Started less than so long ago]:DURATION:_default' \
'*--pidfile=[Its number is in this file; refused if stale]:FILE:_files' \
'*--port=[Listening (TCP) or bound (UDP) at this port]:[tcp:|udp:]N:_default' \
'*--catches=[It catches these signals; any; none]:SIGNAL:_default' \
'*--ignores=[It ignores these]:SIGNAL:_default' \
'*--blocks=[Each of its threads blocks these]:SIGNAL:_default' \
'*--pending=[Pending for it or one of its threads]:SIGNAL:_default' \
'--at-most=[Refuse if more than N were found]:N:_default' \
'(--format)--json[The same as --format json]' \
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
'(--newest)--oldest[Only the one of them that started first]' \
'--newest[Only the one of them that started last]' \
'-t[Also every descendant of what was found]' \
'--tree[Also every descendant of what was found]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::operands -- Process, thread, sigtool itself, or stdin:_default' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
'(--format)--json[The same as --format json]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':shell -- bash, zsh, fish or nushell:(bash zsh fish nushell)' \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
'-a+[Numbers on x86, arm, alpha, sparc, mips or parisc]:NAME:_default' \
'--arch=[Numbers on x86, arm, alpha, sparc, mips or parisc]:NAME:_default' \
'(--names -c --codes --realtime)-e+[The mask of these signals]:SIGNAL,...:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--names -c --codes --realtime)--encode=[The mask of these signals]:SIGNAL,...:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--format)--json[The same as --format json]' \
'(--names)--realtime[A row for each real-time signal]' \
'--names[Bare names, one a line, for scripts]' \
'(--names)-c[The si_code values, of all or those named]' \
'(--names)--codes[The si_code values, of all or those named]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::operands -- A name, number, exit status or mask:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
&& ret=0
;;
(send)
_arguments "${_arguments_options[@]}" : \
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
'-n+[The signal, by its number]:NUMBER:_default' \
'--number=[The signal, by its number]:NUMBER:_default' \
'-q+[Queue it with a value, as sigqueue(3) does]:VALUE:_default' \
'--queue=[Queue it with a value, as sigqueue(3) does]:VALUE:_default' \
'-w+[Wait until all have ended; status 124 if not]:DURATION:_default' \
'--wait=[Wait until all have ended; status 124 if not]:DURATION:_default' \
'*--then=[SIGNAL to those alive then, and wait again]:SIGNAL[:DURATION]:_default' \
'*--name=[The whole name, exactly; however long]:NAME:_default' \
'*--match=[A regular expression, in the command line]:REGEX:_default' \
'*--user=[Effective user, name or number]:USER:_default' \
'*--gid=[Effective group, name or number]:GROUP:_default' \
'*--pgrp=[Process group; 0 is sigtool'\''s own]:PGID:_default' \
'*--parent=[Parent process]:PID:_default' \
'*--session=[Session; 0 is sigtool'\''s own]:SID:_default' \
'*--tty=[Terminal\: pts/3, tty1; none for without one]:TTY:_default' \
'*--cgroup=[In this control group or one below it]:PATH:_default' \
'*--ns=[In the pid namespace of this process]:PID:_default' \
'*--state=[State\: letters of RSDTtZXIP, as ps(1) prints]:LETTERS:_default' \
'--older=[Started at least so long ago\: 5s, 1m30s, 2h]:DURATION:_default' \
'--newer=[Started less than so long ago]:DURATION:_default' \
'*--pidfile=[Its number is in this file; refused if stale]:FILE:_files' \
'*--port=[Listening (TCP) or bound (UDP) at this port]:[tcp:|udp:]N:_default' \
'*--catches=[It catches these signals; any; none]:SIGNAL:_default' \
'*--ignores=[It ignores these]:SIGNAL:_default' \
'*--blocks=[Each of its threads blocks these]:SIGNAL:_default' \
'*--pending=[Pending for it or one of its threads]:SIGNAL:_default' \
'--at-most=[Refuse if more than N were found]:N:_default' \
'(-n --number)-s+[The signal\: a name or a number; 0 only checks]:SIGNAL:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(-n --number)--signal=[The signal\: a name or a number; 0 only checks]:SIGNAL:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--format)--json[The same as --format json]' \
'--dry-run[Say what it would do to each; send nothing]' \
'-i[Ask before each target]' \
'--interactive[Ask before each target]' \
'-v[Say what it does, and what becomes of it]' \
'--verbose[Say what it does, and what becomes of it]' \
'-r[Only to processes that catch the signal]' \
'--require-handler[Only to processes that catch the signal]' \
'--broadcast[Allow -1, everybody but init and sigtool itself]' \
'(--newest)--oldest[Only the one of them that started first]' \
'--newest[Only the one of them that started last]' \
'-t[Also every descendant of what was found]' \
'--tree[Also every descendant of what was found]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::targets -- PID, -PGID, 0, PID/TID or PID\:INODE:_default' \
&& ret=0
;;
(watch)
_arguments "${_arguments_options[@]}" : \
'--format=[table (on a terminal), plain (else) or json]:FORMAT:(table plain json prometheus)' \
'--color=[Colour tables\: auto, always or never; beats NO_COLOR]:WHEN:(auto always never)' \
'--width=[Fit tables to N columns]:N:_default' \
'--burst=[While one runs\: queue (default), drop or parallel]:HOW:(queue drop parallel)' \
'--count=[End after N signals, or N changes]:N:_default' \
'--timeout=[End after this time, with status 124]:DURATION:_default' \
'*--map=[Forward SIGNAL\[,...\] as another]:SIGNAL=SIGNAL:_default' \
'--kill-after=[With --timeout\: KILL, so long after TERM]:DURATION:_default' \
'--log=[Append to FILE what was received and done (-\: standard error)]:FILE:_files' \
'*--pid=[Observe processes (or by --name, ...\: see --help)]:PID:_default' \
'*--until=[With --pid\: end once all have them\: caught=TERM]:SET=SIGNALS:_default' \
'--interval=[With --pid\: from one look to the next (100ms)]:DURATION:_default' \
'*--signal=[Of what is sent to others, only these]:SIGNAL[,...]:_default' \
'*--sender=[Only what these send (numbers, or names)]:PROCESS[,...]:_default' \
'*--target=[With --all\: only what is sent to these (numbers, or names)]:PROCESS[,...]:_default' \
'--backend=[See signals by\: auto, bpf, ptrace or proc]:MEANS:(auto bpf ptrace proc)' \
'*--name=[The whole name, exactly; however long]:NAME:_default' \
'*--match=[A regular expression, in the command line]:REGEX:_default' \
'*--user=[Effective user, name or number]:USER:_default' \
'*--gid=[Effective group, name or number]:GROUP:_default' \
'*--pgrp=[Process group; 0 is sigtool'\''s own]:PGID:_default' \
'*--parent=[Parent process]:PID:_default' \
'*--session=[Session; 0 is sigtool'\''s own]:SID:_default' \
'*--tty=[Terminal\: pts/3, tty1; none for without one]:TTY:_default' \
'*--cgroup=[In this control group or one below it]:PATH:_default' \
'*--ns=[In the pid namespace of this process]:PID:_default' \
'*--state=[State\: letters of RSDTtZXIP, as ps(1) prints]:LETTERS:_default' \
'--older=[Started at least so long ago\: 5s, 1m30s, 2h]:DURATION:_default' \
'--newer=[Started less than so long ago]:DURATION:_default' \
'*--pidfile=[Its number is in this file; refused if stale]:FILE:_files' \
'*--port=[Listening (TCP) or bound (UDP) at this port]:[tcp:|udp:]N:_default' \
'*--catches=[It catches these signals; any; none]:SIGNAL:_default' \
'*--ignores=[It ignores these]:SIGNAL:_default' \
'*--blocks=[Each of its threads blocks these]:SIGNAL:_default' \
'*--pending=[Pending for it or one of its threads]:SIGNAL:_default' \
'--at-most=[Refuse if more than N were found]:N:_default' \
'*--on=[Run COMMAND on SIGNAL\[,...\], or at the end (EXIT)]:SIGNAL=COMMAND:(HUP= INT= QUIT= ILL= TRAP= ABRT= BUS= FPE= USR1= SEGV= USR2= PIPE= ALRM= TERM= STKFLT= CHLD= CONT= TSTP= TTIN= TTOU= URG= XCPU= XFSZ= VTALRM= PROF= WINCH= IO= PWR= SYS= RTMIN= RTMIN+1= RTMIN+2= RTMIN+3= RTMIN+4= RTMIN+5= RTMIN+6= RTMIN+7= RTMIN+8= RTMIN+9= RTMIN+10= RTMIN+11= RTMIN+12= RTMIN+13= RTMIN+14= RTMIN+15= RTMAX-14= RTMAX-13= RTMAX-12= RTMAX-11= RTMAX-10= RTMAX-9= RTMAX-8= RTMAX-7= RTMAX-6= RTMAX-5= RTMAX-4= RTMAX-3= RTMAX-2= RTMAX-1= RTMAX= EXIT=)' \
'*--drop=[Do not forward these]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'*--ignore=[Start COMMAND with these ignored, or all]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'*--block=[Start COMMAND with these blocked, or all, beside those inherited]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'*--default=[Start COMMAND with these at their default, or all]:SIGNAL[,...]:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
'(--format)--json[The same as --format json]' \
'--group[Run COMMAND in a process group of its own, and forward to all of it]' \
'--reap[Adopt descendants whose parents end (PID 1 does so anyway)]' \
'--wait-all[Wait for all descendants, not for COMMAND alone; adopts them]' \
'(--log)--quiet[Tell it nowhere; else it is told on standard error]' \
'--threads[With --pid\: each thread by itself]' \
'(--pid)--all[Every signal of the whole system, as it is sent]' \
'--until-exit[Tell only how processes end, and who ended them]' \
'-v[Also why the kernel refused a BPF program]' \
'--verbose[Also why the kernel refused a BPF program]' \
'(--newest)--oldest[Only the one of them that started first]' \
'--newest[Only the one of them that started last]' \
'-t[Also every descendant of what was found]' \
'--tree[Also every descendant of what was found]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::signals -- The signals to watch; all if none is given:(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX)' \
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
'completions:Print completions for a shell, signal names among them.' \
'list:Which signals there are; what a number, name, exit status or mask means.' \
'send:Send a signal, to what was named or chosen and to nothing else.' \
'watch:Receive signals, tell who sent them, run commands on them; observe others.' \
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
