//! The same look at many processes, or threads, from as many threads as there
//! are cores: the kernel's own time is most of it.

use std::sync::Mutex;
use std::thread;

use super::{ProcReader, ProcRoot};

/// With fewer than this one thread is quicker than starting a second.
pub(super) const PARALLEL_THRESHOLD: usize = 300;

/// How many one thread takes at a time.
const CHUNK_SIZE: usize = 64;

/// What a look at each of these finds, in their order; those of which it finds
/// nothing are left out. It takes no more memory than the answer has.
pub fn par_map_ids<T: Send>(
    root: &ProcRoot,
    ids: &[u32],
    look: impl Fn(&mut ProcReader, u32) -> Option<T> + Sync,
) -> Vec<T> {
    let mut found: Vec<Option<T>> = Vec::with_capacity(ids.len());
    found.resize_with(ids.len(), || None);
    let portions = Mutex::new(ids.chunks(CHUNK_SIZE).zip(found.chunks_mut(CHUNK_SIZE)));
    // Poisoned: another has panicked, and so will the scope.
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
            // One that cannot be started leaves its part to the others.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    // Collected in place, as `flatten` would not be.
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
