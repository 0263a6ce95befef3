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

  # Which signals a process blocks, ignores, catches, and has pending.
  export extern "sigtool decode-status" [
    --format: string@"nu-complete sigtool decode-status format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool decode-status color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
    --file(-f): path          # Read the text of one or several /proc/PID/status
    --mask(-m): string        # Decode a mask; NAME is SigPnd, SigBlk, ...
    --threads                 # Also what each thread blocks and has pending
    --full                    # All signals; several processes one after another
    --proc: path              # Read the /proc mounted at DIR, such as the host's
    --require: string         # Exit 1 unless these signals are in the set
    --forbid: string          # Exit 1 if one of these is: --forbid pending=any
    --quiet(-q)               # Print nothing but errors
    --signal: string          # What this signal would do to each
    --all                     # All but sigtool, its ancestors and kernel threads
    --pids                    # Only the process ids, a line each
    --signals: string         # The signals that --format prometheus counts
    --sort: string            # By: pid, name, state, threads, uid, queue, pending, blocked, ignored, caught (how many); -KEY: the greatest first
    --handlers                # Which function handles each caught signal
    --queue                   # What is pending, from whom, with which value
    --backend: string@"nu-complete sigtool decode-status backend" # Look inside by: auto, bpf or ptrace
    --verbose(-v)             # Also why the kernel refused a BPF program
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
    ...operands: string       # A process, a thread, sigtool itself, or stdin
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

  # Receive signals, tell who sent them, run commands on them; observe others.
  export extern "sigtool watch" [
    --format: string@"nu-complete sigtool watch format" # table (default on a terminal), plain or json
    --json                    # Same as --format json
    --color: string@"nu-complete sigtool watch color" # Use color: auto, always or never (overrides NO_COLOR)
    --width: string           # Limit tables to N columns
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
    --on: string@"nu-complete sigtool watch on" # Run COMMAND on SIGNAL[,...], or at the end (EXIT)
    --drop: string@"nu-complete sigtool watch drop" # Do not forward these
    --ignore: string@"nu-complete sigtool watch ignore" # Start COMMAND with these ignored, or all
    --block: string@"nu-complete sigtool watch block" # Start COMMAND with these blocked, or all, beside those inherited
    --default: string@"nu-complete sigtool watch default" # Start COMMAND with these at their default, or all
    ...signals: string@"nu-complete sigtool watch signals" # The signals to watch; all if none is given
  ]

}

export use completions *
