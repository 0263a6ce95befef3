//! Reading the files of many processes or threads in parallel, with one thread
//! per core. Most of the time is spent in the kernel.

use std::sync::Mutex;
use std::thread;

use super::{ProcReader, ProcRoot};

/// Below this number of IDs one thread is faster than starting a second one.
pub(super) const PARALLEL_THRESHOLD: usize = 300;

/// Number of IDs that a thread takes at a time.
const CHUNK_SIZE: usize = 64;

/// Calls `read_one` for each ID and returns the results in the same order,
/// without those that are `None`. Uses no more memory than the result.
pub fn par_map_ids<T: Send>(
    root: &ProcRoot,
    ids: &[u32],
    look: impl Fn(&mut ProcReader, u32) -> Option<T> + Sync,
) -> Vec<T> {
    let mut found: Vec<Option<T>> = Vec::with_capacity(ids.len());
    found.resize_with(ids.len(), || None);
    let portions = Mutex::new(ids.chunks(CHUNK_SIZE).zip(found.chunks_mut(CHUNK_SIZE)));
    // If the lock is poisoned, another thread has panicked and the scope will
    // panic too.
    let next = || portions.lock().ok()?.next();
    let work = || {
        let mut files = ProcReader::new(root);
        while let Some((ids, places)) = next() {
            for (id, place) in ids.iter().zip(places) {
                *place = look(&mut files, *id);
            }
        }
    };
    let threads = match ids.len() {
        PARALLEL_THRESHOLD.. => {
            thread::available_parallelism().map_or(1, usize::from).min(ids.len() / CHUNK_SIZE)
        }
        _ => 1,
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // If a thread cannot be started, the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    // This collects in place; `flatten` would allocate.
    found.retain(Option::is_some);
    found.into_iter().map_while(|place| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn par_map_ids_keeps_order() {
        for count in [0, 1, 127, 128, 129, 299, 300, 5000] {
            let pids: Vec<u32> = (0..count).rev().collect();
            let found = par_map_ids(&ProcRoot::default(), &pids, |_, pid| (pid % 3 != 0).then_some(pid));
            assert_eq!(found, pids.iter().copied().filter(|pid| pid % 3 != 0).collect::<Vec<_>>());
        }
    }
}
