//! /proc/PID/stat: text to value.

use super::{ProcessName, TaskState};

/// The flag of a kernel thread (include/linux/sched.h).
const PF_KTHREAD: u32 = 0x0020_0000;

/// What of the file is used. Its signal fields hold 31 signals at most and are
/// not (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStat {
    /// The process.
    pub pid: u32,
    /// The name: any bytes, parentheses and line feeds too.
    pub name: ProcessName,
    /// The state.
    pub state: TaskState,
    /// The parent.
    pub parent_pid: u32,
    /// The process group.
    pub process_group: u32,
    /// The session.
    pub session: u32,
    /// The device number of its terminal, 0 where it has none, in the kernel's
    /// encoding (include/linux/kdev_t.h, `new_encode_dev`), which for a
    /// terminal is that of stat(2), too. `None` in a text cut short.
    pub terminal_device: Option<u32>,
    /// The kernel's flags (PF_*). `None` in a text cut short.
    pub flags: Option<u32>,
    /// When it was started, in clock ticks since boot; with the number, this
    /// tells a process from every other. `None` in a text cut short.
    pub start_ticks: Option<u64>,
    /// Of a zombie the wait status, of a stopped process the signal that stopped
    /// it, until its parent has asked; 0 where that may not be read.
    pub exit_code: Option<i32>,
}

impl ProcStat {
    /// Reads the file. The name ends at the last parenthesis, as none follows it.
    pub fn parse(text: &[u8]) -> Option<ProcStat> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')').filter(|close| *close > open)?;
        let pid = std::str::from_utf8(text[..open].trim_ascii()).ok()?.parse().ok()?;
        let fields = text[close + 1..].split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let mut fields = fields.map(|field| std::str::from_utf8(field).unwrap_or_default());
        let state = TaskState::from_letter(fields.next()?.bytes().next()?);
        let mut number = || fields.next()?.parse().ok();
        let (parent, group, session) = (number()?, number()?, number()?);
        // The number is printed with a sign.
        let terminal = fields.next().and_then(|field| field.parse().ok()).map(i32::cast_unsigned);
        // Field 9; the one before is the terminal's foreground group.
        let flags = fields.nth(1).and_then(|field| field.parse().ok());
        // Field 22.
        let start = fields.nth(12).and_then(|field| field.parse().ok());
        // Field 52.
        let exit_code = fields.nth(29).and_then(|field| field.parse().ok());
        let name = ProcessName::new(&text[open + 1..close]);
        Some(ProcStat {
            pid,
            name,
            state,
            parent_pid: parent,
            process_group: group,
            session,
            terminal_device: terminal,
            flags,
            start_ticks: start,
            exit_code,
        })
    }

    /// Whether it is a thread of the kernel's: no signal of ours concerns it.
    pub fn is_kernel_thread(&self) -> bool {
        self.flags.is_some_and(|flags| flags & PF_KTHREAD != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_any_name() {
        for name in ["bash", "a b", "sh) S 1 (x", "two\nlines", "", ")", "("] {
            let text = format!("12 ({name}) S 1 7 5 0 -1 4194560\n");
            let stat = ProcStat::parse(text.as_bytes()).unwrap();
            assert_eq!(stat.name.as_bytes(), name.as_bytes());
            assert_eq!(
                (stat.state.letter(), stat.parent_pid, stat.process_group, stat.session),
                ('S', 1, 7, 5)
            );
            assert_eq!(
                (stat.terminal_device, stat.flags, stat.start_ticks),
                (Some(0), Some(4_194_560), None)
            );
            assert!(!stat.is_kernel_thread());
        }
    }

    #[test]
    fn parse_reads_start_ticks_from_field_22() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let stat = ProcStat::parse(format!("12 (x) S {}", fields.join(" ")).as_bytes()).unwrap();
        assert_eq!(
            (stat.parent_pid, stat.process_group, stat.session, stat.start_ticks),
            (4, 5, 6, Some(22))
        );
        assert_eq!((stat.terminal_device, stat.flags), (Some(7), Some(9)));
    }

    #[test]
    fn parse_reads_kernel_thread_flag_and_terminal() {
        let stat = ProcStat::parse(b"2 (kthreadd) S 0 0 0 -2147448832 -1 2129984 0").unwrap();
        assert!(stat.is_kernel_thread());
        assert_eq!(stat.terminal_device, Some(0x8000_8800));
    }

    #[test]
    fn parse_rejects_truncated_text() {
        for text in
            ["", "12", "12 (x", "12 (x)", "12 (x) S", "12 (x) S 1 2", "12 )x( S 1 2 3", "12 (x) S a 2 3"]
        {
            assert_eq!(ProcStat::parse(text.as_bytes()), None, "{text}");
        }
        let short = ProcStat::parse(b"12 (x) S 1 2 3").unwrap();
        assert_eq!((short.terminal_device, short.flags, short.start_ticks), (None, None, None));
    }
}
