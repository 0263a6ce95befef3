//! What the program has written, read back.

use std::collections::HashMap;

use super::super::super::siginfo::Raw;
use super::layout::Layout;
use super::program::{CHANGED, DONE, ENTRY, LIMIT, WORDS, Word};
use super::{Cut, Process, Thread, Want};
use crate::signal::{Queued, Sigaction, SignalSet};

/// Reads tasks until the end; `None` where something is cut short.
pub(super) fn read(bytes: &[u8], layout: &Layout, want: Want) -> Option<Vec<Process>> {
    let mut rest = Rest(bytes);
    let mut processes: Vec<Process> = Vec::new();
    // A process's threads may be apart where all tasks are gone through.
    let mut places: HashMap<u32, usize> = HashMap::new();
    while !rest.0.is_empty() {
        let header: Vec<u64> = (0..WORDS).map(|_| rest.word()).collect::<Option<_>>()?;
        let word = |word: Word| header[word as usize];
        let set = |each| SignalSet::from_bits(word(each).into());
        let thread = Thread {
            tid: word(Word::Thread) as u32,
            state: layout.state.map(|_| word(Word::State) as u32),
            jobctl: word(Word::Jobctl),
            blocked: set(Word::Blocked),
            real_blocked: set(Word::RealBlocked),
            saved_mask: set(Word::SavedMask),
            pending: set(Word::Pending),
        };
        let pid = word(Word::Process) as u32;
        let index = *places.entry(pid).or_insert_with(|| {
            processes.push(Process {
                pid,
                flags: word(Word::Flags) as u32,
                exit_code: word(Word::ExitCode) as u32,
                pending: set(Word::SharedPending),
                handlers: Vec::new(),
                queue: Vec::new(),
                cut: None,
                threads: Vec::new(),
            });
            processes.len() - 1
        });
        let process = &mut processes[index];
        if word(Word::Whole) != 0 {
            if want.handlers {
                process.handlers = rest.actions(layout)?;
            }
            if want.queue {
                rest.queue(layout, None, process)?;
            }
        }
        if want.queue {
            rest.queue(layout, Some(thread.tid), process)?;
        }
        process.threads.push(thread);
    }
    Some(processes)
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<u64> {
        self.take(8).and_then(|bytes| number(bytes, 0))
    }

    fn actions(&mut self, layout: &Layout) -> Option<Vec<Sigaction>> {
        let action = layout.action;
        let bytes = self.take(layout.actions_size as usize)?;
        let read = |bytes: &[u8]| {
            let restorer = action.restorer.map_or(Some(0), |at| number(bytes, at));
            Some(Sigaction {
                handler: number(bytes, action.handler)?,
                flags: number(bytes, action.flags)?,
                restorer: restorer?,
                mask: SignalSet::from_bits(number(bytes, action.mask)?.into()),
            })
        };
        bytes.chunks_exact(action.size as usize).map(read).collect()
    }

    /// Adds a queue to the process's.
    fn queue(&mut self, layout: &Layout, thread: Option<u32>, process: &mut Process) -> Option<()> {
        loop {
            let end = match self.word()? as u32 {
                ENTRY => {
                    let bytes = self.take(layout.queued.info_size as usize)?;
                    match Raw::from_bytes(bytes).info() {
                        Some(info) => {
                            process.queue.push(Queued { info, thread });
                            continue;
                        }
                        // No signal: the memory has become something else's.
                        None => {
                            process.cut = Some(Cut::Changed);
                            continue;
                        }
                    }
                }
                DONE => None,
                LIMIT => Some(Cut::Limit),
                CHANGED => Some(Cut::Changed),
                _ => return None,
            };
            process.cut = process.cut.max(end);
            return Some(());
        }
    }
}

fn number(bytes: &[u8], at: u32) -> Option<u64> {
    let bytes = bytes.get(at as usize..at as usize + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Action, Pending, Queued as Place};
    use super::*;

    const BOTH: Want = Want { handlers: true, queue: true };

    /// Two actions of three words, and a siginfo of 16 bytes.
    fn layout() -> Layout {
        let pending = Pending { list: 0, set: 16 };
        Layout {
            state: Some(0),
            jobctl: 0,
            blocked: 0,
            real_blocked: 0,
            saved_mask: 0,
            pending,
            signal: 0,
            flags: 0,
            exit_code: 0,
            shared: pending,
            sighand: 0,
            actions: 0,
            actions_size: 48,
            action: Action { size: 24, handler: 8, flags: 0, restorer: None, mask: 16 },
            queued: Place { info: 16, info_size: 16, next: 0, previous: 8 },
        }
    }

    fn header(pid: u64, tid: u64, whole: u64) -> Vec<u64> {
        vec![pid, tid, whole, 0x2102, 0, 1, 2, 4, 8, 4, 9, 16]
    }

    fn bytes(words: &[Vec<u64>]) -> Vec<u8> {
        words.concat().into_iter().flat_map(u64::to_le_bytes).collect()
    }

    fn written() -> Vec<u8> {
        let entry = |signo: u64| vec![ENTRY.into(), signo, 0];
        bytes(&[
            header(7, 7, 1),
            vec![4, 0x1000, 1, 0, 1, 0],
            entry(15),
            vec![DONE.into()],
            entry(40),
            vec![LIMIT.into()],
            header(9, 9, 0),
            vec![DONE.into()],
            header(7, 8, 0),
            entry(0),
            vec![DONE.into()],
        ])
    }

    #[test]
    fn threads_come_to_their_process() {
        let processes = read(&written(), &layout(), BOTH).expect("whole");
        let shape: Vec<_> =
            processes.iter().map(|each| (each.pid, each.threads.len(), each.handlers.len())).collect();
        assert_eq!(shape, [(7, 2, 2), (9, 1, 0)]);
        let first = &processes[0];
        assert!(first.is_exiting() && first.exit_code == 9 && first.threads[1].is_killable() == Some(true));
        let sets = [first.threads[0].blocked, first.threads[0].pending, first.pending];
        assert_eq!(sets.map(SignalSet::bits), [1, 8, 16]);
        let action = first.handlers[0];
        assert_eq!(
            (action.handler, action.flags, action.mask.bits(), action.restorer()),
            (0x1000, 4, 1, None)
        );
        let queue: Vec<_> = first.queue.iter().map(|each| (each.info.signal.get(), each.thread)).collect();
        assert_eq!(queue, [(15, None), (40, Some(7))]);
        // What is no signal has been overwritten.
        assert_eq!(first.cut, Some(Cut::Changed));
        assert_eq!(processes[1].cut, None);
    }

    /// What it does not have is not taken for a thread that runs.
    #[test]
    fn a_kernel_that_hides_the_state_tells_of_no_sleep() {
        let hidden = Layout { state: None, ..layout() };
        let processes = read(&written(), &hidden, BOTH).expect("whole");
        let thread = processes[0].threads[0];
        assert_eq!((thread.state, thread.is_killable()), (None, None));
    }

    #[test]
    fn what_is_cut_short_is_none() {
        let whole = written();
        for length in 0..whole.len() {
            let answer = read(&whole[..length], &layout(), BOTH);
            assert!(answer.is_none() || length % 8 == 0, "{length}: {answer:?}");
        }
        let unknown = bytes(&[header(7, 7, 0), vec![17]]);
        assert_eq!(read(&unknown, &layout(), BOTH), None);
        assert!(
            read(&unknown[..unknown.len() - 8], &layout(), Want { handlers: true, queue: false }).is_some()
        );
    }
}
