//! The task iterator: actions, masks, queues and threads of processes.

#![allow(unsafe_code)]

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::mpsc;

use sigtool::signal::{Signal, SignalSet};
use sigtool::sys::bpf::task_iter::{
    LoopKind, MAX_QUEUED, ProcessRecord, QueueTruncation, TaskFields, TaskIterator, ThreadRecord,
};
use sigtool::sys::signal::send;

use super::{TestProcess, own_tid, permitted_or_skip, signal, with_waiting_thread};

const ACTIONS: TaskFields = TaskFields { actions: true, queue: false };
const QUEUE: TaskFields = TaskFields { actions: false, queue: true };
const BOTH: TaskFields = TaskFields { actions: true, queue: true };
const RT: i32 = 40;

fn status_set(pid: u32, line: &str) -> SignalSet {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let hex = status.lines().find_map(|each| each.strip_prefix(line)).expect("a line");
    SignalSet::from_bits(u128::from_str_radix(hex.trim(), 16).expect("a mask"))
}

fn signals_with_handler(process: &ProcessRecord, is_match: impl Fn(u64) -> bool) -> SignalSet {
    let numbers = (1..).filter_map(Signal::new).zip(&process.actions);
    numbers.filter(|(_, action)| is_match(action.handler)).map(|(signal, _)| signal).collect()
}

#[test]
fn actions_match_proc_status() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load(ACTIONS)) else { return };
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' USR1; trap : USR2; read line; echo $line; read line"]);
    let target = TestProcess::spawn(&mut command, SignalSet::from_iter([signal(RT)]));
    let process = tasks.process(target.pid()).expect("read").expect("a process");
    assert_eq!(process.pid, target.pid());
    assert_eq!(process.actions.len(), 64);
    let (ignored, caught) =
        (signals_with_handler(&process, |at| at == 1), signals_with_handler(&process, |at| at > 1));
    assert!(ignored.contains(signal(libc::SIGUSR1)) && caught.contains(signal(libc::SIGUSR2)));
    assert_eq!(ignored, status_set(target.pid(), "SigIgn:"));
    assert_eq!(caught, status_set(target.pid(), "SigCgt:"));
    assert_eq!(process.threads[0].blocked, status_set(target.pid(), "SigBlk:"));
    assert!(process.queue.is_empty() && !process.is_exiting());
}

fn check_queue(tasks: &TaskIterator) {
    let target = TestProcess::spawn_cat(&[RT, libc::SIGUSR1]);
    let pid = target.pid();
    for value in [5, -6, 7] {
        send::to_pid(pid, Some(signal(RT)), Some(value)).expect("queued");
    }
    send::to_pid(pid, Some(signal(libc::SIGUSR1)), None).expect("sent");
    send::to_thread(pid, pid, Some(signal(RT)), Some(8)).expect("queued");
    let process = tasks.process(pid).expect("read").expect("a process");
    let entries: Vec<_> = process
        .queue
        .iter()
        .map(|each| {
            let info = each.siginfo;
            assert_eq!((info.pid, info.uid), (std::process::id(), send::own_uid()));
            (info.signal.get(), info.code, info.value, each.tid)
        })
        .collect();
    let usr1 = libc::SIGUSR1 as u8;
    let rt = RT as u8;
    assert_eq!(
        entries,
        [
            (rt, -1, 5, None),
            (rt, -1, -6, None),
            (rt, -1, 7, None),
            (usr1, 0, 0, None),
            (rt, -1, 8, Some(pid))
        ]
    );
    assert_eq!(process.queue_truncation, None);
    assert_eq!(process.pending, status_set(pid, "ShdPnd:"));
    assert_eq!(process.threads[0].pending, status_set(pid, "SigPnd:"));
    assert!(process.actions.is_empty());
}

/// `finds_standard`: whether standard signals after the limit are found.
fn check_long_queue(tasks: &TaskIterator, finds_standard: bool) {
    let target = TestProcess::spawn_cat(&[RT, libc::SIGUSR1]);
    for value in 0..300 {
        send::to_pid(target.pid(), Some(signal(RT)), Some(value)).expect("queued");
    }
    send::to_pid(target.pid(), Some(signal(libc::SIGUSR1)), Some(7)).expect("queued");
    let mut process = tasks.process(target.pid()).expect("read").expect("a process");
    assert_eq!(process.queue_truncation, Some(QueueTruncation::TooLong));
    if finds_standard {
        let last = process.queue.pop().expect("an entry after the limit").siginfo;
        assert_eq!((last.signal, last.value), (signal(libc::SIGUSR1), 7));
    }
    assert!(process.queue.iter().map(|each| each.siginfo.value).eq(0..MAX_QUEUED.cast_signed()));
}

#[test]
fn queue_is_read_in_order() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load(QUEUE)) else { return };
    check_queue(&tasks);
    check_long_queue(&tasks, true);
}

/// Older kernels need the bounded loop.
#[test]
fn queue_is_read_in_order_with_bounded_loop() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load_with_loop(QUEUE, LoopKind::Bounded)) else {
        return;
    };
    check_queue(&tasks);
    check_long_queue(&tasks, false);
}

