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
    fn part(&mut self, of: SignalSet) -> SignalSet {
        let percent = self.choose(&[0, 30, 70, 100]);
        of.iter().filter(|_| self.chance(percent)).collect()
    }

    /// Returns a random subset with at least one member.
    fn some(&mut self, of: SignalSet) -> SignalSet {
        let mut part = self.part(of);
        let all: Vec<Signal> = of.iter().collect();
        part.insert(self.choose(&all));
        part
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
        let blocked = random.part(pool);
        match random.below(100) {
            0..20 => {
                let awaited = random.some(pool);
                Thread { blocked: blocked | awaited, wait: Wait::Sigwait(awaited) }
            }
            20..30 => Thread { blocked, wait: Wait::Sigsuspend(random.part(pool)) },
            _ => Thread { blocked, wait: Wait::Sleep },
        }
    }

    /// The signals that stay pending for it from the start.
    fn holds(&self) -> SignalSet {
        match self.wait {
            Wait::Sigsuspend(mask) => self.blocked & mask,
            _ => self.blocked,
        }
    }
}

fn text(set: SignalSet) -> String {
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
        pool.insert(random.choose(&["CONT", "TSTP", "TTIN", "TTOU", "TERM", "CHLD", "QUIT"].map(named)));
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
        let mut words: Vec<String> = ["--unwatched", "--report", "--core-limit"].map(str::to_owned).into();
        // A limit of 1 prevents all core dumps; a limit of 0 does not apply to
        // pipes.
        words.push("1".to_owned());
        match random.below(5) {
            0 => words.push("--new-session".to_owned()),
            1 => words.push("--new-group".to_owned()),
            _ => {}
        }
        let (caught, ignored) = (random.part(pool), random.part(pool));
        words.extend(["--catch".to_owned(), text(caught), "--ignore".to_owned(), text(ignored - caught)]);
        for thread in &threads {
            words.extend(["--thread".to_owned(), thread_text(thread, random)]);
        }
        let held = threads.iter().fold(main.holds(), |all, thread| all & thread.holds());
        words.extend(["--block".to_owned(), text(main.blocked)]);
        if random.chance(40) {
            for signal in random.part(main.holds()).iter() {
                words.extend(["--own".to_owned(), text([signal].into_iter().collect())]);
            }
        }
        if random.chance(40) {
            for signal in random.part(held).iter() {
                let value = if random.chance(50) { "=7" } else { "" };
                let signal = text([signal].into_iter().collect());
                words.extend(["--queue".to_owned(), format!("{signal}{value}")]);
            }
        }
        if random.chance(20) {
            words.extend(["--signalfd".to_owned(), text(random.some(pool))]);
        }
        if random.chance(8) {
            words.extend(["--queue-limit".to_owned(), "0".to_owned()]);
        }
        words.extend(end(&main, !threads.is_empty(), pool, random));
        Plan { arguments: words, pool: pool.iter().collect(), is_stopped: random.chance(20) }
    }
}

fn named(name: &str) -> Signal {
    sigtool::signal::name::parse(name, Arch::NATIVE).expect("a signal")
}

fn thread_text(thread: &Thread, random: &mut Random) -> String {
    let mut words = format!("block={}", text(thread.blocked));
    if random.chance(30) {
        for signal in random.part(thread.holds()).iter() {
            words += &format!(";own={}", text([signal].into_iter().collect()));
        }
    }
    match thread.wait {
        Wait::Sleep => {}
        Wait::Sigwait(set) => words += &format!(";sigwait={}", text(set)),
        Wait::Sigsuspend(set) => words += &format!(";sigsuspend={}", text(set)),
    }
    words
}

/// Returns the arguments for the final state of the main thread.
fn end(main: &Thread, has_others: bool, pool: SignalSet, random: &mut Random) -> Vec<String> {
    let words: &[&str] = match (&main.wait, random.below(100)) {
        (Wait::Sigwait(set), _) => &["--sigwait", &text(*set)],
        (Wait::Sigsuspend(set), _) => &["--sigsuspend", &text(*set)],
        (Wait::Sleep, 15..19) => &["--exit", "0"],
        (Wait::Sleep, 19..25) => &["--vfork"],
        (Wait::Sleep, 25..31) => &["--read-signalfd", &text(random.some(pool))],
        (Wait::Sleep, 31..45) if has_others => &["--leader-exits"],
        (Wait::Sleep, _) => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
