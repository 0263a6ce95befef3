//! Questions about a process that /proc does not answer.

use std::io;

/// Whether a process or thread of this id exists, by the null signal: also
/// where /proc hides it (hidepid, proc(5)).
pub fn exists(id: u32) -> bool {
    let Ok(id) = libc::pid_t::try_from(id) else { return false };
    if id == 0 {
        return false;
    }
    // SAFETY: kill(2) takes plain numbers; signal 0 checks and sends nothing,
    // and id is positive, so no group is meant.
    let answered = unsafe { libc::kill(id, 0) };
    answered == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_exists_and_impossible_ones_do_not() {
        assert!(exists(std::process::id()));
        assert!(!exists(0));
        // Above the kernel's greatest pid (PID_MAX_LIMIT, 2^22).
        assert!(!exists(4_194_305));
        assert!(!exists(u32::MAX));
    }
}
