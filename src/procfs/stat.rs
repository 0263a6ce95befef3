//! Parser of /proc/PID/stat.

use super::{ProcessName, TaskState};

/// Flag of a kernel thread (include/linux/sched.h).
const PF_KTHREAD: u32 = 0x0020_0000;

/// The fields of the file that are used. Its signal fields are not, because they
/// contain only 31 signals (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStat {
    /// Its PID.
    pub pid: u32,
    /// Its name: any bytes, including parentheses and line feeds.
    pub name: ProcessName,
    /// Its state.
    pub state: TaskState,
    /// The PID of its parent.
    pub parent_pid: u32,
    /// Its process group.
    pub process_group: u32,
    /// Its session.
    pub session: u32,
    /// The device number of its terminal in the kernel's encoding, which for
    /// terminals equals that of stat(2) (`new_encode_dev` in
    /// include/linux/kdev_t.h). 0 if it has no terminal, `None` if the text is
    /// truncated.
    pub terminal_device: Option<u32>,
    /// The kernel's flags (PF_*). `None` if the text is truncated.
    pub flags: Option<u32>,
    /// Its start time in clock ticks since boot. PID and start time together
    /// identify a process. `None` if the text is truncated.
    pub start_ticks: Option<u64>,
    /// The wait status of a zombie, or the signal that stopped a stopped process
    /// until its parent waits for it. 0 if the permission to read it is missing.
    pub exit_code: Option<i32>,
}

impl ProcStat {
    /// Parses the file. The name ends at the last closing parenthesis, because no
    /// other field contains one.
    pub fn parse(text: &[u8]) -> Option<ProcStat> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')').filter(|close| *close > open)?;
        let pid = std::str::from_utf8(text[..open].trim_ascii()).ok()?.parse().ok()?;
        let fields = text[close + 1..].split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let mut fields = fields.map(|field| std::str::from_utf8(field).unwrap_or_default());
        let state = TaskState::from_letter(fields.next()?.bytes().next()?);
        let mut next_number = || fields.next()?.parse().ok();
        let (parent_pid, process_group, session) = (next_number()?, next_number()?, next_number()?);
        // The kernel prints the device number as a signed integer.
        let terminal_device = fields.next().and_then(|field| field.parse().ok()).map(i32::cast_unsigned);
        // Field 9. Field 8 is the foreground process group of the terminal.
        let flags = fields.nth(1).and_then(|field| field.parse().ok());
        // Field 22.
        let start_ticks = fields.nth(12).and_then(|field| field.parse().ok());
        // Field 52.
        let exit_code = fields.nth(29).and_then(|field| field.parse().ok());
        let name = ProcessName::new(&text[open + 1..close]);
        Some(ProcStat {
            pid,
            name,
            state,
            parent_pid,
            process_group,
            session,
            terminal_device,
            flags,
            start_ticks,
            exit_code,
        })
    }

    /// Returns true if it is a kernel thread, which our signals do not affect.
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
