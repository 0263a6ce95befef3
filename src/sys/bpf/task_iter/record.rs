//! Parser of the program's output.

use std::collections::HashMap;

use super::super::super::signal::siginfo::RawSiginfo;
use super::layout::TaskLayout;
use super::program::{HEADER_FIELDS, HeaderField, QUEUE_CHANGED, QUEUE_END, QUEUE_ENTRY, QUEUE_TOO_LONG};
use super::{ProcessRecord, QueueTruncation, TaskFields, ThreadRecord};
use crate::signal::{QueuedSignal, Sigaction, SignalSet};

/// Parses all tasks; `None` if the output is truncated.
pub(super) fn parse_records(
    bytes: &[u8],
    layout: &TaskLayout,
    fields: TaskFields,
) -> Option<Vec<ProcessRecord>> {
    let mut reader = RecordReader(bytes);
    let mut processes: Vec<ProcessRecord> = Vec::new();
    // In an iteration over all tasks, the threads of a process may not be adjacent.
    let mut indexes: HashMap<u32, usize> = HashMap::new();
    while !reader.0.is_empty() {
        let header: Vec<u64> = (0..HEADER_FIELDS).map(|_| reader.read_u64()).collect::<Option<_>>()?;
        let field = |field: HeaderField| header[field as usize];
        let set = |each| SignalSet::from_bits(field(each).into());
        let thread = ThreadRecord {
            tid: field(HeaderField::Tid) as u32,
            state: layout.state.map(|_| field(HeaderField::State) as u32),
            jobctl: field(HeaderField::Jobctl),
            blocked: set(HeaderField::Blocked),
            real_blocked: set(HeaderField::RealBlocked),
            saved_mask: set(HeaderField::SavedMask),
            pending: set(HeaderField::Pending),
        };
        let pid = field(HeaderField::Tgid) as u32;
        let index = *indexes.entry(pid).or_insert_with(|| {
            processes.push(ProcessRecord {
                pid,
                group_flags: field(HeaderField::Flags) as u32,
                group_exit_code: field(HeaderField::ExitCode) as u32,
                pending: set(HeaderField::SharedPending),
                actions: Vec::new(),
                queue: Vec::new(),
                queue_truncation: None,
                threads: Vec::new(),
            });
            processes.len() - 1
        });
        let process = &mut processes[index];
        if field(HeaderField::HasProcessData) != 0 {
            if fields.actions {
                process.actions = reader.read_actions(layout)?;
            }
            if fields.queue {
                reader.read_queue(layout, None, process)?;
            }
        }
        if fields.queue {
            reader.read_queue(layout, Some(thread.tid), process)?;
        }
        process.threads.push(thread);
    }
    Some(processes)
}

/// The bytes that are not yet parsed.
struct RecordReader<'a>(&'a [u8]);

impl<'a> RecordReader<'a> {
    fn read_bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn read_u64(&mut self) -> Option<u64> {
        self.read_bytes(8).and_then(|bytes| u64_at(bytes, 0))
    }

    fn read_actions(&mut self, layout: &TaskLayout) -> Option<Vec<Sigaction>> {
        let offsets = layout.sigaction;
        let bytes = self.read_bytes(layout.actions_size as usize)?;
        let read = |bytes: &[u8]| {
            let restorer = offsets.restorer.map_or(Some(0), |offset| u64_at(bytes, offset));
            Some(Sigaction {
                handler: u64_at(bytes, offsets.handler)?,
                flags: u64_at(bytes, offsets.flags)?,
                restorer: restorer?,
                mask: SignalSet::from_bits(u64_at(bytes, offsets.mask)?.into()),
            })
        };
        bytes.chunks_exact(offsets.size as usize).map(read).collect()
    }

    /// Adds the entries of a queue to the process.
    fn read_queue(
        &mut self,
        layout: &TaskLayout,
        thread: Option<u32>,
        process: &mut ProcessRecord,
    ) -> Option<()> {
        loop {
            let end = match self.read_u64()? as u32 {
                QUEUE_ENTRY => {
                    let bytes = self.read_bytes(layout.sigqueue.siginfo_size as usize)?;
                    match RawSiginfo::from_bytes(bytes).to_siginfo() {
                        Some(info) => {
                            process.queue.push(QueuedSignal { siginfo: info, tid: thread });
                            continue;
                        }
                        // Not a signal: the memory was reused.
                        None => {
                            process.queue_truncation = Some(QueueTruncation::Changed);
                            continue;
                        }
                    }
                }
                QUEUE_END => None,
                QUEUE_TOO_LONG => Some(QueueTruncation::TooLong),
                QUEUE_CHANGED => Some(QueueTruncation::Changed),
                _ => return None,
            };
            process.queue_truncation = process.queue_truncation.max(end);
            return Some(());
        }
    }
}

