//! Commands of bpf(2), with their attributes as in uapi linux/bpf.h. Every
//! descriptor that bpf(2) returns is closed on exec.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_int, c_long};

/// Commands of bpf(2).
const BPF_MAP_CREATE: c_int = 0;
const BPF_MAP_LOOKUP_ELEM: c_int = 1;
const BPF_MAP_UPDATE_ELEM: c_int = 2;
const BPF_PROG_LOAD: c_int = 5;
const BPF_OBJ_GET_INFO_BY_FD: c_int = 15;
const BPF_RAW_TRACEPOINT_OPEN: c_int = 17;
const BPF_LINK_CREATE: c_int = 28;
const BPF_ITER_CREATE: c_int = 33;

const BPF_PROG_TYPE_TRACING: u32 = 26;
/// License string. The kernel lets only programs with a GPL-compatible license read
/// its memory; sigtool's MIT license is compatible.
const LICENSE: &[u8] = b"Dual MIT/GPL\0";
const OBJECT_NAME: [u8; 16] = *b"sigtool\0\0\0\0\0\0\0\0\0";
/// Size of the buffer for the verifier's log. Since Linux 6.4 it gets the end of a
/// longer log.
const VERIFIER_LOG_SIZE: usize = 1 << 18;

/// Event that runs a tracing program.
#[derive(Clone, Copy, Debug)]
pub(super) enum AttachType {
    /// BPF_TRACE_RAW_TP: a tracepoint.
    Tracepoint = 23,
    /// BPF_TRACE_ITER: a read of an iterator.
    Iterator = 28,
}

/// Map types, numbered as in uapi linux/bpf.h.
#[derive(Clone, Copy, Debug)]
pub(super) enum MapType {
    Hash = 1,
    Array = 2,
    Ringbuf = 27,
}

/// Tasks that an iterator visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskScope {
    All,
    /// The threads of the process with this PID in our PID namespace.
    Process(u32),
    /// One thread.
    Thread(u32),
}

#[repr(C)]
#[derive(Default)]
struct MapCreateAttr {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    name: [u8; 16],
}

#[repr(C)]
#[derive(Default)]
struct MapElementAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoadAttr {
    prog_type: u32,
    insn_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_count: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_count: u32,
    attach_btf_id: u32,
}

