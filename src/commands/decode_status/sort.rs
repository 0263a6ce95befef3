//! Order of the processes: `--sort KEY`.

use std::cmp::Ordering;

use super::DecodedProcess;
use crate::signal::SignalSet;

/// An order of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortOrder {
    /// The key to compare.
    pub key: SortKey,
    /// True if the greatest comes first.
    pub descending: bool,
}

/// A property of a process by which it can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// Its PID.
    Pid,
    /// Its name, compared by bytes.
    Name,
    /// The letter of its state.
    State,
    /// The number of its threads.
    Threads,
    /// Its effective UID.
    Uid,
    /// The number of pending signals.
    Pending,
    /// The number of signals that it blocks.
    Blocked,
    /// The number of signals that it ignores.
    Ignored,
    /// The number of signals that it catches.
    Caught,
    /// The number of signals queued for its user.
    Queue,
}

/// The words for the keys; `user` is an alias for `uid`.
const KEY_NAMES: [(&str, SortKey); 11] = [
    ("pid", SortKey::Pid),
    ("name", SortKey::Name),
    ("state", SortKey::State),
    ("threads", SortKey::Threads),
    ("uid", SortKey::Uid),
    ("user", SortKey::Uid),
    ("pending", SortKey::Pending),
    ("blocked", SortKey::Blocked),
    ("ignored", SortKey::Ignored),
    ("caught", SortKey::Caught),
    ("queue", SortKey::Queue),
];

impl SortOrder {
    /// Parses a key. A `-` in front of it puts the greatest first.
    ///
    /// # Errors
    /// A message that lists the valid keys.
    pub fn parse(word: &str) -> Result<SortOrder, String> {
        let (name, descending) = match word.strip_prefix('-') {
            Some(name) => (name, true),
            None => (word, false),
        };
        match KEY_NAMES.iter().find(|(key_name, _)| *key_name == name) {
            Some((_, key)) => Ok(SortOrder { key: *key, descending }),
            None => {
                let key_names: Vec<&str> = KEY_NAMES.iter().map(|(key_name, _)| *key_name).collect();
                Err(format!("--sort {word}: unknown key (expected one of {})", key_names.join(", ")))
            }
        }
    }

    /// Sorts processes. Equal ones are sorted by PID. Unknown values count as
    /// smaller than all others.
    pub(super) fn sort(self, processes: &mut [DecodedProcess]) {
        if self.key == SortKey::Name {
            let name =
                |process: &DecodedProcess| process.status.name.as_ref().map(|name| name.as_bytes().to_vec());
            processes
                .sort_by_cached_key(|process| SortEntry(name(process), process.status.pid, self.descending));
        } else {
            // Each key is computed once, because it may combine the sets of many
            // threads.
            processes.sort_by_cached_key(|process| {
                SortEntry(self.numeric_key(process), process.status.pid, self.descending)
            });
        }
    }

    fn numeric_key(self, process: &DecodedProcess) -> Option<u64> {
        let status = &process.status;
        let size = |set: Option<SignalSet>| set.map(|set| u64::from(set.len()));
        match self.key {
            SortKey::Name => None,
            SortKey::Pid => status.tgid.or(status.pid).map(u64::from),
            SortKey::State => status.state.map(|state| u64::from(u32::from(state.letter()))),
            SortKey::Threads => status.thread_count.map(u64::from),
            SortKey::Uid => status.uids.map(|(_, effective)| u64::from(effective)),
            SortKey::Pending => size(process.pending()),
            SortKey::Blocked => size(process.blocked()),
            SortKey::Ignored => size(status.ignored),
            SortKey::Caught => size(status.caught),
            SortKey::Queue => status.queue_usage.map(|queue| queue.used),
        }
    }
}

/// A key, the PID that decides between equal keys, and true if the order is
/// descending.
#[derive(PartialEq, Eq)]
struct SortEntry<K>(K, Option<u32>, bool);

impl<K: Ord> Ord for SortEntry<K> {
    fn cmp(&self, other: &SortEntry<K>) -> Ordering {
        let keys = if self.2 { other.0.cmp(&self.0) } else { self.0.cmp(&other.0) };
        keys.then(self.1.cmp(&other.1))
    }
}

impl<K: Ord> PartialOrd for SortEntry<K> {
    fn partial_cmp(&self, other: &SortEntry<K>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect::process_from_status;
    use super::*;
    use crate::procfs::ProcStatus;

    #[test]
    fn parses_keys_and_reports_invalid_one() {
        assert_eq!(SortOrder::parse("user"), Ok(SortOrder { key: SortKey::Uid, descending: false }));
        assert_eq!(SortOrder::parse("-queue"), Ok(SortOrder { key: SortKey::Queue, descending: true }));
        for word in ["", "-", "--pid", "PID", "cpu"] {
            let error = SortOrder::parse(word).unwrap_err();
            assert!(
                error.starts_with(&format!("--sort {word}: unknown key (expected one of pid, name, ")),
                "{error}"
            );
        }
    }

    #[test]
    fn sorts_by_each_key_then_by_pid() {
        let process = |pid: u32, line: &str| {
            let text = format!("Pid:\t{pid}\nTgid:\t{pid}\nShdPnd:\t{0:016}\nSigPnd:\t{0:016}\n{line}\n", 0);
            process_from_status(ProcStatus::parse(text.as_bytes()).unwrap(), None)
        };
        for (key, less, more) in [
            ("name", "Name:\ta", "Name:\tb"),
            ("state", "State:\tS (sleeping)", "State:\tT (stopped)"),
            ("threads", "Threads:\t9", "Threads:\t10"),
            ("uid", "Uid:\t9\t1\t1\t1", "Uid:\t1\t2\t2\t2"),
            ("pending", "SigPnd:\t0000000000000000", "SigPnd:\t0000000000000003"),
            ("blocked", "SigBlk:\t0000000000000100", "SigBlk:\t0000000000000003"),
            ("ignored", "Umask:\t1", "SigIgn:\t0000000000000000"),
            ("caught", "SigCgt:\t0000000000000100", "SigCgt:\t0000000000000003"),
            ("queue", "SigQ:\t2/100", "SigQ:\t10/100"),
        ] {
            let mut processes = vec![process(1, more), process(3, less), process(2, less)];
            let mut order = |word: &str| {
                SortOrder::parse(word).unwrap().sort(&mut processes);
                processes.iter().filter_map(|process| process.status.pid).collect::<Vec<_>>()
            };
            assert_eq!(order(key), [2, 3, 1], "{key}");
            assert_eq!(order(&format!("-{key}")), [1, 2, 3], "{key}");
            assert_eq!((order("pid"), order("-pid")), (vec![1, 2, 3], vec![3, 2, 1]));
        }
    }
}
