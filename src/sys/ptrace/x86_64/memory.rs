//! The memory of another process: process_vm_readv(2) and its counterpart,
//! which respect what is read-only there.

use std::ffi::c_void;
use std::io;

use libc::{iovec, pid_t};

/// Reads as much as is there, in one piece, from an address on.
pub(super) fn read(tid: pid_t, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    // SAFETY: the local part is ours alone, and as long as is said; the other
    // is an address of the other process.
    let count = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Fills in the whole array.
pub(super) fn array<const N: usize>(tid: pid_t, address: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    match read(tid, address, &mut bytes)? {
        count if count == N => Ok(bytes),
        _ => Err(io::Error::from_raw_os_error(libc::EFAULT)),
    }
}

/// Writes all of it.
pub(super) fn write(tid: pid_t, address: u64, from: &[u8]) -> io::Result<()> {
    let local = iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = iovec { iov_base: address as *mut c_void, iov_len: from.len() };
    // SAFETY: the local part is only read, and as long as is said; the other is
    // an address of the other process, which has what is not writable refused.
    let count = unsafe { libc::process_vm_writev(tid, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(count) {
        Ok(count) if count == from.len() => Ok(()),
        Ok(_) => Err(io::Error::from_raw_os_error(libc::EFAULT)),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_read_and_written() {
        let own = pid_t::try_from(std::process::id()).expect("a pid");
        let mut bytes = [1u8, 2, 3];
        let address = bytes.as_mut_ptr() as u64;
        assert_eq!(array::<3>(own, address).expect("ours"), [1, 2, 3]);
        write(own, address, &[7, 8]).expect("ours");
        assert_eq!(std::hint::black_box(bytes), [7, 8, 3]);
        static FIXED: [u8; 3] = [1, 2, 3];
        assert!(write(own, FIXED.as_ptr() as u64, &[7]).is_err(), "read-only");
        assert!(array::<8>(own, 16).is_err() && write(own, 16, &[0]).is_err());
    }
}