#[repr(C)]
#[derive(Default)]
struct ObjectInfoAttr {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// struct bpf_prog_info, up to the last field that is read.
#[repr(C)]
#[derive(Default)]
struct ProgInfo {
    preceding_fields: [u64; 26],
    recursion_misses: u64,
}

#[repr(C)]
#[derive(Default)]
struct RawTracepointAttr {
    name: u64,
    prog_fd: u32,
    padding: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkCreateAttr {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    iter_info: u64,
    iter_info_len: u32,
    padding: u32,
}

/// union bpf_iter_link_info for a task iterator (since Linux 6.1).
#[repr(C)]
struct IterLinkInfo {
    tid: u32,
    pid: u32,
    pid_fd: u32,
}

#[repr(C)]
#[derive(Default)]
struct IterCreateAttr {
    link_fd: u32,
    flags: u32,
}

/// Calls bpf(2) with an attribute.
///
/// # Safety
/// Everything that the attribute points to must exist, be writable if the command
/// writes it, and be as long as the attribute states.
unsafe fn bpf<T>(command: c_int, attribute: &mut T) -> io::Result<c_long> {
    // SAFETY: the attribute is a whole structure without padding, and its size is
    // passed; the caller guarantees the rest.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attribute, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Calls bpf(2) with a command that returns a descriptor.
///
/// # Safety
/// As for [`bpf`]; and the command must return a descriptor.
unsafe fn bpf_fd<T>(command: c_int, attribute: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: the caller guarantees it.
    let result = unsafe { bpf(command, attribute) }?;
    let descriptor = c_int::try_from(result).map_err(io::Error::other)?;
    // SAFETY: the kernel has just created this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn raw_fd(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

fn pointer_value<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// Retries without the limit on locked memory. Before Linux 5.11, maps and programs
/// count as locked memory, of which a process may have 64 KB by default.
fn retry_without_memlock_limit(open: impl Fn() -> io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    match open() {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) && raise_memlock_limit() => open(),
        result => result,
    }
}

/// Raises the limit on locked memory; returns whether that succeeded.
fn raise_memlock_limit() -> bool {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    let mut current = unlimited;
    // SAFETY: getrlimit(2) fills in, and setrlimit(2) only reads, a whole rlimit.
    unsafe {
        libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut current) == 0
            && current.rlim_cur != libc::RLIM_INFINITY
            && libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) == 0
    }
}

/// Creates a map.
pub(super) fn create_map(
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
) -> io::Result<OwnedFd> {
    retry_without_memlock_limit(|| {
        let mut attribute = MapCreateAttr {
            map_type: map_type as u32,
            key_size,
            value_size,
            max_entries,
            name: OBJECT_NAME,
            ..MapCreateAttr::default()
        };
        // SAFETY: the attribute has no pointers; the command returns a descriptor.
        unsafe { bpf_fd(BPF_MAP_CREATE, &mut attribute) }
    })
}

/// Sets an element of a map whose keys and values have these types.
pub(super) fn update_element<K: Copy, V: Copy>(map: BorrowedFd<'_>, key: &K, value: &V) -> io::Result<()> {
    let mut attribute = MapElementAttr {
        map_fd: raw_fd(map),
        key: pointer_value(key),
        value: pointer_value(value),
        ..MapElementAttr::default()
    };
    // SAFETY: key and value outlive the call, which reads them.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &mut attribute) }.map(drop)
}

/// Reads an element of a map with keys of 32 bits and values of 64 bits.
pub(super) fn lookup_element(map: BorrowedFd<'_>, key: u32) -> io::Result<u64> {
    let mut value = 0u64;
    let mut attribute = MapElementAttr {
        map_fd: raw_fd(map),
        key: pointer_value(&raw const key),
        value: pointer_value(&raw mut value),
        ..MapElementAttr::default()
    };
    // SAFETY: key and value outlive the call, and have the sizes of the map's.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attribute) }?;
    Ok(value)
}

/// Loads a tracing program for a kernel type. The verifier writes to `log`, if
/// present.
pub(super) fn load_program(
    code: &[u64],
    attach: AttachType,
    btf_id: u32,
    log: Option<&mut [u8]>,
) -> io::Result<OwnedFd> {
    let (pointer, length) = log.map_or((std::ptr::null_mut(), 0), |log| (log.as_mut_ptr(), log.len()));
    retry_without_memlock_limit(|| {
        let mut attribute = ProgLoadAttr {
            prog_type: BPF_PROG_TYPE_TRACING,
            insn_count: u32::try_from(code.len()).map_err(io::Error::other)?,
            instructions: pointer_value(code.as_ptr()),
            license: pointer_value(LICENSE.as_ptr()),
            log_level: u32::from(length > 0),
            log_size: u32::try_from(length).map_err(io::Error::other)?,
            log: pointer_value(pointer),
            name: OBJECT_NAME,
            expected_attach_type: attach as u32,
            attach_btf_id: btf_id,
            ..ProgLoadAttr::default()
        };
        // SAFETY: instructions, license and log outlive the call and have the
        // stated lengths; the license ends with NUL, and the log is writable.
        unsafe { bpf_fd(BPF_PROG_LOAD, &mut attribute) }
    })
}

/// Returns the verifier's log for a program that it rejected.
pub(super) fn verifier_log(code: &[u64], attach: AttachType, btf_id: u32) -> Vec<u8> {
    let mut log = vec![0; VERIFIER_LOG_SIZE];
    let _ = load_program(code, attach, btf_id, Some(&mut log));
    log
}

/// Returns how often a program was skipped because it was already running; 0 if the
/// kernel does not count this (before Linux 5.12).
pub(super) fn recursion_misses(program: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = ProgInfo::default();
    let length = u32::try_from(size_of::<ProgInfo>()).map_err(io::Error::other)?;
    let mut attribute =
        ObjectInfoAttr { bpf_fd: raw_fd(program), info_len: length, info: pointer_value(&raw mut info) };
    // SAFETY: the info has the stated length; zeroes request no arrays.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute) }?;
    Ok(info.recursion_misses)
}

/// Runs a tracepoint program from now on, until the descriptor is closed.
pub(super) fn attach_raw_tracepoint(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attribute = RawTracepointAttr { prog_fd: raw_fd(program), ..RawTracepointAttr::default() };
    // SAFETY: the attribute has no pointers; the command returns a descriptor.
    unsafe { bpf_fd(BPF_RAW_TRACEPOINT_OPEN, &mut attribute) }
}

/// Links an iterator program to the tasks that it visits.
///
/// # Errors
/// EINVAL if the kernel can only visit all tasks (before Linux 6.1).
pub(super) fn link_iterator(program: BorrowedFd<'_>, scope: TaskScope) -> io::Result<OwnedFd> {
    let (tid, pid) = match scope {
        TaskScope::All => (0, 0),
        TaskScope::Process(pid) => (0, pid),
        TaskScope::Thread(tid) => (tid, 0),
    };
    let info = IterLinkInfo { tid, pid, pid_fd: 0 };
    let mut attribute = LinkCreateAttr {
        prog_fd: raw_fd(program),
        attach_type: AttachType::Iterator as u32,
        ..LinkCreateAttr::default()
    };
    if scope != TaskScope::All {
        attribute.iter_info = pointer_value(&raw const info);
        attribute.iter_info_len = u32::try_from(size_of::<IterLinkInfo>()).map_err(io::Error::other)?;
    }
    // SAFETY: the info outlives the call, which reads it and returns a descriptor.
    unsafe { bpf_fd(BPF_LINK_CREATE, &mut attribute) }
}

/// Creates a file whose reads run the iterator program and return its output.
pub(super) fn create_iterator(link: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attribute = IterCreateAttr { link_fd: raw_fd(link), flags: 0 };
    // SAFETY: the attribute has no pointers; the command returns a descriptor.
    unsafe { bpf_fd(BPF_ITER_CREATE, &mut attribute) }
}