fn u64_at(bytes: &[u8], offset: u32) -> Option<u64> {
    let bytes = bytes.get(offset as usize..offset as usize + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::layout::{SigactionOffsets, SigpendingOffsets, SigqueueOffsets};
    use super::*;

    const BOTH: TaskFields = TaskFields { actions: true, queue: true };

    /// Returns a layout with two actions of three words and a siginfo of 16 bytes.
    fn layout() -> TaskLayout {
        let pending = SigpendingOffsets { list: 0, set: 16 };
        TaskLayout {
            state: Some(0),
            jobctl: 0,
            blocked: 0,
            real_blocked: 0,
            saved_sigmask: 0,
            pending,
            signal_struct: 0,
            group_flags: 0,
            group_exit_code: 0,
            shared_pending: pending,
            sighand_struct: 0,
            actions: 0,
            actions_size: 48,
            sigaction: SigactionOffsets { size: 24, handler: 8, flags: 0, restorer: None, mask: 16 },
            sigqueue: SigqueueOffsets { siginfo: 16, siginfo_size: 16, next: 0, previous: 8 },
        }
    }

    fn header(pid: u64, tid: u64, has_process_data: u64) -> Vec<u64> {
        vec![pid, tid, has_process_data, 0x2102, 0, 1, 2, 4, 8, 4, 9, 16]
    }

    fn bytes(words: &[Vec<u64>]) -> Vec<u8> {
        words.concat().into_iter().flat_map(u64::to_le_bytes).collect()
    }

    fn sample_output() -> Vec<u8> {
        let entry = |signo: u64| vec![QUEUE_ENTRY.into(), signo, 0];
        bytes(&[
            header(7, 7, 1),
            vec![4, 0x1000, 1, 0, 1, 0],
            entry(15),
            vec![QUEUE_END.into()],
            entry(40),
            vec![QUEUE_TOO_LONG.into()],
            header(9, 9, 0),
            vec![QUEUE_END.into()],
            header(7, 8, 0),
            entry(0),
            vec![QUEUE_END.into()],
        ])
    }

    #[test]
    fn groups_threads_by_process() {
        let processes = parse_records(&sample_output(), &layout(), BOTH).expect("complete output");
        let shape: Vec<_> =
            processes.iter().map(|each| (each.pid, each.threads.len(), each.actions.len())).collect();
        assert_eq!(shape, [(7, 2, 2), (9, 1, 0)]);
        let first = &processes[0];
        assert!(
            first.is_exiting() && first.group_exit_code == 9 && first.threads[1].is_killable() == Some(true)
        );
        let sets = [first.threads[0].blocked, first.threads[0].pending, first.pending];
        assert_eq!(sets.map(SignalSet::bits), [1, 8, 16]);
        let action = first.actions[0];
        assert_eq!(
            (action.handler, action.flags, action.mask.bits(), action.restorer()),
            (0x1000, 4, 1, None)
        );
        let queue: Vec<_> = first.queue.iter().map(|each| (each.siginfo.signal.get(), each.tid)).collect();
        assert_eq!(queue, [(15, None), (40, Some(7))]);
        // An entry that is not a signal was overwritten.
        assert_eq!(first.queue_truncation, Some(QueueTruncation::Changed));
        assert_eq!(processes[1].queue_truncation, None);
    }

    /// Without the field, a thread does not appear to run.
    #[test]
    fn missing_state_field_hides_sleep() {
        let without_state = TaskLayout { state: None, ..layout() };
        let processes = parse_records(&sample_output(), &without_state, BOTH).expect("complete output");
        let thread = processes[0].threads[0];
        assert_eq!((thread.state, thread.is_killable()), (None, None));
    }

    #[test]
    fn parse_records_rejects_truncated_input() {
        let output = sample_output();
        for length in 0..output.len() {
            let result = parse_records(&output[..length], &layout(), BOTH);
            assert!(result.is_none() || length % 8 == 0, "{length}: {result:?}");
        }
        let unknown = bytes(&[header(7, 7, 0), vec![17]]);
        assert_eq!(parse_records(&unknown, &layout(), BOTH), None);
        assert!(
            parse_records(
                &unknown[..unknown.len() - 8],
                &layout(),
                TaskFields { actions: true, queue: false }
            )
            .is_some()
        );
    }
}
