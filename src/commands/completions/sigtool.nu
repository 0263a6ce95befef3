module completions {

  def "nu-complete sigtool format" [] {
    [ "table" "plain" "json" "prometheus" ]
  }

  def "nu-complete sigtool color" [] {
    [ "auto" "always" "never" ]
  }

  # Inspect, send and receive Linux signals.
  export extern sigtool [
    --format: string@"nu-complete sigtool format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
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
    --format: string@"nu-complete sigtool decode-status format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool decode-status color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
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
    --name: string            # Exact process name, not truncated to 15 bytes
    --match: string           # Command line matches this regular expression
    --user: string            # Effective user, a name or UID
    --gid: string             # Effective group, a name or GID
    --pgrp: string            # Process group; 0 is the group of sigtool
    --parent: string          # PID of the parent
    --session: string         # Session; 0 is the session of sigtool
    --tty: string             # Controlling terminal (pts/3, tty1), or none
    --cgroup: string          # In this cgroup or a descendant of it
    --ns: string              # In the same PID namespace as this process
    --state: string           # State, letters of RSDTtZXIP as in ps(1)
    --older: string           # Started at least this long ago (5s, 1m30s, 2h)
    --newer: string           # Started less than this long ago
    --oldest                  # Only the match that started first
    --newest                  # Only the match that started last
    --pidfile: path           # PID in this file; an error if the file is stale
    --port: string            # Listens on this TCP port, or is bound to this UDP port
    --catches: string         # Catches all of these signals; or any, or none
    --ignores: string         # Ignores all of these signals
    --blocks: string          # Every thread blocks all of these signals
    --pending: string         # These signals are pending, in any of its queues
    --tree(-t)                # Also select all descendants of the matches
    --at-most: string         # Fail if more than N processes match
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

  # Print the completion script for a shell.
  export extern "sigtool completions" [
    --format: string@"nu-complete sigtool completions format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool completions color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
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

  # List signals, and explain numbers, exit statuses and signal masks.
  export extern "sigtool list" [
    --format: string@"nu-complete sigtool list format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool list color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
    --realtime                # List each real-time signal
    --names                   # Print only names, one per line
    --codes(-c)               # List si_code values, all or of these signals
    --arch(-a): string        # Numbers of x86, arm, alpha, sparc, mips or parisc
    --help(-h)                # Print help (see more with '--help')
    --encode(-e): string@"nu-complete sigtool list encode" # Print the mask of these signals
    ...operands: string@"nu-complete sigtool list operands" # Signal name or number, exit status, or mask
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

  # Send a signal to exactly the processes you name.
  export extern "sigtool send" [
    --format: string@"nu-complete sigtool send format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool send color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
    --number(-n): string      # Signal to send, as a number
    --queue(-q): string       # Queue the signal with a value (sigqueue(3))
    --dry-run                 # Print the effect on each target; send nothing
    --interactive(-i)         # Ask before signalling each target
    --verbose(-v)             # Report each signal, its effect and each exit
    --require-handler(-r)     # Send only to processes that catch the signal
    --wait(-w): string        # Wait for all to exit (exit status 124 if not)
    --then: string            # Send SIGNAL to survivors, then wait again
    --broadcast               # Allow -1 (every process except init and sigtool)
    --name: string            # Exact process name, not truncated to 15 bytes
    --match: string           # Command line matches this regular expression
    --user: string            # Effective user, a name or UID
    --gid: string             # Effective group, a name or GID
    --pgrp: string            # Process group; 0 is the group of sigtool
    --parent: string          # PID of the parent
    --session: string         # Session; 0 is the session of sigtool
    --tty: string             # Controlling terminal (pts/3, tty1), or none
    --cgroup: string          # In this cgroup or a descendant of it
    --ns: string              # In the same PID namespace as this process
    --state: string           # State, letters of RSDTtZXIP as in ps(1)
    --older: string           # Started at least this long ago (5s, 1m30s, 2h)
    --newer: string           # Started less than this long ago
    --oldest                  # Only the match that started first
    --newest                  # Only the match that started last
    --pidfile: path           # PID in this file; an error if the file is stale
    --port: string            # Listens on this TCP port, or is bound to this UDP port
    --catches: string         # Catches all of these signals; or any, or none
    --ignores: string         # Ignores all of these signals
    --blocks: string          # Every thread blocks all of these signals
    --pending: string         # These signals are pending, in any of its queues
    --tree(-t)                # Also select all descendants of the matches
    --at-most: string         # Fail if more than N processes match
    --help(-h)                # Print help (see more with '--help')
    --signal(-s): string@"nu-complete sigtool send signal" # Signal to send (default TERM; 0 only checks)
    ...targets: string        # PID, -PGID, 0 (own process group), PID/TID or PID:INODE
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

  # Show signals and their senders; supervise a command; monitor processes
  export extern "sigtool watch" [
    --format: string@"nu-complete sigtool watch format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool watch color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
    --burst: string@"nu-complete sigtool watch burst" # If COMMAND is still running: queue (default), drop or parallel
    --count: string           # Exit after N signals (with --pid: N changes)
    --timeout: string         # Exit with status 124 after this time (30s, 1m30s)
    --map: string             # Forward SIGNAL[,...] as another signal
    --group                   # Run COMMAND in its own process group and forward to the whole group
    --reap                    # Adopt and reap orphaned descendants (PID 1 always does)
    --wait-all                # Wait for all descendants of COMMAND too, and reap orphans
    --kill-after: string      # With --timeout: send KILL this long after TERM
    --log: path               # Append the signal log to FILE (- is stderr, the default)
    --quiet                   # Do not log signals
    --pid: string             # Watch these processes (PIDs separated by commas)
    --until: string           # Exit once every process matches, as in caught=TERM
    --interval: string        # Time between two samples, 1ms to 1d (default: 100ms)
    --threads                 # Report each thread separately
    --all                     # Report all signals on the system (needs CAP_BPF and CAP_PERFMON)
    --signal: string          # Report only these signals
    --sender: string          # Report only signals from these processes (PIDs or names)
    --target: string          # With --all: report only signals to these (PIDs or names)
    --until-exit              # Report only exits and the signals that caused them
    --backend: string@"nu-complete sigtool watch backend" # Signal source: bpf, ptrace, proc or auto (bpf, else proc)
    --verbose(-v)             # Print the verifier log if the kernel rejects a BPF program
    --name: string            # Exact process name, not truncated to 15 bytes
    --match: string           # Command line matches this regular expression
    --user: string            # Effective user, a name or UID
    --gid: string             # Effective group, a name or GID
    --pgrp: string            # Process group; 0 is the group of sigtool
    --parent: string          # PID of the parent
    --session: string         # Session; 0 is the session of sigtool
    --tty: string             # Controlling terminal (pts/3, tty1), or none
    --cgroup: string          # In this cgroup or a descendant of it
    --ns: string              # In the same PID namespace as this process
    --state: string           # State, letters of RSDTtZXIP as in ps(1)
    --older: string           # Started at least this long ago (5s, 1m30s, 2h)
    --newer: string           # Started less than this long ago
    --oldest                  # Only the match that started first
    --newest                  # Only the match that started last
    --pidfile: path           # PID in this file; an error if the file is stale
    --port: string            # Listens on this TCP port, or is bound to this UDP port
    --catches: string         # Catches all of these signals; or any, or none
    --ignores: string         # Ignores all of these signals
    --blocks: string          # Every thread blocks all of these signals
    --pending: string         # These signals are pending, in any of its queues
    --tree(-t)                # Also select all descendants of the matches
    --at-most: string         # Fail if more than N processes match
    --help(-h)                # Print help (see more with '--help')
    --on: string@"nu-complete sigtool watch on" # Run COMMAND on SIGNAL[,...], or at exit (EXIT)
    --drop: string@"nu-complete sigtool watch drop" # Do not forward these signals
    --ignore: string@"nu-complete sigtool watch ignore" # Start COMMAND with these signals ignored (or all)
    --block: string@"nu-complete sigtool watch block" # Start COMMAND with these signals also blocked (or all)
    --default: string@"nu-complete sigtool watch default" # Start COMMAND with the default action for these signals (or all)
    ...signals: string@"nu-complete sigtool watch signals" # Signals to report (default: all that can be caught)
  ]

}

export use completions *
