//! Random states to test, as arguments of the fixture.

use sigtool::signal::{Arch, Signal, SignalSet};

/// A random number generator that a seed determines (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Returns a random subset. All members have the same chance, which is
    /// drawn first.
    fn subset(&mut self, set: SignalSet) -> SignalSet {
        let percent = self.choose(&[0, 30, 70, 100]);
        set.iter().filter(|_| self.chance(percent)).collect()
    }

    /// Returns a random subset with at least one member.
    fn nonempty_subset(&mut self, set: SignalSet) -> SignalSet {
        let mut subset = self.subset(set);
        let all: Vec<Signal> = set.iter().collect();
        subset.insert(self.choose(&all));
        subset
    }
}

/// A state and the signals to send to a process in it.
pub struct Plan {
    /// The arguments that put the fixture into the state.
    pub arguments: Vec<String>,
    /// The signals that occur in the state.
    pub pool: Vec<Signal>,
    /// True if the first signal is STOP. The test sends it, because `--stop`
    /// would stop threads before they wait.
    pub is_stopped: bool,
}

/// Returns all signals that the C library does not reserve for itself.
pub fn sendable() -> Vec<Signal> {
    Arch::NATIVE.signals().filter(|signal| !matches!(signal.get(), 32 | 33)).collect()
}

/// The call that a thread waits in after it has set its mask.
enum Wait {
    Sleep,
    Sigwait(SignalSet),
    Sigsuspend(SignalSet),
}

/// The signal mask of a thread, and the call that it waits in.
struct Thread {
    blocked: SignalSet,
    wait: Wait,
}

impl Thread {
    fn draw(random: &mut Random, pool: SignalSet) -> Thread {
        let blocked = random.subset(pool);
        match random.below(100) {
            0..20 => {
                let awaited = random.nonempty_subset(pool);
                Thread { blocked: blocked | awaited, wait: Wait::Sigwait(awaited) }
            }
            20..30 => Thread { blocked, wait: Wait::Sigsuspend(random.subset(pool)) },
            _ => Thread { blocked, wait: Wait::Sleep },
        }
    }

    /// The signals that stay pending for it from the start.
    fn pending_set(&self) -> SignalSet {
        match self.wait {
            Wait::Sigsuspend(mask) => self.blocked & mask,
            _ => self.blocked,
        }
    }
}

fn set_text(set: SignalSet) -> String {
    set.display(Arch::NATIVE).to_string()
}

impl Plan {
    /// Draws a state.
    pub fn draw(random: &mut Random) -> Plan {
        let catchable: Vec<Signal> =
            sendable().into_iter().filter(|signal| !matches!(signal.get(), 9 | 19)).collect();
        let mut pool = SignalSet::EMPTY;
        for _ in 0..6 {
            pool.insert(random.choose(&catchable));
        }
        // Signals with special rules are drawn more often.
        pool.insert(
            random.choose(&["CONT", "TSTP", "TTIN", "TTOU", "TERM", "CHLD", "QUIT"].map(parse_signal)),
        );
        let mut threads: Vec<Thread> = (0..random.below(4)).map(|_| Thread::draw(random, pool)).collect();
        let mut main = Thread::draw(random, pool);
        // POSIX demands that all threads block a signal that one thread waits
        // for.
        if random.chance(60) {
            let awaited = threads.iter().chain([&main]).fold(SignalSet::EMPTY, |all, thread| {
                all | if let Wait::Sigwait(set) = thread.wait { set } else { SignalSet::EMPTY }
            });
            threads
                .iter_mut()
                .chain([&mut main])
                .for_each(|thread| thread.blocked = thread.blocked | awaited);
        }
        let mut arguments: Vec<String> =
            ["--unwatched", "--report", "--core-limit"].map(str::to_owned).into();
        // A limit of 1 prevents all core dumps; a limit of 0 does not apply to
        // pipes.
        arguments.push("1".to_owned());
        match random.below(5) {
            0 => arguments.push("--new-session".to_owned()),
            1 => arguments.push("--new-group".to_owned()),
            _ => {}
        }
        let (caught, ignored) = (random.subset(pool), random.subset(pool));
        arguments.extend([
            "--catch".to_owned(),
            set_text(caught),
            "--ignore".to_owned(),
            set_text(ignored - caught),
        ]);
        for thread in &threads {
            arguments.extend(["--thread".to_owned(), thread_argument(thread, random)]);
        }
        let pending = threads.iter().fold(main.pending_set(), |all, thread| all & thread.pending_set());
        arguments.extend(["--block".to_owned(), set_text(main.blocked)]);
        if random.chance(40) {
            for signal in random.subset(main.pending_set()).iter() {
                arguments.extend(["--own".to_owned(), set_text([signal].into_iter().collect())]);
            }
        }
        if random.chance(40) {
            for signal in random.subset(pending).iter() {
                let value = if random.chance(50) { "=7" } else { "" };
                let signal = set_text([signal].into_iter().collect());
                arguments.extend(["--queue".to_owned(), format!("{signal}{value}")]);
            }
        }
        if random.chance(20) {
            arguments.extend(["--signalfd".to_owned(), set_text(random.nonempty_subset(pool))]);
        }
        if random.chance(8) {
            arguments.extend(["--queue-limit".to_owned(), "0".to_owned()]);
        }
        arguments.extend(final_state_arguments(&main, !threads.is_empty(), pool, random));
        Plan { arguments, pool: pool.iter().collect(), is_stopped: random.chance(20) }
    }
}

fn parse_signal(name: &str) -> Signal {
    sigtool::signal::name::parse(name, Arch::NATIVE).expect("a signal")
}

fn thread_argument(thread: &Thread, random: &mut Random) -> String {
    let mut arguments = format!("block={}", set_text(thread.blocked));
    if random.chance(30) {
        for signal in random.subset(thread.pending_set()).iter() {
            arguments += &format!(";own={}", set_text([signal].into_iter().collect()));
        }
    }
    match thread.wait {
        Wait::Sleep => {}
        Wait::Sigwait(set) => arguments += &format!(";sigwait={}", set_text(set)),
        Wait::Sigsuspend(set) => arguments += &format!(";sigsuspend={}", set_text(set)),
    }
    arguments
}

/// Returns the arguments for the final state of the main thread.
fn final_state_arguments(
    main: &Thread,
    has_others: bool,
    pool: SignalSet,
    random: &mut Random,
) -> Vec<String> {
    let arguments: &[&str] = match (&main.wait, random.below(100)) {
        (Wait::Sigwait(set), _) => &["--sigwait", &set_text(*set)],
        (Wait::Sigsuspend(set), _) => &["--sigsuspend", &set_text(*set)],
        (Wait::Sleep, 15..19) => &["--exit", "0"],
        (Wait::Sleep, 19..25) => &["--vfork"],
        (Wait::Sleep, 25..31) => &["--read-signalfd", &set_text(random.nonempty_subset(pool))],
        (Wait::Sleep, 31..45) if has_others => &["--leader-exits"],
        (Wait::Sleep, _) => &[],
    };
    arguments.iter().map(|word| (*word).to_owned()).collect()
}
