//! The same look at many processes, from as many threads as there are cores:
//! the kernel's own time is most of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::proc::{Files, Root};

/// With fewer processes than this one thread is quicker than starting a second.
const ENOUGH: usize = 300;

/// How many one thread takes at a time.
const PORTION: usize = 128;

/// What a look at each of these processes finds, in any order.
pub(super) fn gather<T: Send>(
    root: &Root,
    pids: &[u32],
    look: impl Fn(&mut Files, u32) -> Option<T> + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut files = Files::new(root);
        let mut found = Vec::new();
        while let Some(portion) = pids.chunks(PORTION).nth(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(portion.iter().filter_map(|pid| look(&mut files, *pid)));
        }
        found
    };
    let threads = match pids.len() {
        ENOUGH.. => thread::available_parallelism().map_or(1, usize::from).min(pids.len() / PORTION),
        _ => 1,
    };
    thread::scope(|scope| {
        // One that cannot be started leaves its part to the others.
        let others: Vec<_> =
            (1..threads).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut found = work();
        for other in others {
            match other.join() {
                Ok(more) => found.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_looked_at_once() {
        for count in [0, 1, 127, 128, 129, 299, 300, 5000] {
            let pids: Vec<u32> = (0..count).collect();
            let mut found = gather(&Root::default(), &pids, |_, pid| (pid % 3 != 0).then_some(pid));
            found.sort_unstable();
            assert_eq!(found, pids.iter().copied().filter(|pid| pid % 3 != 0).collect::<Vec<_>>());
        }
    }
}
