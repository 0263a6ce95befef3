//! bpf(2): its commands, with their attributes as uapi linux/bpf.h lays them
//! out. Every descriptor that it gives is closed on exec.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_int, c_long};

/// bpf(2)'s commands.
const BPF_MAP_CREATE: c_int = 0;
const BPF_MAP_LOOKUP_ELEM: c_int = 1;
const BPF_MAP_UPDATE_ELEM: c_int = 2;
const BPF_PROG_LOAD: c_int = 5;
const BPF_OBJ_GET_INFO_BY_FD: c_int = 15;
const BPF_RAW_TRACEPOINT_OPEN: c_int = 17;
const BPF_LINK_CREATE: c_int = 28;
const BPF_ITER_CREATE: c_int = 33;

const BPF_PROG_TYPE_TRACING: u32 = 26;
/// The kernel lets programs read its memory only under its own licence's name;
/// sigtool's MIT is compatible with it.
const LICENSE: &[u8] = b"Dual MIT/GPL\0";
const OBJECT_NAME: [u8; 16] = *b"sigtool\0\0\0\0\0\0\0\0\0";
/// What the verifier may say: the end of it, from Linux 6.4.
const VERIFIER_LOG_SIZE: usize = 1 << 18;

/// What a tracing program is run by.
#[derive(Clone, Copy, Debug)]
pub(super) enum AttachType {
    /// BPF_TRACE_RAW_TP: a tracepoint.
    Tracepoint = 23,
    /// BPF_TRACE_ITER: reading an iterator.
    Iterator = 28,
}

/// Kinds of maps that are used here, as uapi linux/bpf.h numbers them.
#[derive(Clone, Copy, Debug)]
pub(super) enum MapType {
    Hash = 1,
    Array = 2,
    Ringbuf = 27,
}

/// Which tasks an iterator goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskScope {
    All,
    /// The threads of a process, by its number in our pid namespace.
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

/// struct bpf_prog_info, as far as it is read.
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

/// union bpf_iter_link_info, of a task iterator (since Linux 6.1).
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

/// Makes the call with an attribute.
///
/// # Safety
/// What the attribute points to must be there, writable where the command
/// writes, and as long as it says.
unsafe fn bpf<T>(command: c_int, attribute: &mut T) -> io::Result<c_long> {
    // SAFETY: the attribute is a whole structure without padding, as large as
    // is said; the caller answers for what it points to.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attribute, size_of::<T>()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// The same, for commands that give a descriptor.
///
/// # Safety
/// As of [`bpf`]; and the command must give a descriptor.
unsafe fn bpf_fd<T>(command: c_int, attribute: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: the caller answers for it.
    let answer = unsafe { bpf(command, attribute) }?;
    let descriptor = c_int::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn raw_fd(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

fn pointer_value<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// Before Linux 5.11 maps and programs count as locked memory, of which a
/// process may have 64 KB by default: tries again without that limit.
fn retry_without_memlock_limit(open: impl Fn() -> io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    match open() {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) && raise_memlock_limit() => open(),
        answer => answer,
    }
}

/// Whether the limit on locked memory could be raised.
fn raise_memlock_limit() -> bool {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    let mut now = unlimited;
    // SAFETY: getrlimit(2) fills in, and setrlimit(2) only reads, a whole rlimit.
    unsafe {
        libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut now) == 0
            && now.rlim_cur != libc::RLIM_INFINITY
            && libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) == 0
    }
}

/// Makes a map.
pub(super) fn create_map(kind: MapType, key: u32, value: u32, entries: u32) -> io::Result<OwnedFd> {
    retry_without_memlock_limit(|| {
        let mut attribute = MapCreateAttr {
            map_type: kind as u32,
            key_size: key,
            value_size: value,
            max_entries: entries,
            name: OBJECT_NAME,
            ..MapCreateAttr::default()
        };
        // SAFETY: the attribute points nowhere; the command gives a descriptor.
        unsafe { bpf_fd(BPF_MAP_CREATE, &mut attribute) }
    })
}

/// Sets an element of a map whose keys and values are of these types.
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

/// An element of a map that was made for keys of 32 and values of 64 bits.
pub(super) fn lookup_element(map: BorrowedFd<'_>, key: u32) -> io::Result<u64> {
    let mut value = 0u64;
    let mut attribute = MapElementAttr {
        map_fd: raw_fd(map),
        key: pointer_value(&raw const key),
        value: pointer_value(&raw mut value),
        ..MapElementAttr::default()
    };
    // SAFETY: key and value outlive the call, and are as large as the map's.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attribute) }?;
    Ok(value)
}

/// Loads a tracing program, onto a type of the kernel's; where `log` is given,
/// the verifier writes into it.
pub(super) fn load_program(
    code: &[u64],
    attach: AttachType,
    id: u32,
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
            attach_btf_id: id,
            ..ProgLoadAttr::default()
        };
        // SAFETY: instructions, licence and log outlive the call; each is as
        // long as is said, the licence ends with 0, and the log is writable.
        unsafe { bpf_fd(BPF_PROG_LOAD, &mut attribute) }
    })
}

/// What the verifier says of a program that it has refused.
pub(super) fn verifier_log(code: &[u64], attach: AttachType, id: u32) -> Vec<u8> {
    let mut log = vec![0; VERIFIER_LOG_SIZE];
    let _ = load_program(code, attach, id, Some(&mut log));
    log
}

/// How often a program was not run because it was running already; 0 where the
/// kernel does not count (before Linux 5.12).
pub(super) fn recursion_misses(program: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = ProgInfo::default();
    let length = u32::try_from(size_of::<ProgInfo>()).map_err(io::Error::other)?;
    let mut attribute =
        ObjectInfoAttr { bpf_fd: raw_fd(program), info_len: length, info: pointer_value(&raw mut info) };
    // SAFETY: the info is as long as is said; zeroes ask for no arrays.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute) }?;
    Ok(info.recursion_misses)
}

/// Runs a tracepoint's program from now on, until the descriptor is closed.
pub(super) fn attach_raw_tracepoint(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attribute = RawTracepointAttr { prog_fd: raw_fd(program), ..RawTracepointAttr::default() };
    // SAFETY: the attribute points nowhere; the command gives a descriptor.
    unsafe { bpf_fd(BPF_RAW_TRACEPOINT_OPEN, &mut attribute) }
}

/// Ties an iterator's program to the tasks that it is to go through.
///
/// # Errors
/// EINVAL where the kernel can only go through all (before Linux 6.1).
pub(super) fn link_iterator(program: BorrowedFd<'_>, which: TaskScope) -> io::Result<OwnedFd> {
    let (tid, pid) = match which {
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
    if which != TaskScope::All {
        attribute.iter_info = pointer_value(&raw const info);
        attribute.iter_info_len = u32::try_from(size_of::<IterLinkInfo>()).map_err(io::Error::other)?;
    }
    // SAFETY: the info outlives the call, which reads it and gives a descriptor.
    unsafe { bpf_fd(BPF_LINK_CREATE, &mut attribute) }
}

/// A file that an iterator's program writes when it is read.
pub(super) fn create_iterator(link: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attribute = IterCreateAttr { link_fd: raw_fd(link), flags: 0 };
    // SAFETY: the attribute points nowhere; the command gives a descriptor.
    unsafe { bpf_fd(BPF_ITER_CREATE, &mut attribute) }
}