/// The longest queues, with every standard signal that can be pending at their
/// ends.
#[test]
fn longest_queues_fit_iterator_buffer() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load(BOTH)) else { return };
    let standard: Vec<i32> =
        (1..32).filter(|number| ![libc::SIGKILL, libc::SIGSTOP].contains(number)).collect();
    // A stop signal removes CONT from the queue, and vice versa.
    let standard: Vec<i32> = standard.into_iter().filter(|number| *number != libc::SIGCONT).collect();
    let target = TestProcess::spawn_cat(&[&[RT][..], &standard].concat());
    let flood = [RT].into_iter().cycle().take(300);
    for number in flood.chain(standard.iter().copied()) {
        send::to_pid(target.pid(), Some(signal(number)), Some(1)).expect("queued");
        send::to_thread(target.pid(), target.pid(), Some(signal(number)), Some(1)).expect("queued");
    }
    let process = tasks.process(target.pid()).expect("read").expect("a process");
    assert_eq!(process.queue.len(), 2 * (MAX_QUEUED as usize + standard.len()));
    assert_eq!(process.actions.len(), 64);
}

#[test]
fn threads_are_grouped_by_process() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load(BOTH)) else { return };
    with_waiting_thread(|tid| {
        let process = tasks.process(std::process::id()).expect("read").expect("us");
        assert!(process.threads.iter().any(|thread| thread.tid == tid));
        assert!(process.threads.iter().any(|thread| thread.tid == std::process::id()));
        let alone = tasks.thread(tid).expect("read").expect("a thread");
        assert_eq!(alone.pid, std::process::id());
        assert_eq!(alone.threads.iter().map(|thread| thread.tid).collect::<Vec<_>>(), [tid]);
        assert_eq!(alone.actions, process.actions);
        // A TID of another thread is not a PID.
        assert_eq!(tasks.process(tid).expect("read"), None);
        let all = tasks.all().expect("read");
        let ours: Vec<_> = all.iter().filter(|process| process.pid == std::process::id()).collect();
        assert!(ours.len() == 1 && ours[0].threads.iter().any(|thread| thread.tid == tid));
        assert_eq!(ours[0].actions, process.actions);
    });
}

/// Runs in a child that shares the parent's memory: reports that it runs, and exits
/// when the parent writes to the pipe.
extern "C" fn vfork_child(pipes: *mut libc::c_void) -> libc::c_int {
    // SAFETY: two descriptors, which the parent keeps open until this child exits.
    let [ready, exit] = unsafe { *pipes.cast::<[libc::c_int; 2]>() };
    let mut byte = 0u8;
    // SAFETY: a byte of our own, which outlives both calls.
    unsafe {
        libc::write(ready, (&raw const byte).cast(), 1);
        libc::read(exit, (&raw mut byte).cast(), 1);
    }
    0
}

/// Calls `run` with the TID of another thread of this process, which waits in
/// vfork(2).
fn with_vfork_parent(run: impl FnOnce(u32)) {
    /// Makes the child exit, even if the test fails.
    struct ReleaseOnDrop(std::io::PipeWriter);
    impl Drop for ReleaseOnDrop {
        fn drop(&mut self) {
            let _ = self.0.write_all(&[0]);
        }
    }
    let (mut ready_reader, ready_writer) = std::io::pipe().expect("a pipe");
    let (exit_reader, exit_writer) = std::io::pipe().expect("a pipe");
    let exit_writer = ReleaseOnDrop(exit_writer);
    let (tid_sender, tid_receiver) = mpsc::channel();
    std::thread::scope(move |scope| {
        let exit_writer = exit_writer;
        scope.spawn(move || {
            tid_sender.send(own_tid()).expect("the test waits");
            let mut pipes = [ready_writer.as_raw_fd(), exit_reader.as_raw_fd()];
            let mut stack = vec![0u128; 1 << 12];
            let top = stack.as_mut_ptr_range().end;
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            // SAFETY: the child has its own stack, aligned and 64 KiB long; this
            // thread, whose memory it shares, waits until the child exits.
            let child = unsafe { libc::clone(vfork_child, top.cast(), flags, (&raw mut pipes).cast()) };
            // SAFETY: waits for the child; a null status is allowed.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        });
        let tid = tid_receiver.recv().expect("a TID");
        ready_reader.read_exact(&mut [0]).expect("the child runs");
        let status = format!("/proc/self/task/{tid}/status");
        while !std::fs::read_to_string(&status).expect("a status").contains("State:\tD") {
            std::thread::yield_now();
        }
        run(tid);
        drop(exit_writer);
    });
}

#[test]
fn vfork_parent_is_killable() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load(ACTIONS)) else { return };
    with_vfork_parent(|tid| {
        let process = tasks.process(std::process::id()).expect("read").expect("us");
        let killable =
            |tid: u32| process.threads.iter().find(|each| each.tid == tid).map(ThreadRecord::is_killable);
        assert_eq!(killable(tid), Some(Some(true)));
        assert_eq!(killable(own_tid()), Some(None), "the test runs");
    });
}

#[test]
fn missing_pid_returns_none() {
    let Some(tasks) = permitted_or_skip(TaskIterator::load(BOTH)) else { return };
    assert_eq!(tasks.process(4_194_305).expect("read"), None);
    assert_eq!(tasks.thread(4_194_305).expect("read"), None);
}
