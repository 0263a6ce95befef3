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
    read_one: impl Fn(&mut ProcReader, u32) -> Option<T> + Sync,
) -> Vec<T> {
    let mut results: Vec<Option<T>> = Vec::with_capacity(ids.len());
    results.resize_with(ids.len(), || None);
    let chunks = Mutex::new(ids.chunks(CHUNK_SIZE).zip(results.chunks_mut(CHUNK_SIZE)));
    // If the lock is poisoned, another thread has panicked and the scope will
    // panic too.
    let next_chunk = || chunks.lock().ok()?.next();
    let work = || {
        let mut reader = ProcReader::new(root);
        while let Some((ids, slots)) = next_chunk() {
            for (id, slot) in ids.iter().zip(slots) {
                *slot = read_one(&mut reader, *id);
            }
        }
    };
    let thread_count = match ids.len() {
        PARALLEL_THRESHOLD.. => {
            thread::available_parallelism().map_or(1, usize::from).min(ids.len() / CHUNK_SIZE)
        }
        _ => 1,
    };
    thread::scope(|scope| {
        for _ in 1..thread_count {
            // If a thread cannot be started, the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    // This collects in place; `flatten` would allocate.
    results.retain(Option::is_some);
    results.into_iter().map_while(|slot| slot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn par_map_ids_keeps_order() {
        for count in [0, 1, 127, 128, 129, 299, 300, 5000] {
            let pids: Vec<u32> = (0..count).rev().collect();
            let results = par_map_ids(&ProcRoot::default(), &pids, |_, pid| (pid % 3 != 0).then_some(pid));
            assert_eq!(results, pids.iter().copied().filter(|pid| pid % 3 != 0).collect::<Vec<_>>());
        }
    }
}
