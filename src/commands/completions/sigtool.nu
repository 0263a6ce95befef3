module completions {

  def "nu-complete sigtool format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool color" [] {
    [ "auto" "always" "never" ]
  }

  # Which signals there are, and what a process does with them.
  export extern sigtool [
    --format: string@"nu-complete sigtool format" # table (on a terminal), plain (else) or json
    --json                    # The same as --format json
    --color: string@"nu-complete sigtool color" # Colour tables: auto, always or never; beats NO_COLOR
    --width: string           # Fit tables to N columns
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete sigtool decode-status format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool decode-status color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete sigtool decode-status backend" [] {
    [ "auto" "bpf" "ptrace" ]
  }

  # Show the signals that a process blocks, ignores, catches and has pending.
  export extern "sigtool decode-status" [
    --format: string@"nu-complete sigtool decode-status format" # table (on a terminal), plain (else) or json
    --json                    # The same as --format json
    --color: string@"nu-complete sigtool decode-status color" # Colour tables: auto, always or never; beats NO_COLOR
    --width: string           # Fit tables to N columns
    --file(-f): path          # Read copies of /proc/PID/status from FILE
    --mask(-m): string        # Decode a hex mask; NAME is SigPnd, SigBlk, ...
    --threads                 # Also show the mask and pending set of each thread
    --full                    # Show all signals, and each process in full
    --proc: path              # Read the /proc mounted at DIR, such as the host's
    --require: string         # Exit 1 unless all SIGNALS are in SET
    --forbid: string          # Exit 1 if any is in SET (--forbid pending=any)
    --quiet(-q)               # Print only errors
    --signal: string          # Show the effect that SIGNAL would have
    --all                     # All except sigtool, its ancestors, kernel threads
    --pids                    # Print only PIDs, one per line
    --signals: string         # Signals to count with --format prometheus
    --sort: string            # Sort by pid, name, state, threads, uid, queue, or the size of pending, blocked, ignored, caught (-KEY: largest first)
    --handlers                # Show the handler function of each caught signal
    --queue                   # Show pending signals with senders and values
    --backend: string@"nu-complete sigtool decode-status backend" # Read handlers and queues with auto, bpf or ptrace
    --verbose(-v)             # Show why the kernel rejected a BPF program
    --name: string            # The whole name, exactly; however long
    --match: string           # A regular expression, in the command line
    --user: string            # Effective user, name or number
    --gid: string             # Effective group, name or number
    --pgrp: string            # Process group; 0 is sigtool's own
    --parent: string          # Parent process
    --session: string         # Session; 0 is sigtool's own
    --tty: string             # Terminal: pts/3, tty1; none for without one
    --cgroup: string          # In this control group or one below it
    --ns: string              # In the pid namespace of this process
    --state: string           # State: letters of RSDTtZXIP, as ps(1) prints
    --older: string           # Started at least so long ago: 5s, 1m30s, 2h
    --newer: string           # Started less than so long ago
    --oldest                  # Only the one of them that started first
    --newest                  # Only the one of them that started last
    --pidfile: path           # Its number is in this file; refused if stale
    --port: string            # Listening (TCP) or bound (UDP) at this port
    --catches: string         # It catches these signals; any; none
    --ignores: string         # It ignores these
    --blocks: string          # Each of its threads blocks these
    --pending: string         # Pending for it or one of its threads
    --tree(-t)                # Also every descendant of what was found
    --at-most: string         # Refuse if more than N were found
    --help(-h)                # Print help (see more with '--help')
    ...operands: string       # Process, thread, sigtool itself, or stdin
  ]

  def "nu-complete sigtool completions format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool completions color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete sigtool completions shell" [] {
    [ "bash" "zsh" "fish" "nushell" ]
  }

  # Print completions for a shell, signal names among them.
  export extern "sigtool completions" [
    --format: string@"nu-complete sigtool completions format" # table (on a terminal), plain (else) or json
    --json                    # The same as --format json
    --color: string@"nu-complete sigtool completions color" # Colour tables: auto, always or never; beats NO_COLOR
    --width: string           # Fit tables to N columns
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete sigtool completions shell" # bash, zsh, fish or nushell
  ]

  def "nu-complete sigtool list format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool list color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete sigtool list operands" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "KILL" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "STOP" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  def "nu-complete sigtool list encode" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "KILL" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "STOP" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  # Which signals there are; what a number, name, exit status or mask means.
  export extern "sigtool list" [
    --format: string@"nu-complete sigtool list format" # table (on a terminal), plain (else) or json
    --json                    # The same as --format json
    --color: string@"nu-complete sigtool list color" # Colour tables: auto, always or never; beats NO_COLOR
    --width: string           # Fit tables to N columns
    --realtime                # A row for each real-time signal
    --names                   # Bare names, one a line, for scripts
    --codes(-c)               # The si_code values, of all or those named
    --arch(-a): string        # Numbers on x86, arm, alpha, sparc, mips or parisc
    --help(-h)                # Print help (see more with '--help')
    --encode(-e): string@"nu-complete sigtool list encode" # The mask of these signals
    ...operands: string@"nu-complete sigtool list operands" # A name, number, exit status or mask
  ]

  def "nu-complete sigtool send format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool send color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete sigtool send signal" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "KILL" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "STOP" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  # Send a signal, to what was named or chosen and to nothing else.
  export extern "sigtool send" [
    --format: string@"nu-complete sigtool send format" # table (on a terminal), plain (else) or json
    --json                    # The same as --format json
    --color: string@"nu-complete sigtool send color" # Colour tables: auto, always or never; beats NO_COLOR
    --width: string           # Fit tables to N columns
    --number(-n): string      # The signal, by its number
    --queue(-q): string       # Queue it with a value, as sigqueue(3) does
    --dry-run                 # Say what it would do to each; send nothing
    --interactive(-i)         # Ask before each target
    --verbose(-v)             # Say what it does, and what becomes of it
    --require-handler(-r)     # Only to processes that catch the signal
    --wait(-w): string        # Wait until all have ended; status 124 if not
    --then: string            # SIGNAL to those alive then, and wait again
    --broadcast               # Allow -1, everybody but init and sigtool itself
    --name: string            # The whole name, exactly; however long
    --match: string           # A regular expression, in the command line
    --user: string            # Effective user, name or number
    --gid: string             # Effective group, name or number
    --pgrp: string            # Process group; 0 is sigtool's own
    --parent: string          # Parent process
    --session: string         # Session; 0 is sigtool's own
    --tty: string             # Terminal: pts/3, tty1; none for without one
    --cgroup: string          # In this control group or one below it
    --ns: string              # In the pid namespace of this process
    --state: string           # State: letters of RSDTtZXIP, as ps(1) prints
    --older: string           # Started at least so long ago: 5s, 1m30s, 2h
    --newer: string           # Started less than so long ago
    --oldest                  # Only the one of them that started first
    --newest                  # Only the one of them that started last
    --pidfile: path           # Its number is in this file; refused if stale
    --port: string            # Listening (TCP) or bound (UDP) at this port
    --catches: string         # It catches these signals; any; none
    --ignores: string         # It ignores these
    --blocks: string          # Each of its threads blocks these
    --pending: string         # Pending for it or one of its threads
    --tree(-t)                # Also every descendant of what was found
    --at-most: string         # Refuse if more than N were found
    --help(-h)                # Print help (see more with '--help')
    --signal(-s): string@"nu-complete sigtool send signal" # The signal: a name or a number; 0 only checks
    ...targets: string        # PID, -PGID, 0, PID/TID or PID:INODE
  ]

  def "nu-complete sigtool watch format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool watch color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete sigtool watch burst" [] {
    [ "queue" "drop" "parallel" ]
  }

  def "nu-complete sigtool watch backend" [] {
    [ "auto" "bpf" "ptrace" "proc" ]
  }

  def "nu-complete sigtool watch signals" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  def "nu-complete sigtool watch on" [] {
    [ "HUP=" "INT=" "QUIT=" "ILL=" "TRAP=" "ABRT=" "BUS=" "FPE=" "USR1=" "SEGV=" "USR2=" "PIPE=" "ALRM=" "TERM=" "STKFLT=" "CHLD=" "CONT=" "TSTP=" "TTIN=" "TTOU=" "URG=" "XCPU=" "XFSZ=" "VTALRM=" "PROF=" "WINCH=" "IO=" "PWR=" "SYS=" "RTMIN=" "RTMIN+1=" "RTMIN+2=" "RTMIN+3=" "RTMIN+4=" "RTMIN+5=" "RTMIN+6=" "RTMIN+7=" "RTMIN+8=" "RTMIN+9=" "RTMIN+10=" "RTMIN+11=" "RTMIN+12=" "RTMIN+13=" "RTMIN+14=" "RTMIN+15=" "RTMAX-14=" "RTMAX-13=" "RTMAX-12=" "RTMAX-11=" "RTMAX-10=" "RTMAX-9=" "RTMAX-8=" "RTMAX-7=" "RTMAX-6=" "RTMAX-5=" "RTMAX-4=" "RTMAX-3=" "RTMAX-2=" "RTMAX-1=" "RTMAX=" "EXIT=" ]
  }

  def "nu-complete sigtool watch drop" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  def "nu-complete sigtool watch ignore" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  def "nu-complete sigtool watch block" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  def "nu-complete sigtool watch default" [] {
    [ "HUP" "INT" "QUIT" "ILL" "TRAP" "ABRT" "BUS" "FPE" "USR1" "SEGV" "USR2" "PIPE" "ALRM" "TERM" "STKFLT" "CHLD" "CONT" "TSTP" "TTIN" "TTOU" "URG" "XCPU" "XFSZ" "VTALRM" "PROF" "WINCH" "IO" "PWR" "SYS" "RTMIN" "RTMIN+1" "RTMIN+2" "RTMIN+3" "RTMIN+4" "RTMIN+5" "RTMIN+6" "RTMIN+7" "RTMIN+8" "RTMIN+9" "RTMIN+10" "RTMIN+11" "RTMIN+12" "RTMIN+13" "RTMIN+14" "RTMIN+15" "RTMAX-14" "RTMAX-13" "RTMAX-12" "RTMAX-11" "RTMAX-10" "RTMAX-9" "RTMAX-8" "RTMAX-7" "RTMAX-6" "RTMAX-5" "RTMAX-4" "RTMAX-3" "RTMAX-2" "RTMAX-1" "RTMAX" ]
  }

  # Receive signals, tell who sent them, run commands on them; observe others.
  export extern "sigtool watch" [
    --format: string@"nu-complete sigtool watch format" # table (on a terminal), plain (else) or json
    --json                    # The same as --format json
    --color: string@"nu-complete sigtool watch color" # Colour tables: auto, always or never; beats NO_COLOR
    --width: string           # Fit tables to N columns
    --burst: string@"nu-complete sigtool watch burst" # While one runs: queue (default), drop or parallel
    --count: string           # End after N signals, or N changes
    --timeout: string         # End after this time, with status 124
    --map: string             # Forward SIGNAL[,...] as another
    --group                   # Run COMMAND in a process group of its own, and forward to all of it
    --reap                    # Adopt descendants whose parents end (PID 1 does so anyway)
    --wait-all                # Wait for all descendants, not for COMMAND alone; adopts them
    --kill-after: string      # With --timeout: KILL, so long after TERM
    --log: path               # Append to FILE what was received and done (-: standard error)
    --quiet                   # Tell it nowhere; else it is told on standard error
    --pid: string             # Observe processes (or by --name, ...: see --help)
    --until: string           # With --pid: end once all have them: caught=TERM
    --interval: string        # With --pid: from one look to the next (100ms)
    --threads                 # With --pid: each thread by itself
    --all                     # Every signal of the whole system, as it is sent
    --signal: string          # Of what is sent to others, only these
    --sender: string          # Only what these send (numbers, or names)
    --target: string          # With --all: only what is sent to these (numbers, or names)
    --until-exit              # Tell only how processes end, and who ended them
    --backend: string@"nu-complete sigtool watch backend" # See signals by: auto, bpf, ptrace or proc
    --verbose(-v)             # Also why the kernel refused a BPF program
    --name: string            # The whole name, exactly; however long
    --match: string           # A regular expression, in the command line
    --user: string            # Effective user, name or number
    --gid: string             # Effective group, name or number
    --pgrp: string            # Process group; 0 is sigtool's own
    --parent: string          # Parent process
    --session: string         # Session; 0 is sigtool's own
    --tty: string             # Terminal: pts/3, tty1; none for without one
    --cgroup: string          # In this control group or one below it
    --ns: string              # In the pid namespace of this process
    --state: string           # State: letters of RSDTtZXIP, as ps(1) prints
    --older: string           # Started at least so long ago: 5s, 1m30s, 2h
    --newer: string           # Started less than so long ago
    --oldest                  # Only the one of them that started first
    --newest                  # Only the one of them that started last
    --pidfile: path           # Its number is in this file; refused if stale
    --port: string            # Listening (TCP) or bound (UDP) at this port
    --catches: string         # It catches these signals; any; none
    --ignores: string         # It ignores these
    --blocks: string          # Each of its threads blocks these
    --pending: string         # Pending for it or one of its threads
    --tree(-t)                # Also every descendant of what was found
    --at-most: string         # Refuse if more than N were found
    --help(-h)                # Print help (see more with '--help')
    --on: string@"nu-complete sigtool watch on" # Run COMMAND on SIGNAL[,...], or at the end (EXIT)
    --drop: string@"nu-complete sigtool watch drop" # Do not forward these
    --ignore: string@"nu-complete sigtool watch ignore" # Start COMMAND with these ignored, or all
    --block: string@"nu-complete sigtool watch block" # Start COMMAND with these blocked, or all, beside those inherited
    --default: string@"nu-complete sigtool watch default" # Start COMMAND with these at their default, or all
    ...signals: string@"nu-complete sigtool watch signals" # The signals to watch; all if none is given
  ]

}

export use completions *
